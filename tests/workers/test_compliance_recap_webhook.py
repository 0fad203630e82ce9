"""The stages compliance, recap and webhook under the runtime, on the transport without a broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from http_peer import Peer, peer, saying
from live_events import START as LIVE_START
from live_events import inbound as live_inbound
from live_events import said
from mined_calls import FACTS, flow_state, inbound, insight, suggestion

from pipeline.compliance import stage as compliance
from pipeline.handling import Inbound, Outbound
from pipeline.recap import stage as recap
from pipeline.scenarios.load import shipped
from pipeline.settings import WebhooksSettings
from pipeline.stages import SUGGESTIONS, WEBHOOKS, Stage, stage_named, transcripts
from pipeline.store.stage import build as build_index
from pipeline.testing import InMemoryStore
from pipeline.webhooks import stage as webhooks
from schemas.call import CallEnded, CallStarted
from schemas.wire import CallFacts, Lane, Role
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import Limits
from workers.outcomes import RetryPolicy
from workers.records import read_event, write_event

SECRET = "whsec_" + "c2VjcmV0" * 5
CALL = (
    CallStarted(call_id="c1", call=CallFacts(agent="ann", language="en")),
    said(0, "good morning this call", Role.AGENT),
    said(1, "is recorded", Role.AGENT),
    said(2, "i call my lawyer"),
    CallEnded(call_id="c1", duration_ms=60_000),
)


def named(name: str, lane: Lane) -> Stage:
    found = stage_named(name, lane)
    assert found is not None
    return found


@asynccontextmanager
async def working(broker: InProcessBroker, stage: Stage, handler: Any) -> AsyncIterator[None]:
    worker = InProcessWorker(broker, stage, handler, Limits(policy=RetryPolicy(0.01, 0.05)))
    await worker.start()
    try:
        yield
    finally:
        await worker.stop(5)


async def publish(broker: InProcessBroker, topic: str, events: Iterable[Inbound]) -> None:
    await broker.publish([write_event(Outbound(topic, event.message)) for event in events])


def published(broker: InProcessBroker, topic: str) -> list[str]:
    """Ids and names of what is on a topic, in order of the partition."""
    found = [read_event(record) for record in broker.records(topic)]
    return [f"{one.payload.event_name} {one.message.envelope.id}" for one in found if one is not None]


async def watched(cut_at: int) -> list[str]:
    """What is told of the call when its worker is replaced after so many events."""
    broker, stage = InProcessBroker(), named("compliance", Lane.LIVE)
    events = [live_inbound(event, offset, at_s=offset) for offset, event in enumerate(CALL)]
    for part in (events[:cut_at], events[cut_at:]):
        async with working(broker, stage, compliance.build(scenarios=shipped, default_scenario="telecom")):
            await publish(broker, transcripts(Lane.LIVE), part)
            async with asyncio.timeout(10):
                await broker.wait_idle([stage])
    return published(broker, SUGGESTIONS)


async def test_a_checklist_goes_on_where_another_worker_left_it() -> None:
    whole = await watched(len(CALL))
    assert [one.split()[0] for one in whole] == ["checklist.updated", "checklist.updated", "call.alert"]
    for cut_at in range(len(CALL)):
        assert await watched(cut_at) == whole


async def test_a_recap_is_published_for_the_call_that_begins() -> None:
    store, broker, stage = InMemoryStore(), InProcessBroker(), named("recap", Lane.LIVE)
    await build_index(store=store)(inbound(flow_state(insight("earlier"))))
    begun = CallStarted(call_id="now", call=FACTS.model_copy(update={"started_at": LIVE_START.replace(year=2027)}))
    async with working(broker, stage, recap.build(store=store)):
        await publish(broker, transcripts(Lane.LIVE), [inbound(begun), inbound(begun)])
        async with asyncio.timeout(10):
            await broker.wait_idle([stage])
    told = published(broker, SUGGESTIONS)
    assert [one.split()[0] for one in told] == ["call.recap", "call.recap"]
    assert len(set(told)) == 1


@asynccontextmanager
async def sending(
    broker: InProcessBroker, file: Path, receivers: dict[str, Peer], **chosen: Any
) -> AsyncIterator[None]:
    """The webhook stage with these receivers."""
    lines = (
        f'  - {{name: {name}, url: "{to.origin}", tenant: acme, events: [suggestion.created], secret: {SECRET}}}\n'
        for name, to in receivers.items()
    )
    await asyncio.to_thread(file.write_text, "webhooks:\n" + "".join(lines))
    settings = WebhooksSettings.model_validate({"file": file, "allow_private": True, "timeout_s": 2.0, **chosen})
    handler = webhooks.build(settings)
    async with working(broker, named("webhook", Lane.BATCH), handler):
        yield
    await handler.close()


def calls_sent(to: Peer) -> list[str]:
    return [json.loads(request.body)["subject"] for request in to.asked]


async def test_a_receiver_that_comes_back_gets_its_queue_and_nobody_waited_for_it(tmp_path: Path) -> None:
    broker, stage = InProcessBroker(), named("webhook", Lane.BATCH)
    calls = [f"c{number}" for number in range(30)]
    is_back, all_sent = asyncio.Event(), asyncio.Event()

    async def later(writer: asyncio.StreamWriter, number: int) -> None:
        await saying(200 if is_back.is_set() else 503)(writer, number)

    async def counting(writer: asyncio.StreamWriter, number: int) -> None:
        await saying(200)(writer, number)
        if number == len(calls):
            all_sent.set()

    async with peer(later) as late, peer(counting) as good:
        async with sending(broker, tmp_path / "w.yaml", {"late": late, "good": good}):
            await publish(broker, SUGGESTIONS, [inbound(suggestion(call)) for call in calls])
            async with asyncio.timeout(20):
                await all_sent.wait()
                assert len(late.asked) < len(calls)  # it is left alone after those that were under way
                is_back.set()
                await broker.wait_idle([stage])
        assert sorted(calls_sent(good)) == sorted(calls)
        assert set(calls_sent(late)) == set(calls)
    assert broker.records(stage.dead_letters(WEBHOOKS)) == []


async def test_what_a_receiver_never_takes_is_a_dead_letter_of_its_queue(tmp_path: Path) -> None:
    broker, stage = InProcessBroker(), named("webhook", Lane.BATCH)
    async with peer(saying(422)) as bad, peer(saying(200)) as good:
        async with sending(broker, tmp_path / "w.yaml", {"bad": bad, "good": good}):
            await publish(broker, SUGGESTIONS, [inbound(suggestion(call)) for call in ("c1", "c2")])
            async with asyncio.timeout(20):
                await broker.wait_idle([stage])
        assert sorted(calls_sent(good)) == ["c1", "c2"]
    dead = broker.records(stage.dead_letters(WEBHOOKS))
    assert len(dead) == 2
    assert {dict(record.headers)["dlq.error.message"] for record in dead} == {b"receiver bad answered 422"}
    assert broker.records(stage.dead_letters(SUGGESTIONS)) == []
