"""Recordings over HTTP into temporary files: streamed, bounded in size and time, redirects refused."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Final, Protocol
from urllib.parse import SplitResult

import httpx

from pipeline.asr.errors import NotThereYet
from pipeline.asr.hosts import AllowedHosts
from pipeline.dependencies import answered
from pipeline.errors import ConvmineError, Poison, Retryable
from pipeline.retry_after import retry_after_s

_CHUNK_BYTES: Final = 1 << 18
_REASON_BYTES: Final = 1 << 14
_NOT_FOUND: Final = 404
_BUSY: Final = frozenset({408, 425, 429})
_READ_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask for. The URL may hold a signature: it belongs in no message.

    ``server_name`` is whom the certificate has to name, where that is not the host of the URL.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no recording; ``body`` is the start of what the server says about it."""

    status: int
    headers: httpx.Headers
    body: str = ""

    @property
    def is_busy(self) -> bool:
        """Whether asking again later is the thing to do."""
        return self.status in _BUSY or httpx.codes.is_server_error(self.status)

    @property
    def is_absent(self) -> bool:
        """Whether nothing is there."""
        return self.status == _NOT_FOUND


class Source(Protocol):
    """One recording on a server, as it is asked for and spoken of."""

    @property
    def shown(self) -> str:
        """What messages call it: without a signature."""

    @property
    def dependency(self) -> str:
        """The server's name as a dependency."""

    async def request(self) -> Request:
        """How to ask for it; counts towards the time of the download."""

    def error(self, refusal: Refusal) -> ConvmineError:
        """What an answer that is no recording means."""


@dataclass(frozen=True, slots=True)
class WebRecording:
    """A recording at an ``http(s)://`` address, which may be a signed one."""

    uri: SplitResult
    hosts: AllowedHosts

    @property
    def shown(self) -> str:
        # Signed addresses carry their secret in the query: it belongs in no log and no dead letter.
        return f"{self.uri.scheme}://{self.uri.hostname}{self.uri.path}"

    @property
    def dependency(self) -> str:
        return f"audio store {self.uri.hostname}"

    async def request(self) -> Request:
        target = await self.hosts.target(self.uri, dependency=self.dependency)
        path = (self.uri.path or "/") + (f"?{self.uri.query}" if self.uri.query else "")
        return Request(target.origin + path, {"Host": target.authority}, target.host)

    def error(self, refusal: Refusal) -> ConvmineError:
        if refusal.is_absent:
            return NotThereYet(f"{self.shown} is not there (404)")
        if refusal.is_busy:
            after_s = retry_after_s(refusal.headers)
            return _away(self, f"answered {refusal.status}", after_s)
        if httpx.codes.is_redirect(refusal.status):
            return Poison(f"{self.shown} redirects, which is refused: give the final address")
        return Poison(f"{self.shown} answered {refusal.status} {httpx.codes.get_reason_phrase(refusal.status)}")


class Downloads:
    """Streams recordings into temporary files.

    Args:
        max_bytes: the download stops where the body gets longer.
        timeout_s: seconds for a whole download.
        limit: what sets ``max_bytes``, for messages.
    """

    def __init__(self, *, max_bytes: int, timeout_s: float, limit: str = "CONVMINE_AUDIO_MAX_BYTES") -> None:
        self._max_bytes = max_bytes
        self._limit = limit
        self._timeout_s = timeout_s
        self._system: ssl.SSLContext | None = None

    @asynccontextmanager
    async def download(self, source: Source) -> AsyncIterator[Path]:
        """The body as a temporary file while the context is open.

        Raises:
            NotThereYet: the server has no such recording.
            Retryable: the server is away, busy or slow, or there is no room for the file here.
            Poison: the source is not allowed, the server refuses, redirects or sends too much.
            Config: as ``source`` says.
        """
        with NamedTemporaryFile(prefix="convmine-") as file:
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._stream(source, file)
                file.flush()
            except TimeoutError as error:
                raise _away(source, f"took more than {self._timeout_s:.0f} s") from error
            except httpx.TransportError as error:
                raise _away(source, str(error) or type(error).__name__) from error
            except httpx.InvalidURL as error:
                raise Poison(f"{source.shown!r} is no address: {error}") from error
            except OSError as error:
                reason = f"{source.shown} could not be stored: {error.strerror or error}"
                raise Retryable(reason, dependency="temporary folder", hint="TMPDIR names another one") from error
            answered(source.dependency)
            yield Path(file.name)

    async def _stream(self, source: Source, file: IO[bytes]) -> None:
        request = await source.request()
        async with (
            # Proxies of the environment would undo the check of the address.
            httpx.AsyncClient(trust_env=False, timeout=_READ_S, verify=await self._trust(request)) as client,
            client.stream(
                "GET",
                request.url,
                headers={"Accept-Encoding": "identity", **request.headers},
                extensions={"sni_hostname": request.server_name} if request.server_name else None,
                follow_redirects=False,
            ) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise source.error(Refusal(response.status_code, response.headers, await _start_of(response)))
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Poison(f"{source.shown} was sent compressed although that was not asked for")
            self._check_length(int(response.headers.get("content-length", 0)))
            received = 0
            async for chunk in response.aiter_raw(_CHUNK_BYTES):
                received += len(chunk)
                self._check_length(received)
                await asyncio.to_thread(file.write, chunk)

    async def _trust(self, request: Request) -> ssl.SSLContext:
        """Whom to trust: those whom the system does; without TLS nobody."""
        if not request.url.startswith("https:"):
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self._system is None:
            # Takes 30 ms, which live calls would wait for.
            self._system = await asyncio.to_thread(ssl.create_default_context)
        return self._system

    def _check_length(self, length: int) -> None:
        if length > self._max_bytes:
            raise Poison(f"the recording has more than the {self._max_bytes} bytes of {self._limit}")


async def _start_of(response: httpx.Response) -> str:
    """The start of what the server says, for the reason; nothing where it is cut off."""
    said = b""
    try:
        async for chunk in response.aiter_raw():
            said += chunk
            if len(said) >= _REASON_BYTES:
                break
    except httpx.TransportError:
        return ""
    return said[:_REASON_BYTES].decode("utf-8", "replace")


def _away(source: Source, why: str, after_s: float | None = None) -> Retryable:
    return Retryable(f"{source.shown}: {why}", dependency=source.dependency, retry_after_s=after_s)
