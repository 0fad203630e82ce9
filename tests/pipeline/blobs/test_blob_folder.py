from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.blobs.folder import BlobFolder
from pipeline.blobs.names import LARGEST_BLOB, checked, segment_of
from pipeline.blobs.opened import BlobsByScheme, open_blobs
from pipeline.errors import Poison, Retryable
from pipeline.ports import BlobStore
from pipeline.settings import ClaimSettings
from pipeline.testing import InMemoryBlobs

NAME = f"tenant/call/{'a' * 64}.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "of all workers" / "claims"


@pytest.fixture
def folder(root: Path) -> BlobFolder:
    return BlobFolder(root)


@pytest.fixture(params=["memory", "folder", "by scheme"])
def blobs(request: pytest.FixtureRequest, root: Path) -> BlobStore:
    """Each implementation of the port."""
    makers: dict[str, Callable[[], BlobStore]] = {
        "memory": InMemoryBlobs,
        "folder": lambda: BlobFolder(root),
        "by scheme": lambda: BlobsByScheme({"memory": InMemoryBlobs(), "file": BlobFolder(root)}, writes="file"),
    }
    return makers[request.param]()


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def folders(root: Path) -> list[str]:
    """The root, where it is there, and all folders below it."""
    return sorted(str(path.relative_to(root)) for path in [root, *root.rglob("*")] if path.is_dir())


def make(folder: Path) -> None:
    folder.mkdir(parents=True)


def age(path: Path, seconds: float) -> None:
    at = time.time() - seconds
    os.utime(path, (at, at))


# What every store promises.


@given(data=st.binary(max_size=10_000))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_was_put_away_comes_back_whole(blobs: BlobStore, data: bytes) -> None:
    assert await blobs.get(await blobs.put(NAME, data)) == data


async def test_the_same_value_again_has_the_same_uri(blobs: BlobStore) -> None:
    first = await blobs.put(NAME, b"a")
    assert await blobs.put(NAME, b"a") == first
    assert await blobs.put(NAME.replace("call", "other"), b"a") != first


async def test_a_prefix_is_removed_with_all_below_it_and_nothing_beside_it(blobs: BlobStore) -> None:
    gone = [await blobs.put(f"t/call-1/{name}.json", b"x") for name in "ab"]
    stays = [await blobs.put(name, b"y") for name in ("t/call-10/a.json", "u/call-1/a.json")]
    await blobs.remove("t/call-1")
    for uri in gone:
        with pytest.raises(Poison):
            await blobs.get(uri)
    assert [await blobs.get(uri) for uri in stays] == [b"y", b"y"]
    await blobs.remove("t/call-1")
    await blobs.remove("t/call-10/a.json")
    with pytest.raises(Poison):
        await blobs.get(stays[0])


async def test_what_is_old_enough_expires_and_is_gone_for_good(blobs: BlobStore) -> None:
    uri = await blobs.put(NAME, b"x")
    assert await blobs.expire(3_600) == 0
    assert await blobs.get(uri) == b"x"
    assert await blobs.expire(-3_600) == 1
    with pytest.raises(Poison):
        await blobs.get(uri)
    assert await blobs.get(await blobs.put(NAME, b"x")) == b"x"


@pytest.mark.parametrize("name", ["", "/", "..", "a/../b", "/etc/passwd", "a//b", ".hidden", "a/\0", "a/é", "a/b\n"])
async def test_a_name_that_is_not_plain_is_refused(blobs: BlobStore, name: str) -> None:
    with pytest.raises(Poison, match="no name"):
        await blobs.put(name, b"x")
    with pytest.raises(Poison, match="no name"):
        await blobs.remove(name)


async def test_a_value_beyond_the_bound_is_refused(blobs: BlobStore) -> None:
    with pytest.raises(Poison, match="bytes"):
        await blobs.put(NAME, bytes(LARGEST_BLOB + 1))


# Names.


@given(text=st.text())
def test_any_text_makes_a_segment_of_a_name(text: str) -> None:
    assert "/" not in checked(segment_of(text))


@given(one=st.text(max_size=3), other=st.text(max_size=3))
def test_different_texts_make_different_segments_even_where_one_is_the_other_s_segment(one: str, other: str) -> None:
    texts = {one, other, segment_of(one), segment_of(other), hashlib.sha256(one.encode()).hexdigest()}
    assert len({segment_of(text) for text in texts}) == len(texts)


