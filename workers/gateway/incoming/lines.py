"""A WebSocket that brings audio: how it is opened, read and closed, whatever is said on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, Literal

import structlog
from fastapi import WebSocket
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect, WebSocketState

from pipeline.errors import ConvmineError, Poison, Retryable
from workers.gateway.incoming.incoming import Incoming
from workers.gateway.incoming.session import Ended, Mismatch, NoConsent, Session

NORMAL: Final = 1000
BROKEN: Final = 1007
"""A frame does not hold what it should (RFC 6455, 7.4.1)."""
TRY_LATER: Final = 1013
"""Kafka takes nothing (IANA's registry of close codes)."""
INVALID: Final = 4400
"""What was asked for does not exist or does not fit; numbers from 4000 on are ours, after those of HTTP."""
NO_KEY: Final = 4401
OVER: Final = 4409
"""The call has ended, the customer has not consented, or another connection has taken this one's place."""
_REASON_BYTES: Final = 123
"""The most of a reason that a close frame holds (RFC 6455, 5.5)."""

log: Final = structlog.get_logger()


class Refused(ConvmineError):
    """The connection is closed with this code, and the message as its reason."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Line:
    """One connection.

    Args:
        websocket: not accepted yet.
        incoming: what calls come in with.
        way: what it is called in the measures.
        talks: whether anything is said on it besides its close; Twilio wants nothing else.
    """

    def __init__(
        self, websocket: WebSocket, incoming: Incoming, way: Literal["socket", "twilio"], *, talks: bool = True
    ) -> None:
        self.late_ms = 0
        self.is_ending = False
        """The end of the call is on its way, by this connection itself."""
        self._websocket = websocket
        self._incoming = incoming
        self._way = way
        self._talks = talks
        self._task = asyncio.current_task()
        self._stopped: Refused | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Accept it; whatever the block raises closes it with a code and a reason."""
        measures, code = self._incoming.measures, NORMAL
        await self._websocket.accept()
        measures.open.labels(self._way).inc()
        try:
            with self._stopping():
                yield
            await self._close(NORMAL, "")
        except ConvmineError as error:
            code = _code_of(error)
            log.info("a connection is closed", way=self._way, code=code)
            await self.say(type="error", code=code, reason=error.message)
            await self._close(code, error.message)
        finally:
            measures.open.labels(self._way).dec()
            measures.closed.labels(self._way, str(code)).inc()

    def session(self, tenant_id: str, call_id: str) -> Session:
        """The call that it brings audio of.

        Raises:
            Ended: it is over.
            NoConsent: nothing of it may be taken.
        """
        session = self._incoming.sessions.of(tenant_id, call_id)
        if not session.may_be_mined:
            raise NoConsent("the customer has not consented: no audio of this call is taken")
        return session

    def take_over(self, session: Session, *channels: int | None) -> None:
        """Close whoever else sends these channels of the call (None: all of them)."""
        for channel in tuple(session.senders):
            if channel in channels or None in {channel, *channels}:
                session.senders.pop(channel)("another connection sends this audio now")

    @contextmanager
    def sending(self, session: Session, *channels: int | None) -> Iterator[None]:
        """In the block it sends these channels; what waits when the last one leaves is sent."""
        for channel in channels:
            session.senders[channel] = self.stop
        try:
            yield
        finally:
            for channel in channels:
                if session.senders.get(channel) == self.stop:
                    del session.senders[channel]
            if not session.senders:
                session.flush(asyncio.get_running_loop().time() * 1_000)

    def stop(self, reason: str) -> None:
        """Close it from elsewhere, whatever it waits for."""
        if self._stopped is None and not self.is_ending and self._task is not None:
            self._stopped = Refused(OVER, reason)
            self._task.cancel()

    async def frames(self) -> AsyncIterator[str | bytes]:
        """What comes, until the other side closes."""
        while (message := await self._websocket.receive())["type"] != "websocket.disconnect":
            data = message.get("bytes")
            yield data if data is not None else message["text"]

    async def say(self, **said: Any) -> None:  # noqa: ANN401 - JSON
        """Send JSON, where anybody listens."""
        if self._talks and self._is_open:
            with suppress(RuntimeError, WebSocketDisconnect):  # closed in between
                await self._websocket.send_text(json.dumps(said))

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """Tell who closes it from elsewhere from who ends the process."""
        try:
            yield
        except asyncio.CancelledError:
            if self._stopped is None or self._task is None or self._task.uncancel():
                raise
            raise self._stopped from None

    @property
    def _is_open(self) -> bool:
        states = {self._websocket.application_state, self._websocket.client_state}
        return states == {WebSocketState.CONNECTED}

    async def _close(self, code: int, reason: str) -> None:
        if self._is_open:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self._websocket.close(code, reason.encode()[:_REASON_BYTES].decode(errors="ignore"))


def reason_of(error: ValidationError) -> str:
    """What is wrong first, in words."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else str(first["msg"])


def _code_of(error: ConvmineError) -> int:
    match error:
        case Refused():
            return error.code
        case Ended() | NoConsent():
            return OVER
        case Mismatch():
            return INVALID
        case Poison():
            return BROKEN
        case Retryable():
            return TRY_LATER
        case _:
            return INVALID
