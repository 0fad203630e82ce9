"""What happens to every event of every stage: decode, handle, publish, mark done. The one place where errors end.

Promises, kept by both transports and checked by ``tests/contract``:

- events of one key are handled in order, those of different keys side by side, up to ``in_flight`` at once;
- an offset is acknowledged only when it and all before it in its partition are done, and done means that what the
  handler gave back is confirmed by the broker;
- what may work later is tried again in place; what never will becomes a dead letter and a ``call.failed``, both
  confirmed before the offset moves; a wrong setting stops the worker.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import structlog

from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.handling import Handler, Outbound
from pipeline.stages import Stage
from workers.changes import Changes
from workers.measures import Measures
from workers.outcomes import Failure, RetryPolicy, call_failed, dead_letter
from workers.records import NewRecord, Record, read_event, write_event
from workers.window import Acknowledge, Window

log = structlog.get_logger()

Partition = tuple[str, int]


class Publisher(Protocol):
    """Writes records; returns when all are confirmed.

    Raises:
        Retryable: the broker is away.
        Poison: the broker refuses a record, for example as too large.
    """

    async def publish(self, records: Sequence[NewRecord]) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a runner takes on, and how patient it is.

    ``in_flight`` events are handled at once; a partition may be ``window`` offsets ahead of its oldest open one.
    ``tenant`` is whose failure it is when an event does not say.
    """

    in_flight: int = 16
    window: int = 1_000
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    tenant: str = "default"
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)


