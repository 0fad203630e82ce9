"""The live index as a worker runs it: what waits for company is neither lost nor acknowledged before it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from live_events import said
from mined_calls import FACTS, TENANT, inbound

from pipeline.erasure.erased import Erased
from pipeline.handling import Outbound
from pipeline.stages import Stage, stage_named, transcripts
from pipeline.store.coalesced import Coalescing
from pipeline.store.collections import COLLECTIONS, UTTERANCES
from pipeline.store.lately import Lately
from pipeline.store.stage import build
from pipeline.store.steps import InSteps
from pipeline.testing import InMemoryStore
from schemas.call import CallEnded, CallStarted
from schemas.wire import CallEvent, Lane
from workers.in_process import InProcessBroker, InProcessWorker
from workers.records import NewRecord, write_event

CALLS = [f"c{number}" for number in range(6)]
LONG_S = 30.0


def index() -> Stage:
    found = stage_named("index", Lane.LIVE)
    assert found is not None
    return found


def in_steps(store: InMemoryStore, wait_s: float, lately: Lately | None = None) -> InSteps:
    known = lately or Lately()
    return InSteps(build(store=Coalescing(store), lately=known), known, wait_s=wait_s, most=16)


def records(events: Sequence[CallEvent]) -> list[NewRecord]:
    return [write_event(Outbound(transcripts(Lane.LIVE), inbound(event).message)) for event in events]


def talk() -> list[CallEvent]:
    """Several calls side by side, from their start to their end."""
    events: list[CallEvent] = [CallStarted(call_id=call, call=FACTS) for call in CALLS]
    for number in range(5):
        events += [said(number, f"turn {number}", call_id=call, call=FACTS) for call in CALLS]
    return [*events, *(CallEnded(call_id=call, duration_ms=25_000) for call in CALLS)]


def content(store: InMemoryStore) -> Mapping[str, Any]:
    return {id_: point.payload for one in COLLECTIONS for id_, point in sorted(store.points.get(one.name, {}).items())}


async def one_by_one(events: Sequence[CallEvent]) -> Mapping[str, Any]:
    store = InMemoryStore()
    handler = build(store=store)
    for event in events:
        await handler(inbound(event))
    return content(store)


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_worker_that_dies_while_events_wait_has_acknowledged_none_and_the_next_one_stores_them_all() -> None:
    store, broker = InMemoryStore(), InProcessBroker()
    await broker.publish(records(talk()))
    dying = InProcessWorker(broker, index(), in_steps(store, LONG_S))
    await dying.start()
    await turns()
    await dying.stop(0)
    assert broker.done(index()) == 0
    assert not store.points
    worker = InProcessWorker(broker, index(), in_steps(store, 0.02))
    await worker.start()
    async with asyncio.timeout(60):
        await broker.wait_idle([index()])
    await worker.stop(5)
    assert content(store) == await one_by_one(talk())


async def test_a_call_that_is_behind_is_not_held_up_event_by_event() -> None:
    store, broker = InMemoryStore(), InProcessBroker()
    events = [said(number, f"turn {number}", call=FACTS) for number in range(150)]
    await broker.publish(records(events))
    worker = InProcessWorker(broker, index(), in_steps(store, 1.0))
    await worker.start()
    async with asyncio.timeout(100):
        await broker.wait_idle([index()])
    await worker.stop(5)
    assert content(store) == await one_by_one(events)


async def test_of_a_call_that_is_erased_while_its_event_waits_nothing_is_known_afterwards() -> None:
    store, broker, lately, erased = InMemoryStore(), InProcessBroker(), Lately(), Erased()
    await broker.publish(records([said(1, "hello", call_id="c1", call=FACTS)]))
    worker = InProcessWorker(broker, index(), in_steps(store, 0.05, lately), erased=erased)
    await worker.start()
    await turns()
    before = lately.of(TENANT, "c1")
    erased.add(TENANT, "c1", datetime.now(UTC))
    await worker.let_fall(f"{TENANT}:c1")
    assert lately.of(TENANT, "c1") is not before
    await broker.publish(records([said(2, "more", call_id="c1", call=FACTS)]))
    async with asyncio.timeout(60):
        await broker.wait_idle([index()])
    await worker.stop(5)
    assert len(store.points.get(UTTERANCES, {})) <= 1  # what was at work then; whoever erases takes it away
