"""One event brought to its end, whatever that takes: handled, or a dead letter. The one place where errors end."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal, cast, get_args

import structlog

from pipeline.dependencies import answered, noting_answers
from pipeline.erasure.obeying import is_erased
from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.handling import Gathering, Handler, Holding, Inbound, Outbound, Remembering
from pipeline.stages import Stage
from pipeline.tally import Tally
from pipeline.tracing import current
from workers.breaker import Breaker
from workers.equipment import Equipment
from workers.logs import about
from workers.memory import Memory, Place, written
from workers.outcomes import Failure, call_failed, dead_letter
from workers.records import NewRecord, Record, call_of, is_for, read_event, write_event
from workers.tracing.hops import sending

Outcome = Literal["handled", "repeated", "skipped", "retried", "dead", "erased", "released"]
"""What an attempt at an event can come to; each is a counter of ``StageMeasures``.

``released`` is no event: what was held or gathered of events that were handled before is published.
"""

log: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Release:
    """Which events of a call are done now: those before the offset ``before``, and the one that was settled itself."""

    before: int
    itself: bool


@dataclass(frozen=True, slots=True)
class _Result:
    """What an event gave, to be confirmed in this order: what is remembered, then the outputs."""

    outcome: Outcome
    outputs: Sequence[NewRecord]
    release: Release
    remember: Callable[[], Awaitable[None]] | None = None


_OUR_FAULTS: Final = 3
"""Attempts at an event that fails by a fault of ours."""
_FREE: Final = nullcontext()
_ALONE: Final = Release(before=0, itself=True)
"""Done with this event; what the call holds stays held."""
_HELD: Final = Release(before=0, itself=False)
"""Nothing is done, this event neither."""


class Settler:
    """Settles the events of one stage."""

    def __init__(
        self, stage: Stage, handler: Handler | Remembering[Any], equipment: Equipment, breaker: Breaker
    ) -> None:
        self._stage = stage
        self._handler = handler
        self._publisher = equipment.publisher
        self._limits = equipment.limits
        self._seconds = equipment.measures.seconds
        self._counters = {outcome: getattr(equipment.measures, outcome) for outcome in get_args(Outcome)}
        self._tally = Tally(equipment.measures.meter)
        self._health = equipment.health
        self._breaker = breaker
        self._claims = equipment.claims
        self._seal = equipment.seal
        self._erased = equipment.erased
        self._hops = equipment.hops
        states = equipment.states
        self._memory = Memory(cast("Remembering[Any]", handler), states) if states is not None else None
        self._gathers = hasattr(handler, "gathered")
        self._slots = asyncio.Semaphore(equipment.limits.in_flight)
        self._passed: Counter[str] = Counter()
        self._stopping = False
        self.busy: set[asyncio.Task[None]] = set()
        """Tasks whose event is being handled or confirmed; one that waits for its next attempt is not among them."""

    async def settle(self, record: Record) -> Release:
        """Bring one event to its end.

        Raises:
            Config: the worker is set up wrongly and must stop.
        """
        about(record)
        with self._hops.processing(record) if self._hops else _FREE:
            return await self._until_settled(record, partial(self._handle, record))

    async def let_go(self, record: Record) -> Release:
        """Finish what the call of this event, the last one held of it, holds in memory."""
        about(record)
        with self._hops.processing(record) if self._hops else _FREE:
            return await self._until_settled(record, partial(self._let_go, record))

    async def publish_gathered(self, record: Record) -> Release:
        """Publish what was gathered of the partition of this event, the last one held of it; whoever's events they are.

        What cannot be published is a dead letter, and its events are done all the same: they are part of what is
        gathered next.
        """
        about(record)
        nobodys = replace(record, key=None, headers=())
        with self._hops.gathered(record) if self._hops else _FREE:
            await self._until_settled(nobodys, partial(self._publish_gathered, record))
        return Release(record.offset + 1, itself=True)

    async def drop(self, key: str) -> None:
        """Keep nothing of a call (``tenant:call``) that is erased: neither what it holds nor what is remembered of it.

        Raises:
            Retryable: the broker is away.
        """
        if drop := getattr(self._handler, "drop", None):
            drop(key)
        if self._memory is not None:
            await self._memory.drop(key)

    def forget(self, partition: int) -> None:
        """A partition is somebody else's now."""
        if self._memory is not None:
            self._memory.forget(partition)
        if forget := getattr(self._handler, "forget", None):
            forget(partition)

    def stop(self) -> None:
        """Try nothing again from now on."""
        self._stopping = True

    async def _until_settled(self, record: Record, work: Callable[[], Awaitable[_Result]]) -> Release:
        result: _Result | None = None
        first_failed_at: datetime | None = None
        passed_before: dict[str, int] = {}
        missed: set[str] = set()
        task = asyncio.current_task()
        assert task is not None
        for attempt in itertools.count(1):
            try:
                is_open = self._breaker.is_open and not self._is_erased(record)
                async with self._breaker.passage() if is_open else _FREE:
                    with noting_answers(self._health.progressed) as answers:
                        result = await self._result(record, work, result, task)
                        self.busy.add(task)
                        await self._confirm(result)
            except Config:
                raise
            except Exception as error:  # noqa: BLE001 - the boundary: every error must become an outcome
                if first_failed_at is None:
                    first_failed_at, passed_before = datetime.now(UTC), dict(self._passed)
                if isinstance(error, Retryable):
                    missed.add(error.dependency)
                if self._is_hopeless(error, attempt, passed_before) and not self._is_erased(record):
                    await self._bury(Failure(self._stage, record, error, attempt, first_failed_at))
                    return _ALONE
                self.busy.discard(task)
                await self._wait(error, attempt)
            else:
                self._count(result.outcome)
                if result.outcome in {"handled", "released"}:
                    answers |= missed  # what this event failed for, it has been given now
                    self._passed.update(answers)
                    self._breaker.worked(answers)
                return result.release
            finally:
                self.busy.discard(task)
        raise AssertionError  # the count has no end

    async def _result(
        self, record: Record, work: Callable[[], Awaitable[_Result]], before: _Result | None, task: asyncio.Task[Any]
    ) -> _Result:
        """What an event comes to, or came to before and is still to be confirmed; of an erased call it is nothing."""
        result = before
        if result is None and not self._is_erased(record):
            async with self._slots:
                self.busy.add(task)
                result = await work()
        if result is None or self._is_erased(record):  # that may have been asked for while it was at work
            return await self._fallen(record)
        return result

    async def _confirm(self, result: _Result) -> None:
        if result.remember is not None:
            await result.remember()
        outputs = result.outputs
        if self._claims is not None:
            outputs = [await self._claims.put_away(output) for output in outputs]
        if outputs:
            await self._publish(outputs)
            answered("kafka")

    async def _publish(self, records: Sequence[NewRecord]) -> None:
        with sending(self._hops, records) as carrying:
            await self._publisher.publish(carrying)

    async def _handle(self, record: Record) -> _Result:
        inbound = await self._read(record) if is_for(record, self._stage) else None
        if inbound is None:
            log.info("skipped: unknown type or minor version, or a replay for another stage")
            return _Result("skipped", (), _ALONE)
        about(record, inbound)
        if is_erased(self._erased, inbound):  # as a call of an erased customer, which is seen here for the first time
            return await self._fallen(record)
        if self._memory is not None:
            return await self._handle_remembering(inbound, self._memory)
        with self._seconds.time():
            outputs = await cast("Handler", self._handler)(inbound)
        self._note(inbound, outputs)
        records = [write_event(output) for output in outputs]
        return _Result("handled", records, _HELD if self._gathers else Release(record.offset + 1, itself=True))

    async def _publish_gathered(self, record: Record) -> _Result:
        outputs = cast("Gathering", self._handler).gathered(record.partition)
        return _Result("released", [write_event(output) for output in outputs], Release(record.offset + 1, itself=True))

    def _is_erased(self, record: Record) -> bool:
        return bool(self._erased) and (whose := call_of(record)) is not None and self._erased.holds(*whose)

    async def _fallen(self, record: Record) -> _Result:
        """An event of an erased call gives nothing, and what the call holds is let fall."""
        whose = call_of(record)
        assert whose is not None
        key = ":".join(whose)
        if self._memory is not None:
            await self._memory.load(record.partition, key)  # so that what is remembered there is dropped, too
        await self.drop(key)
        return _Result("erased", (), _ALONE if self._gathers else Release(record.offset + 1, itself=True))

    async def _read(self, record: Record) -> Inbound | None:
        return read_event(record if self._claims is None else await self._claims.redeem(record))

    async def _handle_remembering(self, inbound: Inbound, memory: Memory[Any]) -> _Result:
        handler = cast("Remembering[Any]", self._handler)
        place, ce_id = Place.of(inbound), inbound.message.envelope.id
        known = await memory.load(place.partition, place.call)
        if known is not None and place.offset <= known.offset:
            if known.held_from is not None and place.offset >= known.held_from:
                with suppress(Poison):  # it has been settled; this only fills the handler's memory again
                    await handler(inbound, known.state)
            outputs = known.outputs if place.offset == known.offset else ()
            return _Result("repeated", outputs, _release(place.offset, known.held_from))
        if known is not None and known.has_applied(ce_id):
            return _Result("repeated", (), _ALONE)
        with self._seconds.time():
            handled = await handler(inbound, None if known is None else known.state)
        self._note(inbound, handled.outputs)
        remember = None if handled.state is None else partial(memory.save, place, ce_id, handled, known)
        return _Result("handled", written(handled), _release(place.offset, handled.held_from), remember)

    async def _let_go(self, record: Record) -> _Result:
        inbound, memory = await self._read(record), self._memory
        assert inbound is not None
        assert memory is not None
        place = Place.of(inbound)
        known = await memory.load(place.partition, place.call)
        handler = cast("Holding[Any]", self._handler)
        handled = await handler.let_go(place.call, None if known is None else known.state)
        at = place if known is None or known.offset < place.offset else Place(place.partition, place.call, known.offset)
        remember = None if handled.state is None else partial(memory.save, at, None, handled, known)
        self._tally.gave(handled.outputs)
        return _Result("released", written(handled), Release(at.offset + 1, itself=True), remember)

    async def _bury(self, failure: Failure) -> None:
        """Confirm the dead letter and the ``call.failed``; as long as the broker does not, nothing moves."""
        error = failure.error
        if self._hops is not None:
            current().fail(type(error).__name__)
        unexpected = not isinstance(error, ConvmineError)
        log.error(
            "dead letter", reason=failure.reason, attempts=failure.attempts, exc_info=error if unexpected else None
        )
        records = (dead_letter(failure, self._seal), call_failed(failure, self._limits.tenant))
        for attempt in itertools.count(1):
            try:
                async with self._breaker.passage() if self._breaker.is_open else _FREE:
                    await self._publish(records)
            except ConvmineError as problem:
                await self._wait(problem, attempt)
            else:
                self._count("dead")
                return

    async def _wait(self, error: Exception, attempt: int) -> None:
        """Until the next attempt may begin; where the dependency is away, its breaker says when."""
        if self._stopping:
            raise asyncio.CancelledError
        self._count("retried")
        if self._hops is not None:
            current().note("retry", {"attempt": attempt, "error.type": type(error).__name__})
        self._health.progressed()
        if isinstance(error, Retryable) and self._breaker.failed(error):
            return
        delay = self._limits.policy.delay(attempt, error)
        said = error.message if isinstance(error, ConvmineError) else f"{type(error).__name__}: {error}"
        log.warning("will try again", reason=said, attempt=attempt, delay_s=round(delay, 3))
        await self._limits.sleep(delay)

    def _is_hopeless(self, error: Exception, attempt: int, passed_before: Mapping[str, int]) -> bool:
        """Poison never works. What may work later is given up only while others get an answer where this one fails.

        That is what tells an event that always fails from an outage, which must never be a dead letter.
        """
        attempts = self._limits.policy.attempts
        if isinstance(error, Poison):
            return True
        if not isinstance(error, Retryable):
            return attempt >= min(_OUR_FAULTS, attempts)
        passed = self._passed[error.dependency] - passed_before.get(error.dependency, 0)
        return not error.alone and attempt >= attempts and passed >= attempts

    def _note(self, inbound: Inbound, outputs: Sequence[Outbound]) -> None:
        self._tally.took(inbound)
        self._tally.gave(outputs)

    def _count(self, outcome: Outcome) -> None:
        self._counters[outcome].inc()
        if self._hops is not None:
            current().set("convmine.outcome", outcome)


def _release(offset: int, held_from: int | None) -> Release:
    return Release(offset + 1, itself=True) if held_from is None else Release(held_from, itself=held_from > offset)