class Runner:
    """Runs one stage's handler over the records that a transport gives it, partition by partition in order."""

    def __init__(
        self, stage: Stage, handler: Handler, publisher: Publisher, limits: Limits, measures: Measures
    ) -> None:
        self._stage = stage
        self._handler = handler
        self._publisher = publisher
        self._limits = limits
        self._measures = measures
        self._slots = asyncio.Semaphore(self._limits.in_flight)
        self._windows: dict[Partition, Window] = {}
        self._tails: dict[bytes | Partition, asyncio.Task[None]] = {}
        self._tasks: dict[asyncio.Task[None], Partition] = {}
        self._busy: set[asyncio.Task[None]] = set()
        self._moved = Changes()
        self._settled: Counter[str] = Counter()
        self._stopping = False
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def take(self, record: Record, acknowledge: Acknowledge) -> None:
        """Take the next record of its partition in hand; waits while that partition is too far ahead of itself."""
        partition = (record.topic, record.partition)
        window = self._windows.setdefault(partition, Window())

        def left() -> bool:
            return self._stopping or self._windows.get(partition) is not window

        await self._moved.wait_until(lambda: window.span(record.offset) < self._limits.window or left())
        if left():
            return
        window.open(record.offset, acknowledge)
        lane = record.key if record.key and self._stage.order == "key" else partition
        task = asyncio.create_task(self._run(record, window, self._tails.get(lane)))
        self._tails[lane] = task
        self._tasks[task] = partition
        task.add_done_callback(lambda done: self._gone(done, lane))

    async def drain(self, seconds: float) -> None:
        """Take nothing more, let what is being handled finish for so many seconds, and let go of the rest."""
        self._stopping = True
        self._moved.notify()
        await self._cancel(task for task in self._tasks if task not in self._busy)
        if self._busy:
            await asyncio.wait(tuple(self._busy), timeout=seconds)
        await self._cancel(self._tasks)

    async def forget(self, partitions: Iterable[Partition]) -> None:
        """These partitions belong to somebody else now: stop their events, acknowledge none of them."""
        gone = set(partitions)
        for partition in gone:
            self._windows.pop(partition, None)
        self._moved.notify()
        await self._cancel(task for task, partition in self._tasks.items() if partition in gone)
        if forget := getattr(self._handler, "forget", None):
            for _topic, number in gone:
                forget(number)

    async def _cancel(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        chosen = tuple(tasks)
        for task in chosen:
            task.cancel()
        await asyncio.gather(*chosen, return_exceptions=True)

    def _gone(self, task: asyncio.Task[None], lane: bytes | Partition) -> None:
        self._tasks.pop(task, None)
        self._busy.discard(task)
        if self._tails.get(lane) is task:
            del self._tails[lane]
        if not task.cancelled() and (error := task.exception()) is not None and not self.broken.done():
            self.broken.set_exception(error)

    async def _run(self, record: Record, window: Window, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait((before,))
            # One that was cancelled was on a partition that is somebody else's now; this one may still be ours.
            if not before.cancelled() and before.exception() is not None:
                return
        with structlog.contextvars.bound_contextvars(
            stage=self._stage.name,
            lane=str(self._stage.lane),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        ):
            await self._settle(record)
        if self._windows.get((record.topic, record.partition)) is not window:
            return
        for acknowledge in window.finish(record.offset):
            acknowledge()
        self._moved.notify()

    async def _settle(self, record: Record) -> None:
        """Bring one record to its end, whatever that takes: here, and only here, exceptions become outcomes."""
        policy, handled_before = self._limits.policy, self._settled["handled"]
        outputs: list[NewRecord] | None = None
        first_failed_at: datetime | None = None
        for attempt in itertools.count(1):
            try:
                async with self._slot():
                    if outputs is None:
                        outputs = await self._handle(record)
                    await self._publisher.publish(outputs)
            except Config:
                raise
            except Exception as error:  # noqa: BLE001 - the boundary: every error must become an outcome
                first_failed_at = first_failed_at or datetime.now(UTC)
                others_pass = self._settled["handled"] - handled_before >= policy.attempts
                if _hopeless(error, attempt, policy, others_pass=others_pass):
                    await self._bury(Failure(self._stage, record, error, attempt, first_failed_at))
                    return
                await self._wait(error, attempt)
            else:
                self._count("handled")
                return

    async def _bury(self, failure: Failure) -> None:
        """Confirm the dead letter and the ``call.failed``; as long as the broker does not, nothing moves."""
        error = failure.error
        unexpected = not isinstance(error, ConvmineError)
        log.error(
            "dead letter", reason=failure.reason, attempts=failure.attempts, exc_info=error if unexpected else None
        )
        records = (dead_letter(failure), call_failed(failure, self._limits.tenant))
        for attempt in itertools.count(1):
            try:
                await self._publisher.publish(records)
            except ConvmineError as problem:
                await self._wait(problem, attempt)
            else:
                self._count("dead")
                return

    async def _wait(self, error: Exception, attempt: int) -> None:
        if self._stopping:
            raise asyncio.CancelledError
        delay = self._limits.policy.delay(attempt, error)
        self._count("retried")
        said = error.message if isinstance(error, ConvmineError) else f"{type(error).__name__}: {error}"
        log.warning("will try again", reason=said, attempt=attempt, delay_s=round(delay, 3))
        await self._limits.sleep(delay)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """One of the places for events at work; an event that waits for its next attempt holds none."""
        task = asyncio.current_task()
        assert task is not None
        async with self._slots:
            self._busy.add(task)
            try:
                yield
            finally:
                self._busy.discard(task)

    async def _handle(self, record: Record) -> list[NewRecord]:
        inbound = read_event(record)
        if inbound is None:
            self._count("skipped")
            log.info("skipped: unknown type or minor version", headers=[name for name, _ in record.headers])
            return []
        structlog.contextvars.bind_contextvars(
            call_id=inbound.message.envelope.subject, tenant=inbound.tenant_id, event=inbound.payload.event_name
        )
        with self._measures.time(self._stage):
            outputs: Sequence[Outbound] = await self._handler(inbound)
        return [write_event(output) for output in outputs]

    def _count(self, outcome: str) -> None:
        self._settled[outcome] += 1
        self._measures.count(self._stage, outcome)


def _hopeless(error: Exception, attempt: int, policy: RetryPolicy, *, others_pass: bool) -> bool:
    """Poison never works. What may work later is given up only while others pass: an outage is no dead letter."""
    if isinstance(error, Poison):
        return True
    if isinstance(error, Retryable):
        return attempt >= policy.attempts and others_pass
    return attempt >= min(3, policy.attempts)
