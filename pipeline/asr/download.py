"""Recordings over HTTP: from listed hosts only, streamed, bounded in size and time, redirects refused."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Final
from urllib.parse import SplitResult

import httpx

from pipeline.asr.errors import NotThereYet
from pipeline.dependencies import answered
from pipeline.errors import Poison, Retryable
from pipeline.retry_after import retry_after_s

_PORTS: Final = {"http": 80, "https": 443}
_CHUNK_BYTES: Final = 1 << 18
_NOT_FOUND: Final = 404
_BUSY: Final = frozenset({408, 425, 429})
_READ_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Target:
    """Where to connect: one checked address of a host, so that a second look-up cannot lead elsewhere."""

    scheme: str
    host: str
    port: int
    address: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Downloads:
    """Streams allowed recordings into temporary files.

    Args:
        hosts: ``name`` allows the default ports of a public host, ``name:port`` exactly that port, on a private
            address, too.
        max_bytes: the download stops where the body gets longer.
        timeout_s: seconds for a whole download.
    """

    def __init__(self, *, hosts: Sequence[str], max_bytes: int, timeout_s: float) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    @asynccontextmanager
    async def download(self, uri: SplitResult) -> AsyncIterator[Path]:
        """The body as a temporary file while the context is open.

        Raises:
            NotThereYet: the server says 404.
            Retryable: the server is away, busy or slow.
            Poison: the host is not allowed, the server refuses, redirects or sends too much.
        """
        with NamedTemporaryFile(prefix="convmine-") as file:
            try:
                async with asyncio.timeout(self._timeout_s):
                    target = await self._resolve(uri)
                    await self._stream(target, uri, file)
            except TimeoutError as error:
                raise _away(uri, f"took more than {self._timeout_s:.0f} s") from error
            except httpx.TransportError as error:
                raise _away(uri, str(error) or type(error).__name__) from error
            answered(_name_of(uri))
            file.flush()
            yield Path(file.name)

    async def _resolve(self, uri: SplitResult) -> _Target:
        try:
            host, port = (uri.hostname or "").lower(), uri.port or _PORTS[uri.scheme]
        except ValueError as error:
            raise Poison(f"{uri.geturl()!r} is no URI: {error}") from error
        if uri.username is not None or uri.password is not None:
            raise Poison(f"the address of the recording on {host} holds a user name: events must carry no credentials")
        named = f"{host}:{port}" in self._hosts
        if not named and not (host in self._hosts and port == _PORTS[uri.scheme]):
            raise Poison(
                f"the host {host}:{port} is not in CONVMINE_AUDIO_ALLOWED_HOSTS",
                hint="name it there as host, or as host:port",
            )
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise _away(uri, f"the name cannot be resolved: {error}") from error
        addresses = [str(entry[4][0]) for entry in found]
        if not named and (private := next((it for it in addresses if not _is_public(it)), None)):
            raise Poison(
                f"the host {host} has the private address {private}",
                hint=f"if that is meant, name {host}:{port} in CONVMINE_AUDIO_ALLOWED_HOSTS",
            )
        return _Target(uri.scheme, host, port, addresses[0])

    async def _stream(self, target: _Target, uri: SplitResult, file: IO[bytes]) -> None:
        address = f"[{target.address}]" if ":" in target.address else target.address
        path = (uri.path or "/") + (f"?{uri.query}" if uri.query else "")
        async with (
            # Proxies of the environment would undo the check of the address; certificates are the system's.
            httpx.AsyncClient(trust_env=False, timeout=_READ_S, verify=ssl.create_default_context()) as client,
            client.stream(
                "GET",
                f"{target.scheme}://{address}:{target.port}{path}",
                headers={"Host": target.authority, "Accept-Encoding": "identity"},
                extensions={"sni_hostname": target.host},
                follow_redirects=False,
            ) as response,
        ):
            _check_status(response, uri)
            self._check_length(int(response.headers.get("content-length", 0)))
            received = 0
            async for chunk in response.aiter_raw(_CHUNK_BYTES):
                received += len(chunk)
                self._check_length(received)
                await asyncio.to_thread(file.write, chunk)

    def _check_length(self, length: int) -> None:
        if length > self._max_bytes:
            raise Poison(f"the recording has more than the {self._max_bytes} bytes of CONVMINE_AUDIO_MAX_BYTES")


def _check_status(response: httpx.Response, uri: SplitResult) -> None:
    status = response.status_code
    if status == _NOT_FOUND:
        raise NotThereYet(f"{_shown(uri)} is not there (404)")
    if status in _BUSY or response.is_server_error:
        raise _away(uri, f"answered {status}", retry_after_s(response.headers))
    if response.is_redirect:
        raise Poison(f"{_shown(uri)} redirects, which is refused: give the final address")
    if status != httpx.codes.OK:
        raise Poison(f"{_shown(uri)} answered {status} {response.reason_phrase}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Poison(f"{_shown(uri)} was sent compressed although that was not asked for")


def _away(uri: SplitResult, why: str, after_s: float | None = None) -> Retryable:
    return Retryable(f"{_shown(uri)}: {why}", dependency=_name_of(uri), retry_after_s=after_s)


def _name_of(uri: SplitResult) -> str:
    return f"audio store {uri.hostname}"


def _shown(uri: SplitResult) -> str:
    # Signed addresses carry their secret in the query: it belongs in no log and no dead letter.
    return f"{uri.scheme}://{uri.hostname}{uri.path}"


def _is_public(address: str) -> bool:
    it = ip_address(address.partition("%")[0])
    mapped = getattr(it, "ipv4_mapped", None) or it
    return bool(mapped.is_global and not mapped.is_multicast)
