"""Bounds of what a request may take: bytes of its body, time without progress, and how many there are at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.gateway.problems import Problem, problem
from workers.gateway.replies import problem_reply


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests at once, seconds without any progress, and bytes of a body."""

    at_once: int = 64
    timeout_s: float = 30.0
    max_body_bytes: int = 1_000_000


class Bounds:
    """ASGI: a request beyond the limits is refused with 413, 429 or 504.

    Each part of a response that is taken renews the time, so that a long export may go on for as long as somebody reads
    it; one whose reader stops is given up.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._at_work >= self._limits.at_once:
            busy = problem(429, f"{self._limits.at_once} requests are being answered", hint="ask again in a second")
            await problem_reply(busy, wait_s=1)(scope, receive, send)
        else:
            self._at_work += 1
            try:
                await self._within_time(scope, receive, send)
            finally:
                self._at_work -= 1

    async def _within_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop, begun = asyncio.get_running_loop(), False

        async def renewing(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)
            patience.reschedule(loop.time() + self._limits.timeout_s)

        try:
            async with asyncio.timeout(self._limits.timeout_s) as patience:
                await self._app(scope, self._bounded(scope, receive), renewing)
        except TimeoutError:
            if begun or not patience.expired():
                raise
            await problem_reply(self._too_slow(), wait_s=1)(scope, receive, send)

    def _too_slow(self) -> Problem:
        return problem(504, f"there was no answer within {self._limits.timeout_s:g} s", hint="ask something narrower")

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """Reads the body as far as it may go; a length that is announced is refused before."""
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        read = 0

        async def bounded() -> Message:
            nonlocal read
            if int(announced) > self._limits.max_body_bytes:  # the server refuses what is no number
                raise self._too_large()
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limits.max_body_bytes:
                raise self._too_large()
            return message

        return bounded

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"the body has more than {self._limits.max_body_bytes} bytes")
