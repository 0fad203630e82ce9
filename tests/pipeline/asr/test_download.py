"""What servers may do to a download, and which addresses are asked at all."""

import asyncio
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from certificates import certificate

from pipeline.asr.fetch import build_store
from pipeline.asr.hosts import is_public
from pipeline.errors import Poison, Retryable
from pipeline.ports import ClaimCheck
from pipeline.settings import AudioSettings

BODY = b"sound" * 1_000
SHA256 = hashlib.sha256(BODY).hexdigest()
OK = b"HTTP/1.1 200 OK\r\n"

Send = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(send: Send, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on a free port that reads a request and then sends what it likes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await send(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # a client that has given up
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as listening:
        yield int(listening.sockets[0].getsockname()[1])


def sending(*pieces: bytes) -> Send:
    async def send(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return send


def without_end(start: bytes, piece: bytes, pause_s: float = 0.0) -> Send:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return send


async def fetched(uri: str, hosts: tuple[str, ...], sha256: str | None = None, **settings: Any) -> bytes:
    store = build_store(AudioSettings(allowed_hosts=hosts, **settings))
    async with store.fetch(ClaimCheck(uri, sha256)) as path:
        return path.read_bytes()


async def received(send: Send, sha256: str | None = None, **settings: Any) -> bytes:
    async with server(send) as port:
        return await fetched(f"http://127.0.0.1:{port}/call.wav", (f"127.0.0.1:{port}",), sha256, **settings)


async def test_a_body_in_chunks_is_put_together() -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:7], BODY[7:4_000], BODY[4_000:]))
    assert await received(sending(OK, b"Transfer-Encoding: chunked\r\n\r\n", chunks, b"0\r\n\r\n"), SHA256) == BODY


async def test_chunks_without_end_stop_at_the_limit() -> None:
    endless = without_end(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1388\r\n" + BODY + b"\r\n")
    with pytest.raises(Poison, match="CONVMINE_AUDIO_MAX_BYTES"):
        await received(endless, max_bytes=100_000)


async def test_a_body_without_a_length_or_an_end_stops_at_the_limit() -> None:
    with pytest.raises(Poison, match="CONVMINE_AUDIO_MAX_BYTES"):
        await received(without_end(OK + b"\r\n", BODY), max_bytes=100_000)


async def test_of_a_body_longer_than_its_declared_length_nothing_more_is_read() -> None:
    longer = without_end(OK + b"Content-Length: 5000\r\n\r\n", BODY)
    assert await received(longer, SHA256) == BODY


async def test_a_body_shorter_than_its_declared_length_is_retryable() -> None:
    with pytest.raises(Retryable, match="127"):
        await received(sending(OK, b"Content-Length: 5001\r\n\r\n", BODY))


@pytest.mark.parametrize(
    "length", [b"-1", b"many", b"5000, 7000", b"9" * 30, b"9" * 5_000], ids=["negative", "word", "two", "huge", "long"]
)
async def test_a_length_that_is_none_is_refused_and_no_crash(length: bytes) -> None:
    with pytest.raises((Retryable, Poison)):
        await received(sending(OK, b"Content-Length: " + length + b"\r\n\r\n", BODY))


@pytest.mark.parametrize(
    ("start", "piece"),
    [(OK + b"Content-Length: 5000\r\n\r\n", b"s"), (OK, b"X-Drip: 1\r\n"), (b"", b"H")],
    ids=["body", "headers", "no HTTP"],
)
async def test_a_drip_that_never_pauses_long_is_given_up_in_time(start: bytes, piece: bytes) -> None:
    began = monotonic()
    with pytest.raises(Retryable):
        await received(without_end(start, piece, pause_s=0.02), fetch_timeout_s=0.4)
    assert monotonic() - began < 5


async def test_headers_without_end_are_given_up() -> None:
    with pytest.raises(Retryable):
        await received(without_end(OK, b"X-More: " + b"y" * 1_000 + b"\r\n"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_every_kind_of_redirect_is_refused(status: int) -> None:
    answer = b"HTTP/1.1 %d Elsewhere\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n" % status
    with pytest.raises(Poison, match="redirects"):
        await received(sending(answer))


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"deflate", b"zstd"])
async def test_a_compressed_body_is_refused_before_it_is_read(encoding: bytes) -> None:
    with pytest.raises(Poison, match="compressed"):
        await received(without_end(OK + b"Content-Encoding: " + encoding + b"\r\n\r\n", BODY))


async def test_an_answer_that_is_an_error_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(Poison, match="answered 403"):
        await received(without_end(b"HTTP/1.1 403 No\r\n\r\n", BODY), max_bytes=100)


async def test_an_address_with_odd_bytes_in_it_is_poison() -> None:
    with pytest.raises(Poison, match="no address"):
        await fetched("http://127.0.0.1:1/a\x01b", ("127.0.0.1:1",))


async def test_a_disk_without_room_is_retryable(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.asr.download.asyncio.to_thread", full)
    with pytest.raises(Retryable, match="No space left") as caught:
        await received(sending(OK, b"Content-Length: 5000\r\n\r\n", BODY))
    assert caught.value.dependency == "temporary folder"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "192.0.2.1", "240.0.0.1", "198.18.0.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "fec0::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::10.0.0.1", "2002:7f00:1::", "2002:a00:1::1"),
        "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo
    ],
)
def test_private_addresses_are_told_in_every_way_of_writing_them(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "[::1]", "[64:ff9b::7f00:1]", "[::]"]
)
async def test_a_listed_host_that_is_a_private_address_in_disguise_is_refused(host: str) -> None:
    with pytest.raises(Poison, match="private address"):
        await fetched(f"http://{host}/call.wav", (host.strip("[]"),))


