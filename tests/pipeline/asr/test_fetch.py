import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from pipeline.asr.errors import NotThereYet
from pipeline.asr.fetch import build_store
from pipeline.errors import Poison, Retryable
from pipeline.ports import ClaimCheck
from pipeline.settings import AudioSettings

BODY = b"sound" * 1_000
SHA256 = hashlib.sha256(BODY).hexdigest()


async def fetched(claim: ClaimCheck, settings: AudioSettings) -> bytes:
    async with build_store(settings).fetch(claim) as path:
        return path.read_bytes()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "my call.wav").write_bytes(BODY)
    (tmp_path / "secret.wav").write_bytes(BODY)
    return folder


def here(root: Path, **others: object) -> AudioSettings:
    return AudioSettings.model_validate({"allowed_roots": (root,), **others})


async def test_a_file_below_an_allowed_folder_is_given_as_it_is(root: Path) -> None:
    claim = ClaimCheck((root / "my call.wav").as_uri(), SHA256)
    assert await fetched(claim, here(root)) == BODY
    assert (root / "my call.wav").exists()


@pytest.mark.parametrize(
    "way", ["{root}/../secret.wav", "{root}/link.wav", "/etc/hostname", "{root}%2F..%2Fsecret.wav"]
)
async def test_a_path_outside_the_allowed_folders_is_poison_naming_the_setting(root: Path, way: str) -> None:
    (root / "link.wav").symlink_to(root.parent / "secret.wav")
    with pytest.raises(Poison, match="CONVMINE_AUDIO_ALLOWED_ROOTS"):
        await fetched(ClaimCheck("file://" + way.format(root=root)), here(root))


async def test_without_allowed_folders_nothing_is_read(root: Path) -> None:
    with pytest.raises(Poison, match="CONVMINE_AUDIO_ALLOWED_ROOTS"):
        await fetched(ClaimCheck((root / "my call.wav").as_uri()), AudioSettings())


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("ftp://host/a.wav", "scheme"),
        ("a.wav", "scheme"),
        ("file://server/a.wav", "three slashes"),
        ("file:///a%00b", "no usable path"),
        ("http://[::1/a.wav", "no URI"),
    ],
)
async def test_a_uri_of_another_kind_is_poison(root: Path, uri: str, reason: str) -> None:
    with pytest.raises(Poison, match=reason):
        await fetched(ClaimCheck(uri), here(root))


async def test_a_file_that_is_missing_is_not_there_yet(root: Path) -> None:
    with pytest.raises(NotThereYet) as caught:
        await fetched(ClaimCheck((root / "later.wav").as_uri()), here(root))
    assert isinstance(caught.value, Retryable)
    assert caught.value.dependency == "audio store"


async def test_a_hash_that_differs_is_poison_saying_both(root: Path) -> None:
    with pytest.raises(Poison, match=f"{SHA256}, the event says {'0' * 64}"):
        await fetched(ClaimCheck((root / "my call.wav").as_uri(), "0" * 64), here(root))


async def test_a_file_that_is_too_large_or_empty_or_none_is_poison(root: Path) -> None:
    (root / "empty.wav").touch()
    os.mkfifo(root / "pipe.wav")
    with pytest.raises(Poison, match="CONVMINE_AUDIO_MAX_BYTES allows 4999"):
        await fetched(ClaimCheck((root / "my call.wav").as_uri()), here(root, max_bytes=4_999))
    with pytest.raises(Poison, match="is empty: 0 bytes"):
        await fetched(ClaimCheck((root / "empty.wav").as_uri()), here(root))
    for none in (root, root / "pipe.wav"):
        with pytest.raises(Poison, match="is no file"):
            await fetched(ClaimCheck(none.as_uri()), here(root))


class Recordings(BaseHTTPRequestHandler):
    """Answers by the path: a status, or a way to send the body."""

    released = Event()

    def do_GET(self) -> None:
        word = self.path.strip("/").partition("?")[0]
        status = int(word) if word.isdigit() else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/good")
        if status == 429:
            self.send_header("Retry-After", "7")
        if word == "gzip":
            self.send_header("Content-Encoding", "gzip")
        if word != "endless":
            self.send_header("Content-Length", str(len(BODY) * (2 if word == "short" else 1)))
        self.end_headers()
        if word == "stuck":
            self.released.wait(10)
        with suppress(ConnectionError):  # a client that has given up
            for _ in range(50 if word == "endless" else 1):
                self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the overridden parameter
        """Say nothing."""