_ODD = st.sampled_from(["..", ".", "", "~", "a", "a.json", "%2e%2e", "..%2f", "etc", "\0", "secret"])


@given(name=st.one_of(st.text(), st.lists(_ODD | st.text(max_size=5), max_size=6).map("/".join)))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_name_and_no_uri_leads_out_of_the_root(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    (tmp_path / "secret").write_bytes(b"secret")
    folder = BlobFolder(root)
    with suppress(Poison, Retryable):  # no name; or a folder stands where the file should be
        await folder.put(name, b"x")
    for uri in (f"{root.as_uri()}/{name}", f"file://{name}", name):
        try:
            assert await folder.get(uri) == b"x"
        except (Poison, Retryable):
            continue
    assert [path for path in files(tmp_path) if not path.startswith("root/")] == ["secret"]
    assert all(path in {".", "root"} or path.startswith("root/") for path in folders(tmp_path))


# Files.


async def test_only_their_owner_can_read_the_files(folder: BlobFolder, root: Path) -> None:
    before = os.umask(0)
    try:
        await folder.put(NAME, b"x")
    finally:
        os.umask(before)
    assert {stat.S_IMODE((root / path).stat().st_mode) for path in files(root)} == {0o600}
    assert {stat.S_IMODE((root / path).stat().st_mode) for path in folders(root)} == {0o700}


async def test_the_same_content_again_is_not_written_again_but_is_young_again(folder: BlobFolder, root: Path) -> None:
    await folder.put(NAME, b"x")
    before = (root / NAME).stat()
    age(root / NAME, 5_000)
    await folder.put(NAME, b"x")
    after = (root / NAME).stat()
    assert (after.st_ino, after.st_mtime >= before.st_mtime) == (before.st_ino, True)


async def test_a_file_with_other_content_is_replaced(folder: BlobFolder, root: Path) -> None:
    uri = await folder.put(NAME, b"x")
    (root / NAME).write_bytes(b"?")
    await folder.put(NAME, b"x")
    assert await folder.get(uri) == b"x"


async def test_writers_of_the_same_value_do_not_meet_each_other(folder: BlobFolder, root: Path) -> None:
    data = os.urandom(200_000)
    uris = await asyncio.gather(*(BlobFolder(root).put(NAME, data) for _ in range(8)))
    assert set(uris) == {(root / NAME).as_uri()}
    assert files(root) == [NAME]
    assert await folder.get(uris[0]) == data


async def test_a_writer_that_fails_leaves_nothing_behind_and_is_tried_again(
    folder: BlobFolder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    make(root / "tenant" / "call")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(Retryable, match="No space left") as caught:
            await folder.put(NAME, b"x")
    assert (caught.value.dependency, files(root)) == ("claims", [])
    assert "CONVMINE_CLAIMS_ROOT" in (caught.value.hint or "")
    assert await folder.get(await folder.put(NAME, b"x")) == b"x"


async def test_a_file_system_that_cannot_sync_folders_is_used_all_the_same(
    folder: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def refused(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        sync(descriptor)

    monkeypatch.setattr("os.fsync", refused)
    assert await folder.get(await folder.put(NAME, b"x")) == b"x"


async def test_a_root_that_cannot_be_used_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    folder = BlobFolder(tmp_path / "file")
    with pytest.raises(Retryable, match="claimed values cannot be used"):
        await folder.put(NAME, b"x")
    with pytest.raises(Retryable, match="claimed values cannot be used"):
        await folder.get((tmp_path / "file" / NAME).as_uri())
    with pytest.raises(Retryable, match="claimed values cannot be used"):
        await folder.check()


async def test_a_volume_that_is_not_mounted_is_an_outage_and_no_lost_value(folder: BlobFolder, root: Path) -> None:
    uri = (root / NAME).as_uri()
    with pytest.raises(Retryable, match="not mounted"):
        await folder.get(uri)
    await folder.check()
    assert (files(root), folders(root)) == ([], ["."])
    with pytest.raises(Retryable, match="not mounted"):
        await folder.get(uri)


async def test_after_everything_has_expired_a_missing_value_is_still_told_from_an_outage(
    folder: BlobFolder, root: Path
) -> None:
    uri = await folder.put(NAME, b"x")
    (root / "tenant" / "call" / ".0.tmp").write_bytes(b"unfinished")
    assert await folder.expire(-60) == 2
    assert (files(root), folders(root)) == ([], [".", "tenant"])
    with pytest.raises(Poison, match="removed after their retention"):
        await folder.get(uri)


async def test_only_what_is_too_old_expires(folder: BlobFolder, root: Path) -> None:
    for number in range(4):
        await folder.put(f"t/c/{number}.json", b"x")
        age(root / f"t/c/{number}.json", 1_000 * number)
    assert await folder.expire(1_500) == 2
    assert files(root) == ["t/c/0.json", "t/c/1.json"]


async def test_nothing_expires_where_nothing_was_ever_written(folder: BlobFolder, root: Path) -> None:
    assert await folder.expire(0) == 0
    await folder.remove("tenant")
    assert folders(root) == []


@pytest.mark.parametrize("link", ["tenant", "tenant/call", NAME])
async def test_a_symbolic_link_below_the_root_is_not_followed(folder: BlobFolder, root: Path, link: str) -> None:
    outside = root.parent / "outside"
    (outside / NAME).parent.mkdir(parents=True)
    (outside / NAME).write_bytes(b"secret")
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(outside / link)
    with pytest.raises(Poison, match="no plain file"):
        await folder.get((root / NAME).as_uri())
    await folder.expire(-60)
    await folder.remove("tenant")
    assert (outside / NAME).read_bytes() == b"secret"


async def test_a_link_in_the_place_of_a_file_is_replaced_and_not_written_through(
    folder: BlobFolder, root: Path
) -> None:
    (root / NAME).parent.mkdir(parents=True)
    (root / NAME).symlink_to(root.parent / "outside")
    assert await folder.get(await folder.put(NAME, b"x")) == b"x"
    assert not (root.parent / "outside").exists()


async def test_a_root_that_is_itself_a_link_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "claims").symlink_to(tmp_path / "volume")
    folder = BlobFolder(tmp_path / "claims")
    assert await folder.get(await folder.put(NAME, b"x")) == b"x"


async def test_a_pipe_or_a_folder_in_the_place_of_a_file_is_refused_at_once(folder: BlobFolder, root: Path) -> None:
    (root / "t").mkdir(parents=True)
    os.mkfifo(root / "t" / "pipe")
    for name in ("t/pipe", "t"):
        with pytest.raises(Poison, match="no plain file"):
            await asyncio.wait_for(folder.get((root / name).as_uri()), 10)


async def test_a_file_beyond_the_bound_is_refused_before_it_is_read(folder: BlobFolder, root: Path) -> None:
    (root / "t").mkdir(parents=True)
    with (root / "t" / "large").open("wb") as file:
        file.truncate(LARGEST_BLOB + 1)
    with pytest.raises(Poison, match="bytes"):
        await folder.get((root / "t" / "large").as_uri())


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "file://{root}/../outside",
        "file://{root}/%2e%2e/outside",
        "file://{root}/a/%00",
        "file://{root}/%ff",
        "file://{root}",
        "file://{root}2/a",
        "file://server{root}/a",
        "file://{root}/a?b",
        "file://{root}/a#b",
        "http://{root}/a",
        "{root}/a",
        "file://[",
        "",
    ],
)
async def test_a_uri_that_is_not_a_file_of_the_root_is_refused(root: Path, uri: str) -> None:
    make(root)
    (root.parent / "outside").write_bytes(b"secret")
    with pytest.raises(Poison):
        await BlobFolder(root).get(uri.replace("{root}", root.as_uri().removeprefix("file://")))


async def test_the_settings_name_the_folder_and_another_scheme_is_told_what_is_possible(root: Path) -> None:
    blobs = open_blobs(ClaimSettings(root=root))
    assert await blobs.put(NAME, b"x") == (root / NAME).as_uri()
    for uri in ("s3://bucket/a", "https://host/a", "no uri"):
        with pytest.raises(Poison, match="claimed values lie at file://"):
            await blobs.get(uri)
