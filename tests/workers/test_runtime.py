from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import BaseModel

from pipeline.errors import Retryable
from pipeline.handling import Handled, Handler, Inbound, Outbound
from pipeline.stages import AUDIO, FAILED, OUTCOMES, STAGES
from pipeline.testing import InMemoryCallState
from schemas.call import CallEnded
from schemas.envelope import message
from workers.equipment import Equipment
from workers.health import StageHealth
from workers.in_process import InProcessBroker
from workers.limits import Limits
from workers.measures import Measures
from workers.outcomes import RetryPolicy
from workers.records import NewRecord, Record, write_event
from workers.runtime import Runner

INDEX = next(stage for stage in STAGES if stage.name == "index" and stage.lane == "batch")
LIVE = next(stage for stage in STAGES if stage.name == "asr" and stage.lane == "live")


DEFAULT = Limits()


def record(topic: str, offset: int, call: str = "a") -> Record:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    event = message(CallEnded(call_id=call), id=f"{topic}-{offset}", source="/t", time=at, subject=call, tenant_id="t")
    new = write_event(Outbound(topic, event))
    return Record(topic, 0, offset, new.key, new.value, new.headers)


def runner_of(handler: Handler, limits: Limits = DEFAULT) -> Runner:
    return Runner(INDEX, handler, Equipment(InProcessBroker(), Measures().of(INDEX), StageHealth(INDEX), limits))


