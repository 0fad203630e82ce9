"""Events that Kafka still has, handed to the index stage again: what rebuilds the store.

Both lanes have a ``Runner`` of their own, as in a worker, over handlers that are built as a worker's are: so lanes by
call, retries, breaker, claims and the door before the store are the same. Nothing is committed and nothing published.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from pipeline.erasure.erased import Erased
from pipeline.errors import ConvmineError, Retryable
from pipeline.handling import Handler, Position
from pipeline.stages import FAILED, STAGES, Stage
from schemas.call import CallFailed
from workers.changes import Changes
from workers.claims import Claims
from workers.equipment import Equipment
from workers.health import StageHealth
from workers.limits import Limits
from workers.measures import Measures
from workers.records import NewRecord, Record, call_of
from workers.runtime import Runner

INDEX: Final[tuple[Stage, ...]] = tuple(stage for stage in STAGES if stage.name == "index")
"""The stages that write the store, one a lane."""
TOPICS: Final[Mapping[str, Stage]] = {topic: stage for stage in INDEX for topic in stage.reads}
"""What can be replayed, and the stage that reads it."""
PATIENCE_S: Final = 120.0
"""Seconds for which a dependency may be away; it is waited for as a worker waits."""
_LOOK_S: Final = 0.2

Told = Callable[[int], None]
"""Told how many events are done."""


@dataclass(frozen=True, slots=True)
class Unhandled:
    """An event that can never be handled, where it stands, and why; it is listed, and nothing is published."""

    position: Position
    call_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the events; ``skipped`` are of an unknown type, or dead letters replayed for others."""

    handled: int
    skipped: int
    erased: int
    erased_calls: int
    unhandled: tuple[Unhandled, ...]

    @property
    def events(self) -> int:
        return self.handled + self.skipped + self.erased + len(self.unhandled)


class Unfinished(ConvmineError):
    """A replay that broke off; before ``resume_at`` all is done. To do what follows twice changes nothing."""

    def __init__(self, message: str, resume_at: datetime | None) -> None:
        go_on = "run it again" if resume_at is None else f"go on with --from {resume_at.isoformat()}"
        super().__init__(message, hint=go_on)
        self.resume_at = resume_at


class Replay:
    """One replay.

    Args:
        handlers: of the stages in ``INDEX``, or of some of them.
        erased: the calls whose events are passed over; it may grow meanwhile.
        limits: of each stage's runner.
        claims: where large values lie.
        patience_s: seconds for which an outage is waited for.
    """

    def __init__(
        self,
        handlers: Mapping[Stage, Handler],
        erased: Erased,
        limits: Limits,
        claims: Claims | None = None,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._erased = erased
        self._patience_s = patience_s
        self._measures = Measures()
        self._listing = _Listing()
        self._health = {stage: StageHealth(stage) for stage in handlers}
        self._runners = {stage: self._runner(stage, handler, limits, claims) for stage, handler in handlers.items()}
        self._course = _Course()
        self._spared: set[tuple[str, str]] = set()

    async def run(self, records: AsyncGenerator[Record, None], told: Told = lambda _done: None) -> Replayed:
        """Handle these records of ``TOPICS``, those of a call in their order, and return when all are done.

        Raises:
            Unfinished: a dependency was away for too long, or the broker is; it says where to go on.
            Config: the store is set up wrongly.
        """
        work = [asyncio.create_task(forever) for forever in (self._feed(records), self._watch(), self._tell(told))]
        broken = [runner.broken for runner in self._runners.values()]
        try:
            ended, _ = await asyncio.wait([*work, *broken], return_when=asyncio.FIRST_COMPLETED)
            for one in ended:
                one.result()
        except Retryable as error:
            raise self._unfinished(error.message) from error
        except asyncio.CancelledError:  # Ctrl-C: what is said then must be where to go on
            raise self._unfinished("the replay was stopped") from None
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            for runner in self._runners.values():
                await runner.drain(0)
        told(self._course.done)
        return self._result()

    def _runner(self, stage: Stage, handler: Handler, limits: Limits, claims: Claims | None) -> Runner:
        measures, health = self._measures.of(stage), self._health[stage]
        equipment = Equipment(self._listing, measures, health, limits, claims=claims, erased=self._erased)
        return Runner(stage, handler, equipment)

    async def _feed(self, records: AsyncGenerator[Record, None]) -> None:
        async with aclosing(records):
            async for record in records:
                self._course.begin(record)
                await self._runners[TOPICS[record.topic]].take(record, partial(self._done, record))
        await self._course.all_done()

    def _done(self, record: Record) -> None:
        self._course.finish(record)
        if self._erased and (whose := call_of(record)) is not None and self._erased.holds(*whose):
            self._spared.add(whose)

    async def _watch(self) -> None:
        """Give up when a dependency has been away for too long."""
        while True:
            await asyncio.sleep(min(1.0, self._patience_s / 4))
            now = datetime.now(UTC)
            for outage in [one for health in self._health.values() for one in health.outages.values()]:
                if (now - outage.since).total_seconds() > self._patience_s:
                    raise Retryable(outage.reason, dependency=outage.dependency)

    async def _tell(self, told: Told) -> None:
        while True:
            told(self._course.done)
            await asyncio.sleep(_LOOK_S)

    def _unfinished(self, reason: str) -> Unfinished:
        return Unfinished(f"{reason}; {self._course.done} events were replayed before", self._course.resume_at)

    def _result(self) -> Replayed:
        return Replayed(
            handled=self._counted("handled"),
            skipped=self._counted("skipped"),
            erased=self._counted("erased"),
            erased_calls=len(self._spared),
            unhandled=tuple(self._listing.unhandled),
        )

    def _counted(self, outcome: str) -> int:
        return sum(self._measures.counted(stage, outcome) for stage in self._runners)


class _Course:
    """How far a replay has come: which records are begun and not done, and when they were written."""

    def __init__(self) -> None:
        self.done = 0
        self._open: dict[Position, int] = {}
        self._last_ms: int | None = None
        self._changes = Changes()

    def begin(self, record: Record) -> None:
        self._last_ms = record.timestamp_ms
        self._open[record.position] = record.timestamp_ms or 0

    def finish(self, record: Record) -> None:
        del self._open[record.position]
        self.done += 1
        self._changes.notify()

    async def all_done(self) -> None:
        await self._changes.wait_until(lambda: not self._open)

    @property
    def resume_at(self) -> datetime | None:
        if self._last_ms is None:
            return None
        return datetime.fromtimestamp(min(self._last_ms, *self._open.values(), self._last_ms) / 1_000, UTC)


class _Listing:
    """Stands where a worker has the broker.

    What cannot be handled is noted: its dead letter was written when the index worker met it first.
    """

    def __init__(self) -> None:
        self.unhandled: list[Unhandled] = []

    async def publish(self, records: Sequence[NewRecord]) -> None:
        for record in records:
            if record.topic == FAILED and record.value is not None:
                failed = CallFailed.model_validate_json(record.value)
                position = Position(failed.topic, failed.partition, failed.offset)
                self.unhandled.append(Unhandled(position, failed.call_id, failed.reason))
