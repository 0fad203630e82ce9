"""What may be heard of a call over HTTP: in parts, silent where it is masked, by whoever may read it, and on record."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dashboard_site import dashboard_site
from gateway_app import client_of
from heard_calls import HEARD, RATE_HZ, SAID, heard_store, rooms_of, segments, write_recording
from hypothesis import given
from hypothesis import strategies as st

from pipeline.asr.errors import NotThereYet
from pipeline.asr.fetch import build_store
from pipeline.errors import Config, Poison
from pipeline.ports import ClaimCheck
from pipeline.settings import AudioSettings
from pipeline.testing import InMemoryAuditLog
from workers.dashboard.recordings.copies import Copies
from workers.dashboard.recordings.finding import NamedRecordings, NoRecordings
from workers.dashboard.recordings.parts import MOST_BYTES, part_of
from workers.dashboard.recordings.room import recordings_room
from workers.gateway.auditing import Auditing

AUDIO = f"/v1/calls/{HEARD}/audio"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_recording(tmp_path)
    return tmp_path


async def test_a_recording_is_served_in_parts_and_silent_where_it_is_masked(folder: Path) -> None:
    log = InMemoryAuditLog()
    rooms = rooms_of(folder, Auditing(log))
    async with dashboard_site(rooms=rooms, store=await heard_store()) as site, client_of(site.app) as client:
        whole = await client.get(AUDIO)
        assert whole.status_code == 200
        assert whole.headers["content-type"] == "audio/wav"
        assert whole.headers["accept-ranges"] == "bytes"
        assert whole.headers["cache-control"] == "private, no-store"
        samples, rate = soundfile.read(io.BytesIO(whole.content))
        assert (rate, samples.shape) == (RATE_HZ, (24 * RATE_HZ, 2))
        (card,) = segments(SAID)[1].masked
        silent = samples[card.start_ms * RATE_HZ // 1_000 : card.end_ms * RATE_HZ // 1_000]
        assert len(silent)
        assert not silent.any()
        assert np.abs(samples).max() > 0.2

        part = await client.get(AUDIO, headers={"Range": "bytes=100-199"})
        assert part.status_code == 206
        assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
        assert part.content == whole.content[100:200]
        last = await client.get(AUDIO, headers={"Range": "bytes=-10"})
        assert last.content == whole.content[-10:]
        changed = await client.get(AUDIO, headers={"Range": "bytes=100-199", "If-Range": '"another"'})
        assert changed.status_code == 200
        same = await client.get(AUDIO, headers={"Range": "bytes=100-199", "If-Range": whole.headers["etag"]})
        assert same.status_code == 206

        beyond = await client.get(AUDIO, headers={"Range": f"bytes={len(whole.content)}-"})
        assert beyond.status_code == 416
        assert beyond.headers["content-range"] == f"bytes */{len(whole.content)}"
        head = await client.head(AUDIO)
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["content-length"] == str(len(whole.content))

        heard = [one for one in log.entries if one.action == "audio"]
        assert {(one.who, one.calls) for one in heard} == {("k-analyst", (HEARD,))}


async def test_only_who_may_read_a_call_hears_it(folder: Path) -> None:
    write_recording(folder, "call-of-bob", 24.0)
    rooms = rooms_of(folder)
    async with dashboard_site(rooms=rooms, store=await heard_store()) as site:
        async with client_of(site.app, "bob") as bob:
            assert (await bob.get("/v1/calls/call-of-bob/audio")).status_code == 200
            others, none = await bob.get(AUDIO), await bob.get("/v1/calls/none/audio")
            assert (others.status_code, none.status_code) == (404, 404)
            assert others.json()["title"] == none.json()["title"]
            assert others.json()["detail"].replace(HEARD, "none") == none.json()["detail"]
        for key, status in (("stranger", 404), ("publisher", 403), (None, 401)):
            async with client_of(site.app, key) as client:
                assert (await client.get(AUDIO)).status_code == status


async def test_what_was_never_recorded_and_what_is_gone_are_told_apart(folder: Path) -> None:
    async with dashboard_site(rooms=rooms_of(folder), store=await heard_store()) as site, client_of(site.app) as client:
        assert (await client.get(AUDIO)).status_code == 200
        (folder / f"{HEARD}.wav").unlink()
        gone = await client.get(AUDIO)  # though a copy of it is at hand
        assert gone.status_code == 410
        assert gone.json()["type"].endswith(":gone")
        (folder / "call-one.wav").write_bytes(b"no sound")
        broken = await client.get("/v1/calls/call-one/audio")
        assert broken.status_code == 422
        assert str(folder) not in broken.text


def test_recordings_are_named_by_ids_that_lead_nowhere_else() -> None:
    named = NamedRecordings("file:///srv/{tenant_id}/{call_id}.wav")
    claim = named.claim("acme", "call-1")
    assert claim == ClaimCheck("file:///srv/acme/call-1.wav")
    for hostile in ("../umbrella/call-1", "a/b", "..", ".hidden", "a%2Fb", "a b", "a?b", "a\nb", "", "{tenant_id}"):
        assert named.claim("acme", hostile) is None, hostile
    assert NoRecordings().claim("acme", "call-1") is None
    for wrong in ("file:///srv/all.wav", "file:///{call_id}/{other}.wav", "file:///{call_id"):
        with pytest.raises(Config):
            NamedRecordings(wrong)


async def test_copies_are_made_once_bounded_and_forgotten(folder: Path) -> None:
    now = [0.0]
    audio = build_store(AudioSettings(allowed_roots=(folder,)))
    copies = Copies(audio, max_bytes=1_000_000, kept_s=100, now=lambda: now[0])
    claims = [ClaimCheck(write_recording(folder, f"c{number}", 15.0).as_uri()) for number in range(3)]
    first = await copies.copy("one", claims[0], ())
    written = first.stat().st_mtime_ns
    assert await copies.copy("one", claims[0], ()) == first
    assert first.stat().st_mtime_ns == written
    second = await copies.copy("one", claims[1], ())
    now[0] = 61
    third = await copies.copy("one", claims[2], ())  # three have 1.4 MB: the oldest two go, as nobody listens any more
    await copies.copy("one", claims[2], ())
    assert third.exists()
    assert not first.exists() or not second.exists()
    now[0] = 200
    assert (await copies.copy("one", claims[0], ())).exists()
    assert not third.exists()

    with pytest.raises(Poison, match="more than can be listened to"):
        await copies.copy("one", ClaimCheck(write_recording(folder, "long", 40.0).as_uri()), ())
    with pytest.raises(NotThereYet):
        await copies.copy("one", ClaimCheck((folder / "none.wav").as_uri()), ())
    with pytest.raises(Poison, match="outside"):
        await copies.copy("one", ClaimCheck("file:///etc/passwd"), ())


@given(st.text(max_size=30) | st.from_regex(r"bytes=\d{0,6}-\d{0,6}", fullmatch=True), st.integers(1, 3 * MOST_BYTES))
def test_a_part_always_lies_inside_the_file(header: str, size: int) -> None:
    try:
        part = part_of(header, size)
    except ValueError:
        return
    if part is not None:
        assert 0 <= part[0] < part[1] <= size
        assert part[1] - part[0] <= MOST_BYTES


async def test_without_a_place_for_recordings_there_is_none_of_any_call() -> None:
    room = recordings_room(NoRecordings(), Copies(build_store(AudioSettings())))
    async with dashboard_site(rooms=(room,), store=await heard_store()) as site, client_of(site.app) as client:
        none = await client.get(AUDIO)
        assert none.status_code == 404
        assert "no recording is kept" in none.json()["detail"]