class Stuck:
    """A handler that waits for ever on one topic, and notes what it did on the others."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self.started = asyncio.Event()
        self.done: list[str] = []

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        if inbound.position.topic == self._topic:
            self.started.set()
            await asyncio.Event().wait()
        self.done.append(inbound.position.topic)
        return ()


async def test_an_event_behind_one_of_a_revoked_partition_is_still_handled_when_its_own_partition_stays() -> None:
    handler, acknowledged = Stuck(OUTCOMES), asyncio.Event()
    runner = runner_of(handler)
    await runner.take(record(OUTCOMES, 0), lambda: None)
    await runner.take(record(FAILED, 0), acknowledged.set)
    await handler.started.wait()
    assert handler.done == [], "events of one call wait for each other, across topics"
    await runner.forget([(OUTCOMES, 0)])
    await asyncio.wait_for(acknowledged.wait(), 5)
    assert handler.done == [FAILED]


async def test_a_revoked_partition_acknowledges_nothing_and_starts_anew_when_it_comes_back() -> None:
    handler, acknowledged = Stuck(OUTCOMES), []
    runner = runner_of(handler)
    await runner.take(record(OUTCOMES, 0), lambda: acknowledged.append("before"))
    await runner.take(record(OUTCOMES, 1, "b"), lambda: acknowledged.append("before"))
    await handler.started.wait()
    await runner.forget([(OUTCOMES, 0)])
    assert acknowledged == []
    again = asyncio.Event()
    await runner.take(record(FAILED, 7), again.set)
    await asyncio.wait_for(again.wait(), 5)
    assert acknowledged == []


async def test_a_partition_too_far_ahead_of_its_oldest_event_waits_and_a_revocation_wakes_it() -> None:
    handler = Stuck(OUTCOMES)
    runner = runner_of(handler, Limits(window=3))
    for offset in range(3):
        await runner.take(record(OUTCOMES, offset, f"call-{offset}"), lambda: None)
    waiting = asyncio.create_task(runner.take(record(OUTCOMES, 3, "d"), lambda: None))
    await handler.started.wait()
    await asyncio.sleep(0)
    assert not waiting.done()
    await runner.forget([(OUTCOMES, 0)])
    await asyncio.wait_for(waiting, 5)


class Finishing:
    """A handler that finishes what it has begun, whoever wants it to stop."""

    def __init__(self) -> None:
        self.started, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        del inbound
        self.started.set()
        while not self.go_on.is_set():
            try:
                await self.go_on.wait()
            except asyncio.CancelledError:
                continue
        return ()


async def test_a_late_finisher_of_a_revoked_partition_neither_acknowledges_nor_breaks_the_worker() -> None:
    handler, acknowledged = Finishing(), []
    runner = runner_of(handler)
    await runner.take(record(OUTCOMES, 0), lambda: acknowledged.append(0))
    await handler.started.wait()
    forgetting = asyncio.create_task(runner.forget([(OUTCOMES, 0)]))
    await asyncio.sleep(0)
    handler.go_on.set()
    await asyncio.wait_for(forgetting, 5)
    assert acknowledged == []
    assert not runner.broken.done()
    again = asyncio.Event()
    await runner.take(record(OUTCOMES, 0), again.set)
    await asyncio.wait_for(again.wait(), 5)


async def test_while_a_dependency_is_away_no_more_events_are_taken_than_can_be_at_work() -> None:
    away = True

    async def until_back(inbound: Inbound) -> Sequence[Outbound]:
        if away:
            raise Retryable("away", dependency="qdrant")
        return ()

    policy = RetryPolicy(first_s=0.005, longest_s=0.01)
    limits = Limits(in_flight=2, breaker_failures=2, policy=policy)
    runner = runner_of(until_back, limits)
    taken, done = 0, asyncio.Event()

    async def read() -> None:
        nonlocal taken
        for offset in range(50):
            await runner.take(record(OUTCOMES, offset, f"call-{offset}"), done.set if offset == 49 else lambda: None)
            taken += 1
            await asyncio.sleep(0.002)

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.2)
    assert taken < 50
    assert not done.is_set()
    before = taken
    await asyncio.sleep(0.1)
    assert taken == before, "a paused partition is read no further"
    away = False
    await asyncio.wait_for(reading, 5)
    await asyncio.wait_for(done.wait(), 5)


class State(BaseModel):
    """Nothing is remembered."""


class EndsIdleCalls:
    """A handler that holds events, and says that a call is idle until it is told that it has ended."""

    remembers = State

    def __init__(self) -> None:
        self.idle = True

    async def __call__(self, inbound: Inbound, state: State | None) -> Handled[State]:
        del inbound, state
        return Handled()

    async def let_go(self, key: str, state: State | None) -> Handled[State]:
        del key, state
        return Handled()

    def forget(self, partition: int) -> None:
        del partition

    def ends(self) -> Sequence[Outbound]:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        end = message(CallEnded(call_id="a"), id="end-a", source="/t", time=at, subject="a", tenant_id="t")
        return (Outbound(AUDIO, end),) if self.idle else ()


class AwayOnce(InProcessBroker):
    """A broker that is away when it is first written to."""

    def __init__(self) -> None:
        super().__init__()
        self.away = True
        self.written_twice = asyncio.Event()

    async def publish(self, records: Sequence[NewRecord]) -> None:
        if self.away:
            self.away = False
            raise Retryable("no broker answers", dependency="kafka")
        await super().publish(records)
        if len(self.records(AUDIO)) > 1:
            self.written_twice.set()


async def test_the_end_of_an_idle_call_is_published_again_until_it_has_come() -> None:
    broker, handler = AwayOnce(), EndsIdleCalls()
    equipment = Equipment(broker, Measures().of(INDEX), StageHealth(INDEX), Limits(hold_s=0.01))
    tending = asyncio.create_task(Runner(INDEX, handler, equipment).tend())
    async with asyncio.timeout(5):
        await broker.written_twice.wait()
    handler.idle = False
    await asyncio.sleep(0.02)
    told = len(broker.records(AUDIO))
    await asyncio.sleep(0.05)
    tending.cancel()
    assert len(broker.records(AUDIO)) == told


class Words(BaseModel):
    """What is remembered of a call: nothing."""


class Listening:
    """Holds every event, and waits for a gate at the second one; notes what it was told to do."""

    remembers: type[Words] = Words

    def __init__(self) -> None:
        self.said: list[str] = []
        self.at_gate, self.gate, self.let_it_go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, inbound: Inbound, state: Words | None) -> Handled[Words]:
        self.said.append(str(inbound.position.offset))
        if inbound.position.offset == 1:
            self.at_gate.set()
            await self.gate.wait()
        return Handled(state=state or Words(), held_from=0)

    async def let_go(self, key: str, state: Words | None) -> Handled[Words]:
        self.said.append(f"let go of {key}")
        self.let_it_go.set()
        return Handled(state=state)

    def forget(self, partition: int) -> None:
        """Nothing is held."""


async def test_what_is_held_of_a_call_is_not_let_go_while_more_of_it_waits() -> None:
    handler, broker = Listening(), InProcessBroker()
    limits = Limits(hold_s=0.02)
    equipment = Equipment(broker, Measures().of(LIVE), StageHealth(LIVE), limits, InMemoryCallState())
    runner = Runner(LIVE, handler, equipment)
    tending = asyncio.create_task(runner.tend())
    for offset in range(3):
        await runner.take(record(AUDIO, offset), lambda: None)
    async with asyncio.timeout(5):
        await handler.at_gate.wait()
        await asyncio.sleep(5 * limits.hold_s)
        handler.gate.set()
        await handler.let_it_go.wait()
    tending.cancel()
    assert handler.said == ["0", "1", "2", "let go of t:a"]
