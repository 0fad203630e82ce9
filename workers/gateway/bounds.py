"""Bounds of what a request may take: bytes of its body, time without progress, and how many there are at once.

Streams and sockets last as long as somebody looks, so that only their number is bounded, by itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Self

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.settings import GatewaySettings
from workers.gateway.lasting import lasts
from workers.gateway.problems import Problem, problem
from workers.gateway.replies import problem_reply

_FULL: Final = 1013
"""Close code of a socket for which there is no place: try again later."""
_FULL_WAIT_S: Final = 5
"""Seconds after which a place may be free: streams end when their readers go, and not within a second."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests at once, seconds without any progress, bytes of a body; streams and sockets at once."""

    at_once: int = 64
    timeout_s: float = 30.0
    max_body_bytes: int = 1_000_000
    streams_at_once: int = 5_000
    max_upload_bytes: int = 2_000_000_000

    @classmethod
    def of(cls, settings: GatewaySettings) -> Self:
        """Those that the settings say; how large an upload may be stands with recordings, and is not among them."""
        return cls(settings.at_once, settings.timeout_s, settings.max_body_bytes, settings.streams_at_once)


class Bounds:
    """ASGI: a request beyond the limits is refused with 413, 429 or 504.

    Each part of a response that is taken renews the time, so that a long export may go on for as long as somebody reads
    it; one whose reader stops is given up.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._at_work = 0
        self._lasting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
        elif lasts(scope):
            await self._as_long_as_it_lasts(scope, receive, send)
        elif self._at_work >= self._limits.at_once:
            busy = problem(429, f"{self._limits.at_once} requests are being answered", hint="ask again in a second")
            await problem_reply(busy, wait_s=1)(scope, receive, send)
        else:
            self._at_work += 1
            try:
                await self._within_time(scope, receive, send)
            finally:
                self._at_work -= 1

    async def _as_long_as_it_lasts(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._lasting >= self._limits.streams_at_once:
            full = problem(
                429, f"{self._limits.streams_at_once} streams are open", hint="close one, or ask again later"
            )
            can_say = scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {})
            if can_say:
                await problem_reply(full, wait_s=_FULL_WAIT_S)(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": _FULL, "reason": full.detail})
            return
        self._lasting += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._lasting -= 1

    async def _within_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop, begun = asyncio.get_running_loop(), False

        def renew() -> None:
            if not patience.expired():  # else it ends with this turn of the loop, and cannot be put off any more
                patience.reschedule(loop.time() + self._limits.timeout_s)

        async def renewing(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)
            renew()

        async def arriving() -> Message:
            message = await receive()
            renew()
            return message

        arrives = arriving if _is_upload(scope) else receive
        try:
            async with asyncio.timeout(self._limits.timeout_s) as patience:
                await self._app(scope, self._bounded(scope, arrives), renewing)
        except TimeoutError:
            if begun or not patience.expired():
                raise
            await problem_reply(self._too_slow(), wait_s=1)(scope, receive, send)

    def _too_slow(self) -> Problem:
        return problem(504, f"there was no answer within {self._limits.timeout_s:g} s", hint="ask something narrower")

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """Reads the body as far as it may go; a length that is announced is refused before."""
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        most = self._limits.max_upload_bytes if _is_upload(scope) else self._limits.max_body_bytes
        read = 0

        async def bounded() -> Message:
            nonlocal read
            if int(announced) > most:  # the server refuses what is no number
                raise _too_large(most)
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise _too_large(most)
            return message

        return bounded


def _is_upload(scope: Scope) -> bool:
    path = scope["path"]
    return bool(scope["method"] == "POST" and path.startswith("/v1/calls/") and path.endswith("/recordings"))


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"the body has more than {most} bytes")
