"""Erased calls in a worker: their events give nothing, what is at work or held is let fall, and what was kept goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest
from pydantic import BaseModel

from pipeline.erasure.erased import Erased, customer_digest
from pipeline.erasure.places import Cleared
from pipeline.erasure.receipt import NotReached
from pipeline.errors import Poison
from pipeline.handling import Handled, Inbound, Outbound, follow
from pipeline.privacy.vault import Subject
from pipeline.stages import ERASURES, Stage, intents, stage_named, transcripts
from schemas.call import CallStarted
from schemas.envelope import message
from schemas.wire import CallFacts, Lane
from workers import erasures as module
from workers.call_states import CompactedCallState
from workers.claims import DATAREF
from workers.equipment import Equipment
from workers.erasing import Asked, requests
from workers.erasures import Erasures
from workers.health import StageHealth
from workers.in_process import InProcessBroker
from workers.limits import Limits
from workers.measures import Measures
from workers.outcomes import RetryPolicy
from workers.records import NewRecord, Record, write_event
from workers.runtime import Runner

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FOUND = stage_named("extract", Lane.LIVE)
assert FOUND is not None
STAGE: Stage = FOUND
IN, OUT = transcripts(Lane.LIVE), intents(Lane.LIVE)
LIMITS = Limits(policy=RetryPolicy(first_s=0.001, longest_s=0.002))
SECONDS = 10


class Words(BaseModel):
    events: int = 0


class Holding:
    """Holds every event of a call from its first on; at a gate it can be made to wait."""

    remembers = Words

    def __init__(self) -> None:
        self.handled = 0
        self.dropped: list[str] = []
        self.at_work, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def __call__(self, inbound: Inbound, state: Words | None) -> Handled[Words]:
        self.at_work.set()
        await self.gate.wait()
        self.handled += 1
        if self.error is not None:
            raise self.error
        output = follow(inbound, CallStarted(call_id=inbound.message.envelope.subject), stage="x", topic=OUT)
        return Handled((output,), Words(events=(state or Words()).events + 1), held_from=0)

    async def let_go(self, key: str, state: Words | None) -> Handled[Words]:
        raise AssertionError(f"{key} is erased: what it holds is not finished, nor is {state}")

    def drop(self, key: str) -> None:
        self.dropped.append(key)

    def forget(self, partition: int) -> None:
        """Nothing is held by partition."""


class Work:
    """A worker of one stage in memory, and what became of its events."""

    def __init__(self, broker: InProcessBroker | None = None) -> None:
        self.broker, self.handler, self.erased = broker or InProcessBroker(1), Holding(), Erased()
        self.states = CompactedCallState(STAGE.state_topic, self.broker.read_back, self.broker)
        self.measures = Measures()
        equipment = Equipment(
            self.broker, self.measures.of(STAGE), StageHealth(STAGE), LIMITS, self.states, erased=self.erased
        )
        self.runner = Runner(STAGE, self.handler, equipment)
        self.done: list[int] = []
        self._offset = -1

    async def take(self, *, call: str = "a", facts: CallFacts | None = None, **changes: object) -> None:
        self._offset += 1
        made = event(call, self._offset, facts or CallFacts())
        new = Record(IN, 0, self._offset, made.key, made.value, made.headers)
        for name, value in changes.items():
            object.__setattr__(new, name, value)
        offset = self._offset
        await self.runner.take(new, lambda: self.done.append(offset))

    async def until_done(self, count: int) -> None:
        await until(lambda: len(self.done) == count)

    def counted(self, outcome: str) -> int:
        return self.measures.counted(STAGE, outcome)

    def published(self) -> list[str]:
        topics = (OUT, STAGE.dead_letters(IN), "calls.failed")
        return [topic for topic in topics for _ in self.broker.records(topic)]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.001)


def event(call: str, number: int, facts: CallFacts) -> NewRecord:
    payload = CallStarted(call_id=call, call=facts)
    made = message(payload, id=f"id-{number}", source="/t", time=NOW, subject=call, tenant_id="t")
    return write_event(Outbound(IN, made))


async def test_events_of_an_erased_call_are_done_without_being_handled_and_others_are_handled() -> None:
    work = Work()
    work.erased.add("t", "a", NOW)
    await work.take()
    await work.until_done(1)
    await work.take(call="b")
    async with asyncio.timeout(SECONDS):
        await work.handler.at_work.wait()
        await work.runner.drain(1)
    assert (work.counted("erased"), work.handler.handled) == (1, 1)
    assert work.published() == [OUT]


async def test_a_value_behind_a_claim_that_is_gone_and_one_that_cannot_be_read_are_no_dead_letters() -> None:
    work = Work()
    work.erased.add("t", "a", NOW)
    await work.take(value=b"", headers=((DATAREF, b"file:///gone"),))
    await work.take(value=b"no JSON")
    await work.until_done(2)
    assert work.counted("erased") == 2
    assert work.published() == []


async def test_what_is_at_work_when_the_erasure_comes_publishes_and_remembers_nothing() -> None:
    work = Work()
    work.handler.gate.clear()
    await work.take()
    async with asyncio.timeout(SECONDS):
        await work.handler.at_work.wait()
        work.erased.add("t", "a", NOW)
        falling = asyncio.create_task(work.runner.let_fall("t:a"))
        await asyncio.sleep(0)
        assert not falling.done(), "it is still at work"
        work.handler.gate.set()
        await falling
    assert work.done == [0]
    assert work.published() == []
    assert await work.states.load(0, "t:a") is None


async def test_what_fails_for_good_while_the_erasure_comes_is_no_dead_letter() -> None:
    work = Work()
    work.handler.gate.clear()
    work.handler.error = Poison("the words of the call")
    await work.take()
    async with asyncio.timeout(SECONDS):
        await work.handler.at_work.wait()
        work.erased.add("t", "a", NOW)
        work.handler.gate.set()
        await work.runner.let_fall("t:a")
    assert work.done == [0]
    assert work.published() == []


async def test_held_events_are_let_fall_and_what_is_remembered_is_forgotten_for_good() -> None:
    work = Work()
    for _ in range(3):
        await work.take()
    await until(lambda: len(work.broker.records(OUT)) == 3)
    async with asyncio.timeout(SECONDS):
        work.erased.add("t", "a", NOW)
        await work.runner.let_fall("t:a")
    assert work.done == [0, 1, 2]
    assert "t:a" in work.handler.dropped
    last = work.broker.records(STAGE.state_topic)[-1]
    assert (last.key, last.value) == (b"t:a", None)
    successor = CompactedCallState(STAGE.state_topic, work.broker.read_back, work.broker)
    assert await successor.load(0, "t:a") is None
    assert [topic for topic in work.published() if topic == OUT] == [OUT] * 3, "what was out before stays out"


async def test_the_state_that_a_worker_left_behind_goes_with_the_calls_next_event() -> None:
    work = Work()
    await work.take()
    await until(lambda: bool(work.broker.records(OUT)))
    await work.runner.drain(1)
    successor = Work(work.broker)
    successor.erased.add("t", "a", NOW)
    await successor.take()
    await successor.until_done(1)
    assert work.broker.records(STAGE.state_topic)[-1].value is None


async def test_a_call_of_an_erased_customer_is_known_by_its_own_facts() -> None:
    work = Work()
    told: list[tuple[str, str]] = []
    work.erased.told = lambda tenant, call: told.append((tenant, call))
    work.erased.add_customer(customer_digest("t", "c-1"), NOW)
    facts = CallFacts(customer_id="c-1", started_at=NOW - timedelta(hours=1))
    await work.take(facts=facts)
    await work.until_done(1)
    await work.take()  # an event without facts
    await work.until_done(2)
    assert (work.counted("erased"), work.handler.handled, told) == (2, 0, [("t", "a")])


class Topic:
    """A ``Followed`` in memory."""

    def __init__(self, *there: NewRecord) -> None:
        self._there = [as_read(one) for one in there]
        self.added: asyncio.Queue[NewRecord] = asyncio.Queue()

    async def whole(self) -> Sequence[Record]:
        return self._there

    async def follow(self, take: Callable[[Record], None]) -> NoReturn:
        while True:
            take(as_read(await self.added.get()))


def as_read(record: NewRecord) -> Record:
    return Record(record.topic, 0, 0, record.key, record.value, record.headers)


def asked(*calls: str, customer: str | None = None, at: datetime = NOW) -> list[NewRecord]:
    return requests(Asked("t", "ann", calls, customer, at=at), calls)


class Busy:
    """A worker that is told of calls to let fall."""

    def __init__(self) -> None:
        self.fallen: list[str] = []

    async def let_fall(self, key: str) -> None:
        self.fallen.append(key)


async def test_a_new_erasure_is_obeyed_at_once_and_cleared_until_every_place_was_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PAUSE_S", 0.001)
    old = asked("long-ago", at=NOW - timedelta(days=40))
    topic, worker, cleared = Topic(*old, *asked("lately")), Busy(), list[str]()
    reached = asyncio.Event()
    erasures = Erasures(topic, now=lambda: NOW)

    async def clear(subject: Subject) -> Cleared:
        assert worker.fallen[-1] == str(subject), "nothing of it is at work any more"
        cleared.append(subject.call_id)
        if cleared == ["lately", "new"]:
            return Cleared(not_reached=(NotReached(place="Qdrant", why="it is away"),))
        if cleared.count("new") > 1:
            reached.set()
        return Cleared()

    await erasures.read()
    assert erasures.erased.holds("t", "long-ago")
    running = [asyncio.create_task(one) for one in (erasures.follow(), erasures.clear([worker], clear))]
    for record in asked("new"):
        topic.added.put_nowait(record)
    async with asyncio.timeout(SECONDS):
        await reached.wait()
    for task in running:
        task.cancel()
    assert cleared == ["lately", "new", "new"], (
        "what was erased lately is cleared again at a start, as it may have written"
    )


async def test_what_is_no_erasure_and_a_tombstone_take_nothing_back() -> None:
    topic = Topic(*asked("a"), NewRecord(ERASURES, b"t:a", None, ()), NewRecord(ERASURES, b"t:a", b"{", ()))
    erasures = Erasures(topic, now=lambda: NOW)
    await erasures.read()
    assert erasures.erased.holds("t", "a")


async def test_a_customers_erasure_names_the_calls_that_are_stored_and_the_customer() -> None:
    of = Asked("t", "ann", (), "c-1")
    assert [one.key for one in requests(of, ["a"])] == [b"t:a", b"t:customer:c-1"]
    erasures = Erasures(Topic(*requests(of, ["a"])), now=lambda: NOW)
    await erasures.read()
    assert erasures.erased.holds("t", "a")
    assert erasures.erased.covers("t", "b", CallFacts(customer_id="c-1", started_at=NOW), NOW)
