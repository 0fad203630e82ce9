"""One event to its end: what is remembered is confirmed before what follows from it, and survives any kill between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from pipeline.dependencies import answered
from pipeline.errors import Retryable
from pipeline.handling import Handled, Inbound, Outbound, follow
from pipeline.stages import Stage, intents, stage_named, transcripts
from pipeline.testing import InMemoryCallState
from schemas.call import CallEnded
from schemas.envelope import message
from schemas.wire import Lane
from workers.breaker import Breaker
from workers.equipment import Equipment
from workers.health import StageHealth
from workers.limits import Limits
from workers.measures import Measures
from workers.outcomes import RetryPolicy
from workers.records import REPLAY_STAGE, NewRecord, Record, write_event
from workers.settle import Release, Settler

FOUND = stage_named("extract", Lane.LIVE)
assert FOUND is not None
STAGE: Stage = FOUND
LIMITS = Limits(policy=RetryPolicy(first_s=0.001, longest_s=0.002))


class Count(BaseModel):
    events: int = 0


class Counter:
    """Counts the events of a call, and says with each how many there were."""

    remembers = Count

    def __init__(self) -> None:
        self.handled = 0

    async def __call__(self, inbound: Inbound, state: Count | None) -> Handled[Count]:
        self.handled += 1
        after = Count(events=(state or Count()).events + 1)
        return Handled(
            (follow(inbound, CallEnded(call_id="a", reason=str(after.events)), stage="x", topic=OUT),), after
        )


class Holder(Counter):
    """Keeps a call in memory until it is told to let go of it."""

    async def let_go(self, key: str, state: Count | None) -> Handled[Count]:
        del key, state
        return Handled()


OUT = intents(Lane.LIVE)


class Paper:
    """A publisher that notes what it writes, and can be made to fail."""

    def __init__(self) -> None:
        self.written: list[NewRecord] = []
        self.fail = False

    async def publish(self, records: Sequence[NewRecord]) -> None:
        if self.fail:
            raise asyncio.CancelledError  # as if the process ended here
        self.written.extend(records)


def record(offset: int, ce_id: str | None = None, *headers: tuple[str, bytes]) -> Record:
    event = message(
        CallEnded(call_id="a"),
        id=ce_id or f"id-{offset}",
        source="/t",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        subject="a",
        tenant_id="t",
    )
    new = write_event(Outbound(transcripts(Lane.LIVE), event))
    return Record(new.topic, 1, offset, new.key, new.value, (*new.headers, *headers))


def settler(handler: Counter, paper: Paper, states: InMemoryCallState, measures: Measures | None = None) -> Settler:
    health = StageHealth(STAGE)
    equipment = Equipment(paper, (measures or Measures()).of(STAGE), health, LIMITS, states)
    return Settler(STAGE, handler, equipment, Breaker(5, LIMITS.policy.delay, health))


async def test_a_kill_between_what_is_remembered_and_its_outputs_leaves_both_right() -> None:
    states, paper = InMemoryCallState(), Paper()
    await settler(Counter(), paper, states).settle(record(0))
    paper.fail = True
    with pytest.raises(asyncio.CancelledError):
        await settler(Counter(), paper, states).settle(record(1))
    paper.fail, successor = False, Counter()
    after = settler(successor, paper, states)
    assert await after.settle(record(1)) == Release(2, itself=True)
    assert successor.handled == 0, "it was counted before the kill"
    await after.settle(record(2))
    assert [b'"1"' in (it.value or b"") for it in paper.written] == [True, False, False]
    assert [it.value and it.value[-3:-2] for it in paper.written] == [b"1", b"2", b"3"]


async def test_an_older_event_that_comes_again_changes_nothing_and_publishes_nothing() -> None:
    states, paper = InMemoryCallState(), Paper()
    it = settler(Counter(), paper, states)
    for offset in range(3):
        await it.settle(record(offset))
    written = len(paper.written)
    assert await settler(Counter(), paper, states).settle(record(1)) == Release(2, itself=True)
    assert len(paper.written) == written


async def test_what_is_let_go_is_told_as_released_and_as_no_event() -> None:
    measures, paper = Measures(), Paper()
    it = settler(Holder(), paper, InMemoryCallState(), measures)
    await it.settle(record(0))
    await it.let_go(record(0))
    outcomes = ("handled", "released", "repeated", "skipped")
    assert [measures.counted(STAGE, outcome) for outcome in outcomes] == [1, 1, 0, 0]


async def test_an_event_published_twice_under_two_offsets_is_counted_once() -> None:
    states, paper, counter = InMemoryCallState(), Paper(), Counter()
    it = settler(counter, paper, states)
    await it.settle(record(0, "same"))
    await it.settle(record(7, "same"))
    assert counter.handled == 1


async def test_a_state_that_an_older_version_wrote_is_as_if_there_were_none() -> None:
    class Other(BaseModel):
        needed: str

    class Changed(Counter):
        remembers = Other  # type: ignore[assignment]  # the point of the test

    states, paper = InMemoryCallState(), Paper()
    await settler(Counter(), paper, states).settle(record(0))
    changed = Changed()
    await settler(changed, paper, states).settle(record(1))
    assert changed.handled == 1


@pytest.mark.parametrize(("named", "handled"), [("extract.live", 1), ("extract.batch", 0), ("index.live", 0)])
async def test_a_replay_is_taken_only_by_the_stage_it_names(named: str, handled: int) -> None:
    counter = Counter()
    it = settler(counter, Paper(), InMemoryCallState())
    assert await it.settle(record(0, None, (REPLAY_STAGE, named.encode()))) in {
        Release(1, itself=True),
        Release(0, itself=True),
    }
    assert counter.handled == handled


async def test_remembering_is_tried_again_without_handling_again() -> None:
    class Slow(InMemoryCallState):
        failures = 2

        async def save(self, partition: int, key: str, state: object) -> None:
            self.failures -= 1
            if self.failures >= 0:
                raise Retryable("away", dependency="kafka")
            await super().save(partition, key, state)  # type: ignore[arg-type]  # passed on as it came

    counter, states = Counter(), Slow()
    await settler(counter, Paper(), states).settle(record(0))
    assert counter.handled == 1
    assert (1, "t:a") in states.kept


async def test_an_event_that_takes_long_makes_progress_with_each_answer_of_its_engine() -> None:
    now = 0.0
    health = StageHealth(STAGE, clock=lambda: now)
    seen: list[float] = []

    async def hear_ten_hours(inbound: Inbound) -> tuple[Outbound, ...]:
        nonlocal now
        del inbound
        for at in (600.0, 1_200.0):
            now = at
            answered("whisper")
            seen.append(health.progress_at)
        return ()

    equipment = Equipment(Paper(), Measures().of(STAGE), health, LIMITS)
    await Settler(STAGE, hear_ten_hours, equipment, Breaker(5, LIMITS.policy.delay, health)).settle(record(0))
    assert seen == [600.0, 1_200.0]
