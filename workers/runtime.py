"""In which order events are handled and acknowledged, over all partitions of one stage's worker.

Promises, kept by both transports and checked by ``tests/contract``:

- events of one key are handled in order, those of different keys side by side, up to ``in_flight`` at once;
- an offset is acknowledged only when it and all before it in its partition are done, and done means that what the
  handler gave back is confirmed by the broker, and that nothing of it is held in memory alone;
- a window that is full of held events has them let go: it never waits for itself;
- what a stage has gathered is published when nothing more waits, or sooner;
- what happens to a partition that was taken away changes nothing any more: no state, no acknowledgement.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, cast

import structlog

from pipeline.errors import ConvmineError
from pipeline.handling import Ending, Gathering, Handler, Remembering
from pipeline.stages import Stage
from workers.breaker import Breaker
from workers.changes import Changes
from workers.equipment import Equipment
from workers.records import Record, write_event
from workers.settle import Release, Settler
from workers.window import Acknowledge, Window

log: Final = structlog.get_logger()

Partition = tuple[str, int]

_FULL: Final = 0.75
"""Of a window: from here on a held event that is the oldest is let go."""


@dataclass(frozen=True, slots=True)
class _Taken:
    record: Record
    window: Window

    @property
    def partition(self) -> Partition:
        return self.record.topic, self.record.partition


@dataclass(slots=True, eq=False)
class _Lane:
    """The events of one key that wait for each other, and those that were handled and are held."""

    name: bytes | Partition
    waiting: deque[_Taken] = field(default_factory=deque)
    current: _Taken | None = None
    held: list[_Taken] = field(default_factory=list)
    must_let_go: bool = False
    due: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None
    touched_at: float = 0.0


class Runner:
    """Runs one stage's handler over the records that a transport gives it, partition by partition in order."""

    def __init__(self, stage: Stage, handler: Handler | Remembering[Any], equipment: Equipment) -> None:
        limits, measures = equipment.limits, equipment.measures
        self._stage = stage
        self._limits = limits
        self._health = equipment.health
        self._holds = hasattr(handler, "let_go")
        self._gathering = cast("Gathering", handler) if hasattr(handler, "gathered") else None
        self._publisher = equipment.publisher
        self._ends = cast("Ending", handler).ends if hasattr(handler, "ends") else tuple
        self._breaker = Breaker(limits.breaker_failures, limits.policy.delay, equipment.health)
        self._settler = Settler(stage, handler, equipment, self._breaker)
        self._windows: dict[Partition, Window] = {}
        self._lanes: dict[bytes | Partition, _Lane] = {}
        self._moved = Changes()
        self._stopping = False
        self._pending = 0
        measures.in_flight.set_function(lambda: len(self._settler.busy))
        measures.held.set_function(lambda: sum(len(lane.held) for lane in tuple(self._lanes.values())))
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def take(self, record: Record, acknowledge: Acknowledge) -> None:
        """Take the next record of its partition in hand; waits while that partition is too far ahead of itself."""
        partition = (record.topic, record.partition)
        window = self._windows.get(partition)
        if window is None:
            window = self._windows[partition] = Window()
        if not self._has_room(window, record.offset):
            await self._moved.wait_until(
                lambda: self._is_gone(partition, window) or self._has_room(window, record.offset)
            )
        if self._is_gone(partition, window):
            return
        window.open(record.offset, acknowledge)
        self._health.progressed()
        lane = self._lane(record.key if record.key and self._stage.order == "key" else partition)
        lane.waiting.append(_Taken(record, window))
        lane.touched_at = asyncio.get_running_loop().time()
        self._pending += 1
        self._set_going(lane)

    async def tend(self) -> None:
        """For ever: let go of what is held of calls of which nothing has come for ``hold_s``, and end idle ones."""
        while self._holds:
            await asyncio.sleep(self._limits.hold_s / 4)
            await self._end_idle()
            long_ago = asyncio.get_running_loop().time() - self._limits.hold_s
            for lane in tuple(self._lanes.values()):
                if lane.held and not lane.waiting and lane.touched_at < long_ago:
                    self._let_go(lane)

    async def _end_idle(self) -> None:
        try:
            if ends := self._ends():
                await self._publisher.publish([write_event(end) for end in ends])
        except ConvmineError as error:
            log.warning("idle calls are not ended", reason=error.message)

    async def let_fall(self, key: str) -> None:
        """Of a call (``tenant:call``) that is erased: wait until none of its events is at work, and keep nothing of it.

        Raises:
            Retryable: the broker is away.
        """
        while (lane := self._lanes.get(key.encode())) is not None and not self._stopping:
            self._let_go(lane)
            if lane.task is None:
                break
            await asyncio.wait({lane.task})
        await self._settler.drop(key)

    async def drain(self, seconds: float) -> None:
        """Take nothing more, let what is being handled finish for so many seconds, and let go of the rest."""
        self._stopping = True
        self._settler.stop()
        self._moved.notify()
        for lane in self._lanes.values():
            lane.waiting.clear()
        tasks = {lane.task for lane in self._lanes.values() if lane.task is not None}
        busy = tasks & self._settler.busy
        await _cancel(tasks - busy)
        if busy:
            await asyncio.wait(busy, timeout=seconds)
        await _cancel(busy)

    async def forget(self, partitions: Iterable[Partition]) -> None:
        """These partitions belong to somebody else now: stop their events, acknowledge none of them.

        This is the fence of what a stage remembers: when it returns, nothing that was begun here will write any more.
        """
        gone = set(partitions)
        for partition in gone:
            self._windows.pop(partition, None)
        self._moved.notify()
        touched = [lane for lane in self._lanes.values() if self._take_out(lane, gone)]
        await _cancel(lane.task for lane in touched if lane.task is not None)
        for _topic, number in gone:
            self._settler.forget(number)
        for lane in touched:
            self._set_going(lane)

    def _take_out(self, lane: _Lane, gone: set[Partition]) -> bool:
        """Drop a lane's events of these partitions; whether the one at work is among them."""
        stays = deque(taken for taken in lane.waiting if taken.partition not in gone)
        self._pending -= len(lane.waiting) - len(stays)
        lane.waiting = stays
        lane.held = [taken for taken in lane.held if taken.partition not in gone]
        return lane.task is not None and (lane.current is None or lane.current.partition in gone)

    def _has_room(self, window: Window, offset: int) -> bool:
        span = window.span(offset)
        if (self._holds or self._gathering) and span >= self._limits.window * _FULL:
            self._relieve(window)
        if self._breaker.is_open and self._pending >= self._limits.in_flight:
            return False
        return span < self._limits.window

    def _relieve(self, window: Window) -> None:
        """If what a window waits for is held, have it let go."""
        for lane in self._lanes.values():
            if lane.held and lane.held[0].window is window and lane.held[0].record.offset == window.oldest:
                if not lane.must_let_go and not self._gathering:
                    log.warning("window full: a call is cut", key=str(lane.name), window=self._limits.window)
                self._let_go(lane)
                return

    def _let_go(self, lane: _Lane) -> None:
        lane.must_let_go = True
        self._set_going(lane)

    def _is_gone(self, partition: Partition, window: Window) -> bool:
        return self._stopping or self._windows.get(partition) is not window

    def _lane(self, name: bytes | Partition) -> _Lane:
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane(name)
        return lane

    def _set_going(self, lane: _Lane) -> None:
        if self._stopping or self.broken.done():
            return
        if lane.task is None and (lane.waiting or lane.must_let_go):
            lane.task = asyncio.create_task(self._work(lane))
            lane.task.add_done_callback(lambda task: self._ended(task, lane))

    def _ended(self, task: asyncio.Task[None], lane: _Lane) -> None:
        if lane.task is task:
            lane.task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            if not self.broken.done():
                self.broken.set_exception(error)
            return
        self._set_going(lane)
        if lane.task is None and not lane.held and self._lanes.get(lane.name) is lane:
            del self._lanes[lane.name]

    async def _work(self, lane: _Lane) -> None:
        """Settle a lane's events, one after the other, until none is left."""
        while lane.waiting or lane.must_let_go:
            if lane.must_let_go:
                lane.must_let_go = False
                if lane.held:
                    finish = self._settler.publish_gathered if self._gathering else self._settler.let_go
                    self._release(lane, await finish(lane.held[-1].record))
                continue
            taken = lane.current = lane.waiting.popleft()
            try:
                release = await self._settler.settle(taken.record)
            finally:
                self._pending -= 1
                lane.current = None
                self._health.progressed()
            if self._windows.get(taken.partition) is taken.window:
                lane.held.append(taken)
                self._release(lane, release, taken)
            if self._gathering is not None and lane.held and not lane.waiting:
                self._publish_when_due(lane, self._gathering.due_in(taken.record.partition))

    def _publish_when_due(self, lane: _Lane, seconds: float) -> None:
        if seconds <= 0:
            lane.must_let_go = True
        elif lane.due is None:
            lane.due = asyncio.get_running_loop().call_later(seconds, self._publish_now, lane)

    def _publish_now(self, lane: _Lane) -> None:
        lane.due = None
        self._let_go(lane)

    def _release(self, lane: _Lane, release: Release, itself: _Taken | None = None) -> None:
        """Finish the held events that are done, and acknowledge what that sets free."""
        if not release.before and not release.itself:
            self._moved.notify()  # a window that is full of what is held has it let go
            return
        stays: list[_Taken] = []
        for taken in lane.held:
            if taken.record.offset < release.before or (release.itself and taken is itself):
                for acknowledge in taken.window.finish(taken.record.offset):
                    acknowledge()
            else:
                stays.append(taken)
        lane.held = stays
        self._moved.notify()


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    chosen = tuple(tasks)
    for task in chosen:
        task.cancel()
    await asyncio.gather(*chosen, return_exceptions=True)