@contextmanager
def serving() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recordings)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        Recordings.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as number:
        yield number


def there(port: int, **others: object) -> AudioSettings:
    return AudioSettings.model_validate({"allowed_hosts": (f"127.0.0.1:{port}",), **others})


async def test_a_download_is_checked_and_gone_afterwards(port: int) -> None:
    claim = ClaimCheck(f"http://127.0.0.1:{port}/good?signature=secret", SHA256)
    async with build_store(there(port)).fetch(claim) as path:
        assert path.read_bytes() == BODY
    assert not path.exists()


@pytest.mark.parametrize(
    ("word", "reason"),
    [("302", "redirects"), ("403", "answered 403"), ("410", "answered 410"), ("gzip", "compressed")],
)
async def test_an_answer_that_is_no_recording_is_poison(port: int, word: str, reason: str) -> None:
    with pytest.raises(Poison, match=reason) as caught:
        await fetched(ClaimCheck(f"http://127.0.0.1:{port}/{word}?signature=secret"), there(port))
    assert "secret" not in caught.value.message


async def test_a_download_that_differs_is_poison(port: int) -> None:
    with pytest.raises(Poison, match="the event says"):
        await fetched(ClaimCheck(f"http://127.0.0.1:{port}/good", "0" * 64), there(port))


@pytest.mark.parametrize("word", ["good", "endless"])
async def test_a_body_over_the_limit_is_poison_with_and_without_a_declared_length(port: int, word: str) -> None:
    with pytest.raises(Poison, match="CONVMINE_AUDIO_MAX_BYTES"):
        await fetched(ClaimCheck(f"http://127.0.0.1:{port}/{word}"), there(port, max_bytes=4_999))


async def test_a_recording_that_is_not_found_is_not_there_yet(port: int) -> None:
    with pytest.raises(NotThereYet):
        await fetched(ClaimCheck(f"http://127.0.0.1:{port}/404"), there(port))


@pytest.mark.parametrize(("word", "wait"), [("429", 7.0), ("503", None), ("short", None)])
async def test_a_busy_or_broken_server_is_retryable_and_not_an_absent_recording(
    port: int, word: str, wait: float | None
) -> None:
    with pytest.raises(Retryable) as caught:
        await fetched(ClaimCheck(f"http://127.0.0.1:{port}/{word}"), there(port))
    assert not isinstance(caught.value, NotThereYet)
    assert caught.value.retry_after_s == wait


async def test_a_download_without_end_is_given_up_and_retryable(port: int) -> None:
    with pytest.raises(Retryable, match=r"took more than"):
        await fetched(ClaimCheck(f"http://127.0.0.1:{port}/stuck"), there(port, fetch_timeout_s=0.3))


async def test_a_server_that_is_away_is_retryable() -> None:
    with serving() as port:
        pass
    with pytest.raises(Retryable):
        await fetched(ClaimCheck(f"http://127.0.0.1:{port}/good"), there(port))


@pytest.mark.parametrize(
    ("hosts", "uri", "reason"),
    [
        ((), "http://127.0.0.1:{port}/good", "CONVMINE_AUDIO_ALLOWED_HOSTS"),
        (("127.0.0.1",), "http://127.0.0.1:{port}/good", "CONVMINE_AUDIO_ALLOWED_HOSTS"),
        (("127.0.0.1",), "http://127.0.0.1/good", "private address"),
        (("localhost",), "https://localhost/good", "private address"),
        (("169.254.169.254",), "http://169.254.169.254/latest", "private address"),
        (("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"), "http://[::ffff:127.0.0.1]/good", "private address"),
        (("127.0.0.1:{port}",), "http://user:word@127.0.0.1:{port}/good", "no credentials"),
        (("127.0.0.1:{port}",), "http://127.0.0.1:99999/good", "no URI"),
    ],
)
async def test_a_host_that_is_not_allowed_or_private_is_poison(
    port: int, hosts: tuple[str, ...], uri: str, reason: str
) -> None:
    settings = AudioSettings(allowed_hosts=tuple(host.format(port=port) for host in hosts))
    with pytest.raises(Poison, match=reason) as caught:
        await fetched(ClaimCheck(uri.format(port=port)), settings)
    assert "user:word" not in caught.value.message