@pytest.mark.parametrize(
    "uri",
    [
        *("http://2130706433/a", "http://good.example@127.0.0.1/a", "http://good.example.evil/a"),
        *("http://good.example:81/a", "https://good.example:80/a", "http:///a", "http://good.example\\@127.0.0.1/a"),
        *("http://good.example%2f@127.0.0.1/a", "http://good\u3002example/a"),
    ],
)
async def test_a_host_that_only_looks_like_a_listed_one_is_refused(uri: str) -> None:
    with pytest.raises(Poison):
        await fetched(uri, ("good.example",))


def looked_up(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let the first, second … look-up of ``calls.example`` give these addresses; gives who was asked for."""
    real, left, asked = socket.getaddrinfo, list(answers), list[str]()

    def lookup(host: str, port: int, *args: Any, **how: Any) -> list[Any]:
        if host != "calls.example":
            return real(host, port, *args, **how)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in left.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


async def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up(monkeypatch, ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(Poison, match=r"private address 10\.0\.0\.1"):
        await fetched("http://calls.example/a", ("calls.example",))


async def test_a_name_is_looked_up_once_so_that_it_cannot_change_after_the_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with server(sending(OK, b"Content-Length: 5000\r\n\r\n", BODY)) as port:
        asked = looked_up(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        uri = f"http://calls.example:{port}/call.wav"
        assert await fetched(uri, (f"calls.example:{port}",), SHA256) == BODY
        assert asked == ["calls.example"]


@pytest.mark.parametrize(
    ("names", "trusted", "reason"),
    [("calls.example", "it", None), ("other.example", "it", "mismatch"), ("calls.example", "others", "self.signed")],
)
async def test_https_asks_the_checked_address_for_a_certificate_of_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str, trusted: str, reason: str | None
) -> None:
    path, context = certificate(tmp_path, names)
    if trusted == "it":
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    looked_up(monkeypatch, ["127.0.0.1"])
    async with server(sending(OK, b"Content-Length: 5000\r\n\r\n", BODY), context) as port:
        fetching = fetched(f"https://calls.example:{port}/call.wav", (f"calls.example:{port}",), SHA256)
        if reason is None:
            assert await fetching == BODY
        else:
            with pytest.raises(Retryable, match=reason):
                await fetching
