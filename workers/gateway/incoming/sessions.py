"""All calls that come in here, and which of them have ended."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Final

from pipeline.errors import Retryable
from workers.gateway.incoming.outbox import Outbox, Room
from workers.gateway.incoming.session import ANSWER_S, Clock, Ended, Session, now_ms
from workers.records import NewRecord, Publisher

_MOST_ENDED: Final = 100_000
"""Calls of which it is remembered that they have ended: 20 MB, and more than end in a day on one gateway."""


class Sessions:
    """All calls that come in here.

    Args:
        publisher: to Kafka.
        idle_s: after so many seconds without anything a call is forgotten; ``asr`` then takes it for ended.
        clock: the time of events.
    """

    def __init__(
        self, publisher: Publisher, *, idle_s: float = 900.0, clock: Clock = lambda: datetime.now(UTC)
    ) -> None:
        self._publisher = publisher
        self._idle_s = idle_s
        self._clock = clock
        self._room = Room()
        self._open: OrderedDict[tuple[str, str], Session] = OrderedDict()
        self._ended: OrderedDict[tuple[str, str], str | None] = OrderedDict()

    @property
    def waiting_bytes(self) -> int:
        """Bytes that Kafka has not confirmed."""
        return self._room.taken

    def __len__(self) -> int:
        return len(self._open)

    def of(self, tenant_id: str, call_id: str) -> Session:
        """The call, which may be a new one.

        Raises:
            Ended: it is over.
        """
        key = tenant_id, call_id
        if key in self._ended:
            raise Ended(f"the call {call_id} has ended")
        self._forget_idle()
        session = self._open.get(key)
        if session is None:
            outbox = Outbox(self._publisher, self._room)
            session = self._open[key] = Session(tenant_id, call_id, outbox, self._clock)
        session.used_s = asyncio.get_running_loop().time()
        self._open.move_to_end(key)
        return session

    async def publish(self, record: NewRecord) -> None:
        """Write a record that no other of its call must precede.

        Raises:
            Retryable: it has not been confirmed in time.
            Poison: it is too large.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._publisher.publish([record])
        except TimeoutError:
            raise Retryable("Kafka does not confirm what is written", dependency="kafka") from None

    def ended_by(self, tenant_id: str, call_id: str) -> str | None:
        """What ended a call, as its request is known again; None where it goes on or nobody knows."""
        return self._ended.get((tenant_id, call_id))

    def ended(self, tenant_id: str, call_id: str, told_by: str | None = None) -> None:
        """A call is over: told here, or heard of from Kafka, also where another gateway was told or nobody was."""
        key = tenant_id, call_id
        self._ended[key] = told_by or self._ended.get(key)
        self._ended.move_to_end(key)
        while len(self._ended) > _MOST_ENDED:
            self._ended.popitem(last=False)
        if (session := self._open.pop(key, None)) is not None:
            for end in tuple(session.senders.values()):
                end("the call has ended")

    async def close(self, patience_s: float) -> None:
        """Send all that there is, for at most so many seconds."""
        for session in self._open.values():
            session.flush(now_ms())
        await asyncio.gather(*(session.outbox.drain(patience_s) for session in self._open.values()))
        self._open.clear()

    def _forget_idle(self) -> None:
        """The calls stand in the order of their last use."""
        now_s = asyncio.get_running_loop().time()
        for key, session in tuple(self._open.items())[:8]:
            if now_s - session.used_s < self._idle_s:
                return
            if session.is_idle:
                del self._open[key]
            else:
                session.used_s = now_s
                self._open.move_to_end(key)
