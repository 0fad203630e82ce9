"""One event to one receiver over HTTP: to a checked address, without redirects, bounded in time and in what is read."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pipeline.asr.hosts import Target, is_public
from pipeline.retry_after import retry_after_s
from pipeline.webhooks.receivers import Receiver, key_of
from pipeline.webhooks.signature import signed

if TYPE_CHECKING:
    import httpx

CONTENT_TYPE: Final = "application/cloudevents+json"
"""CloudEvents 1.0, HTTP binding: structured mode."""
_BODY_BYTES: Final = 65_536
_BODY_S: Final = 1.0
"""What is read of an answer, so that its connection can be used again; it is thrown away."""
_GONE: Final = 410
_LATER: Final = frozenset({408, 425, 429})
_SERVER: Final = 500
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a request: ``later`` may work, ``refused`` never will, ``gone`` wants no more events at all.

    ``after_s`` is what a receiver asked to wait. The reason names no address, as that may hold a secret.
    """

    outcome: Literal["delivered", "later", "refused", "gone"]
    reason: str = ""
    after_s: float | None = None


class Sender:
    """Sends to one receiver; connections are its own, as each is checked for its name alone.

    Args:
        receiver: whom to send to.
        timeout_s: seconds for a whole request, with the look-up of its name.
        allow_private: whether it may be in a private network; without https it must be.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        receiver: Receiver,
        *,
        timeout_s: float,
        allow_private: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._receiver = receiver
        self._keys = tuple(key_of(secret) for secret in receiver.secret)
        self._timeout_s = timeout_s
        self._allow_private = allow_private
        self._clock = clock
        self._client: httpx.AsyncClient | None = None
        self._is_closed = False

    async def send(self, id_: str, body: bytes) -> Sent:
        """Post it once; never raises what the network or the receiver does."""
        import httpx

        try:
            async with asyncio.timeout(self._timeout_s):
                target = await self._target()
                if self._is_closed:  # as its entry in the file has just been changed
                    return Sent("later", "has just got another address")
                return target if isinstance(target, Sent) else await self._post(target, id_, body)
        except TimeoutError:
            return Sent("later", f"did not answer within {self._timeout_s:g} s")
        except (OSError, UnicodeError, httpx.TransportError) as error:
            return Sent("later", f"could not be reached ({type(error).__name__})")
        except httpx.InvalidURL:
            return Sent("refused", "has no valid address")

    async def close(self) -> None:
        self._is_closed = True
        if self._client is not None:
            await self._client.aclose()

    async def _target(self) -> Target | Sent:
        """One checked address, so that a second look-up cannot lead elsewhere."""
        parts = self._receiver.parts
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        public = [is_public(address) for address in addresses]
        if not self._allow_private and not all(public):
            return Sent("refused", "has a private address, which CONVMINE_WEBHOOKS_ALLOW_PRIVATE does not allow")
        if parts.scheme == "http" and any(public):
            return Sent("refused", "has a public address, where nothing is sent without https")
        return Target(parts.scheme, host, port, addresses[0])

    async def _post(self, target: Target, id_: str, body: bytes) -> Sent:
        client, parts = await self._opened(), self._receiver.parts
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {
            **signed(id_, int(self._clock()), body, self._keys),
            "Host": target.authority,
            "Content-Type": CONTENT_TYPE,
            "User-Agent": "convmine",
            "Accept-Encoding": "identity",
        }
        names = {"sni_hostname": target.host} if target.scheme == "https" else None
        async with client.stream(
            "POST", target.origin + path, content=body, headers=headers, extensions=names
        ) as response:
            sent = _judged(response)
            await _read_away(response)
            return sent

    async def _opened(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            is_secure = self._receiver.parts.scheme == "https"
            # Takes 30 ms, which other events would wait for.
            trusted = await asyncio.to_thread(ssl.create_default_context) if is_secure else None
            verify = trusted or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            # Proxies of the environment would undo the check of the address.
            self._client = httpx.AsyncClient(trust_env=False, verify=verify, timeout=self._timeout_s)
        return self._client


def _judged(response: httpx.Response) -> Sent:
    """What a status means (Standard Webhooks 1.0.0, "Delivery success and failure")."""
    status = response.status_code
    if response.is_success:
        return Sent("delivered")
    if status == _GONE:
        return Sent("gone", "answered 410: it wants no more events")
    if status in _LATER or status >= _SERVER:
        return Sent("later", f"answered {status}", retry_after_s(response.headers))
    if response.is_redirect:
        return Sent("refused", f"answered {status}: redirects are not followed, give the final address")
    return Sent("refused", f"answered {status}")


async def _read_away(response: httpx.Response) -> None:
    """The rest of a short answer; a long or slow one is cut off, which changes nothing."""
    import httpx

    read = 0
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_BODY_S):
            async for chunk in response.aiter_raw():
                read += len(chunk)
                if read > _BODY_BYTES:
                    return
