"""What a call has sent and Kafka has not confirmed yet: in order, and no more of it than there is room for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from pipeline.errors import Poison, Retryable
from workers.records import NewRecord, Publisher

MOST_BYTES: Final = 2_000_000
"""Bytes of one call that may wait: half a minute of two channels of L16 at 16 kHz, two of telephone speech."""
MOST_BYTES_OF_ALL: Final = 128_000_000
"""Bytes of all calls that may wait: what one process can spare."""
_AT_ONCE: Final = 32
"""Records of a call that are on their way at the same time."""
_BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts while the broker is away; the last one from then on."""

log: Final = structlog.get_logger()


class Room:
    """How many bytes wait in the outboxes of all calls together."""

    def __init__(self, most_bytes: int = MOST_BYTES_OF_ALL) -> None:
        self.taken = 0
        self.most_bytes = most_bytes


@dataclass(frozen=True, slots=True)
class _Waiting:
    record: NewRecord
    size: int
    told: asyncio.Future[None]


class Outbox:
    """The records of one call on their way to Kafka; none overtakes another.

    Args:
        publisher: writes them; while it raises ``Retryable`` it is asked again.
        room: of all calls.
    """

    def __init__(self, publisher: Publisher, room: Room) -> None:
        self._publisher = publisher
        self._room = room
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._sending: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()

    @property
    def is_empty(self) -> bool:
        """Whether all is confirmed."""
        return not self._waiting

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be taken in."""
        return self._bytes >= MOST_BYTES or self._room.taken >= self._room.most_bytes

    def add(self, record: NewRecord, confirmed: Callable[[], None] | None = None) -> asyncio.Future[None]:
        """Send a record after those before it; the future is done when Kafka has it, or says why not.

        A future that nobody awaits makes no noise: what it would say is in the log.
        """
        told = asyncio.get_running_loop().create_future()
        told.add_done_callback(lambda done: _seen(done, confirmed))
        size = len(record.value or b"")
        self._waiting.append(_Waiting(record, size, told))
        self._bytes += size
        self._room.taken += size
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
        return told

    async def until_room(self, patience_s: float) -> None:
        """Wait until there is room.

        Raises:
            Retryable: there was none for so long.
        """
        try:
            async with asyncio.timeout(patience_s):
                while self.is_full:
                    self._moved.clear()
                    # Another call's bytes may go, too, and nobody tells us of that.
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._moved.wait(), 0.2)
        except TimeoutError:
            raise Retryable("Kafka does not confirm what is written", dependency="kafka") from None

    async def drain(self, patience_s: float) -> bool:
        """Wait until all is confirmed; False where it was not within so many seconds, and what waits is given up."""
        if self._sending is not None:
            await asyncio.wait([self._sending], timeout=patience_s)
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        for one in self._waiting:
            one.told.cancel()
        self._room.taken -= self._bytes
        self._bytes, done = 0, not self._waiting
        self._waiting.clear()
        return done

    async def _send(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting[at] for at in range(min(_AT_ONCE, len(self._waiting)))]
                errors = await self._written(batch)
                for one, error in zip(batch, errors, strict=True):
                    self._waiting.popleft()
                    self._bytes -= one.size
                    self._room.taken -= one.size
                    if one.told.cancelled():
                        continue
                    if error is None:
                        one.told.set_result(None)
                    else:
                        one.told.set_exception(error)
                self._moved.set()
        finally:
            self._sending = None

    async def _written(self, batch: Sequence[_Waiting]) -> Sequence[Poison | None]:
        """Write them, however long it takes; for each, why no attempt can write it."""
        attempt = 0
        while True:
            try:
                await self._publisher.publish([one.record for one in batch])
            except Retryable:
                await asyncio.sleep(_BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)])
                attempt += 1
            except Poison as error:
                if len(batch) > 1:
                    return [(await self._written([one]))[0] for one in batch]
                log.warning("what came in cannot be written", reason=error.message)
                return [error]
            else:
                return [None] * len(batch)


def _seen(done: asyncio.Future[None], confirmed: Callable[[], None] | None) -> None:
    if not done.cancelled() and done.exception() is None and confirmed is not None:
        confirmed()
