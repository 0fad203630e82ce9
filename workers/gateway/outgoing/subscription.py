"""One reader of the hub: what waits for it, bounded, and why it ends."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final

from workers.edge import Partition
from workers.gateway.outgoing.events import Event, Frame, Wanted, said
from workers.gateway.outgoing.marks import Reached, mark_of, read_mark

MOST_WAITING: Final = 1_000_000
"""Bytes of new events that may wait for one reader: minutes of everything of a call, seconds of a busy tenant. They are
shared among readers, so that a slow one costs little that the window does not hold anyway."""
_ROUND: Final = 65_536
"""Bytes that are sent at once: what a server takes before it waits for its reader."""
_AHEAD_S: Final = 60.0
"""Seconds by which one gateway may be behind another. A mark that is ahead for longer is of topics that were made anew
since, and counts no more."""


class Subscription:
    """What one reader wants, and what of it has not been sent yet.

    The hub puts in, ``frames`` takes out. What came before it was opened is there already and not bounded.
    """

    def __init__(self, wanted: Wanted, reached: Reached) -> None:
        self.wanted = wanted
        self.reason: str | None = None
        self.since_ms = 0.0
        self._reached = reached
        self._backlog: deque[Event | Frame] = deque()
        self._queue: deque[Event | Frame] = deque()
        self._bytes = 0
        self._floor: dict[Partition, int] = {}
        self._floor_until = 0.0
        self._last: Frame | None = None
        self._wake = asyncio.Event()

    def begin(self, floor: Mapping[Partition, int], backlog: Iterable[Event | Frame] = ()) -> None:
        """Go on from these offsets; what was read of them already is given."""
        self._backlog.extend(backlog)
        self._floor = dict(floor)
        self._floor_until = time.monotonic() + _AHEAD_S
        self._wake.set()

    def offer(self, event: Event) -> None:
        """Have an event sent, unless the reader has it already; a reader that is too slow is dropped."""
        if self.reason is not None or event.written_ms < self.since_ms or self._has(event):
            return
        self._bytes += event.size
        if self._bytes > MOST_WAITING:
            self._queue.clear()
            self._backlog.clear()
            self.end("slow", said("dropped", reason="slow"))
            return
        self._queue.append(event)
        self._wake.set()

    def tell(self, frame: Frame) -> None:
        """Have a message of the stream itself sent."""
        if self.reason is None:
            self._queue.append(frame)
            self._wake.set()

    def forget(self, tenant_id: str, call_id: str) -> None:
        """Send nothing of a call that still waits."""
        for waiting in (self._backlog, self._queue):
            if gone := [one for one in waiting if _is_of(one, tenant_id, call_id)]:
                stays = [one for one in waiting if not _is_of(one, tenant_id, call_id)]
                waiting.clear()
                waiting.extend(stays)
                if waiting is self._queue:
                    self._bytes -= sum(one.size for one in gone if isinstance(one, Event))

    def end(self, reason: str, last: Frame | None = None) -> None:
        """Send what waits, then this, then nothing more; the first reason counts."""
        if self.reason is None:
            self.reason, self._last = reason, last
            self._wake.set()

    async def frames(self, wait_s: float) -> list[Frame] | None:
        """What is to be sent next, awaited for so long at most; empty: nothing came; None: it has ended."""
        if not (self._backlog or self._queue or self.reason):
            self._wake.clear()
            # A timer that wakes costs a third of a time-out that cancels, and this is done for each reader and event.
            timer = asyncio.get_running_loop().call_later(wait_s, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                timer.cancel()
        taken: list[Frame] = []
        size = 0
        while (self._backlog or self._queue) and size < _ROUND:
            taken.append(self._next())
            size += len(taken[-1].data)
        if taken or self.reason is None:
            return taken
        last, self._last = self._last, None
        return None if last is None else [last]

    def position(self) -> bytes:
        """The mark from which to go on after all that was sent; empty where it is not known."""
        return b"" if self._backlog or self._queue or not self._reached.next else self._at(self._reached.mark())

    def _next(self) -> Frame:
        is_old = bool(self._backlog)
        one = self._backlog.popleft() if is_old else self._queue.popleft()
        if isinstance(one, Frame):
            return Frame(one.name, self.position(), one.data)
        if not is_old:
            self._bytes -= one.size
        frame = one.frame
        return Frame(frame.name, self._at(frame.mark), frame.data) if self._floor else frame

    def _at(self, mark: bytes) -> bytes:
        """The same mark, but where the reader was further than that when it came, that."""
        if not self._floor:
            return mark
        reached = read_mark(mark.decode()) or {}
        self._floor = {place: offset for place, offset in self._floor.items() if offset > reached.get(place, 0)}
        return mark_of({**reached, **self._floor}) if self._floor else mark

    def _has(self, event: Event) -> bool:
        if event.offset >= self._floor.get(event.place, 0):
            return False
        if time.monotonic() < self._floor_until:
            return True
        self._floor = {}
        return False


def _is_of(one: Event | Frame, tenant_id: str, call_id: str) -> bool:
    return isinstance(one, Event) and (one.tenant_id, one.call_id) == (tenant_id, call_id)
