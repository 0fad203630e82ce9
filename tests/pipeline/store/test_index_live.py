from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from live_events import said
from mined_calls import (
    CANCEL,
    FACTS,
    START,
    TENANT,
    TURNS,
    WORRIED,
    failed,
    flow_state,
    inbound,
    insight,
    outcome,
    suggestion,
    transcript,
)

from pipeline.flow.path import path_of
from pipeline.handling import Handler
from pipeline.ports import Hit, Point, VectorStore, Where
from pipeline.store.collections import CALLS, COLLECTIONS, INTENTS, SUGGESTIONS, UTTERANCES
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from schemas.call import CallEnded, CallStarted, CallUpdated
from schemas.flow import FlowState
from schemas.insight import CallInsight, Extractor, Intent, IntentExtracted, Provenance
from schemas.transcript import ConversationMessage, TranscriptCompleted, TranscriptGap
from schemas.wire import CallEvent, CallFacts, Lane, Role

places = pytest.mark.parametrize(
    "store", ["memory", "local", *(["server"] if os.environ.get("QDRANT_URL") else [])], indirect=True
)
Index = Callable[..., Awaitable[None]]
Stored = dict[str, Mapping[str, Any]]

MADE = Provenance(extractor=Extractor.LEXICAL, model="static", scenario="telecom", scenario_version=1)


@pytest.fixture
def index(store: VectorStore) -> Index:
    handler = build(store=store)

    async def send(*payloads: CallEvent, **envelope: Any) -> None:
        for payload in payloads:
            assert await handler(inbound(payload, **envelope)) == ()

    return send


async def stored(store: VectorStore, collection: str) -> list[Mapping[str, Any]]:
    hits, _ = await store.page(collection, Where(), 1_000)
    return [hit.payload for hit in hits]


async def everything(store: VectorStore) -> Stored:
    pages = [await store.page(collection.name, Where(), 1_000) for collection in COLLECTIONS]
    return {hit.id: hit.payload for hits, _ in pages for hit in hits}


async def the_call(store: VectorStore) -> Mapping[str, Any]:
    (payload,) = await stored(store, CALLS)
    return payload


async def texts(store: VectorStore) -> list[str]:
    return [point["text"] for point in sorted(await stored(store, UTTERANCES), key=lambda point: point["start_ms"])]


async def names(store: VectorStore) -> list[str]:
    return sorted(point["name"] for point in await stored(store, INTENTS))


def live_insight(*intents: Intent, revision: int = 1) -> CallInsight:
    return insight("c1", intents, revision=revision).model_copy(update={"lane": Lane.LIVE})


def heard(number: int, *intents: Intent, call: CallFacts = FACTS) -> IntentExtracted:
    spoken = said(number, " ".join(one.evidence[0].quote for one in intents)).segment
    return IntentExtracted(call_id="c1", call=call, language="en", segments=(spoken,), intents=intents, provenance=MADE)


def moved_on(words: IntentExtracted, *so_far: Intent) -> FlowState:
    return FlowState(call_id="c1", call=words.call, lane=Lane.LIVE, path=path_of(so_far), heard=words)


def chat(number: int, text: str, **changes: Any) -> ConversationMessage:
    usual = {"call_id": "c1", "message_id": f"m{number}", "role": Role.CUSTOMER}
    return ConversationMessage.model_validate(
        {**usual, "sent_at": START + timedelta(seconds=number), "text": text, **changes}
    )


@places
async def test_final_segments_become_points_and_partial_ones_do_not(store: VectorStore, index: Index) -> None:
    gap = TranscriptGap(call_id="c1", channel=0, start_ms=0, end_ms=9)
    await index(said(1, "hello", call=FACTS), said(2, "i am wor", call=FACTS, final=False), gap)
    (point,) = await stored(store, UTTERANCES)
    assert (point["text"], point["lane"], point["revision"], point["segment_id"]) == ("hello", "live", 1, "s1")
    assert (point["agent"], point["started_at"]) == ("ann", "2026-03-02T09:30:00+00:00")


@places
async def test_of_a_segment_the_highest_revision_stays(store: VectorStore, index: Index) -> None:
    await index(said(1, "two", revision=2), said(1, "one"), said(2, "gone"), said(2, " ", revision=2))
    assert await texts(store) == ["two"]


@places
async def test_a_call_is_there_from_its_first_event_on_and_says_that_it_goes_on(
    store: VectorStore, index: Index
) -> None:
    await index(CallStarted(call_id="c1", call=FACTS))
    call = await the_call(store)
    assert (call["lane"], call["live"], call["agent"], call["text"]) == ("live", True, "ann", "")
    await index(CallUpdated(call_id="c1", call=CallFacts(agent="bob")), CallEnded(call_id="c1"))
    call = await the_call(store)
    assert (call["live"], call["agent"], call["team"]) == (False, "bob", "north")


@places
async def test_messages_count_from_the_first_where_nobody_told_the_start(store: VectorStore, index: Index) -> None:
    await index(chat(60, "hello"), chat(62, "i cancel"), at=START + timedelta(hours=1))
    points = sorted(await stored(store, UTTERANCES), key=lambda point: point["start_ms"])
    assert [point["start_ms"] for point in points] == [0, 2_000]
    assert {point["started_at"] for point in (*points, await the_call(store))} == {"2026-03-02T09:31:00+00:00"}


@places
async def test_all_points_of_a_live_call_count_from_the_start_that_was_told_first(
    store: VectorStore, index: Index
) -> None:
    nothing, whole = CallFacts(), live_insight(CANCEL).model_copy(update={"call": CallFacts()})
    await index(CallStarted(call_id="c1"))
    words = heard(1, WORRIED, call=nothing)
    later = START + timedelta(minutes=5)
    await index(said(1, "hello", call=nothing), words, moved_on(words, WORRIED), at=later)
    points = (*await stored(store, UTTERANCES), *await stored(store, INTENTS), await the_call(store))
    assert {(point["started_at"], point["started_ts"]) for point in points} == {(START.isoformat(), START.timestamp())}
    await index(whole, flow_state(whole), at=later)
    points = (*await stored(store, UTTERANCES), *await stored(store, INTENTS), await the_call(store))
    assert {point["started_at"] for point in points} == {START.isoformat()}


@places
async def test_a_number_in_pieces_is_masked_in_the_pieces_before_too(store: VectorStore, index: Index) -> None:
    await index(said(1, "my card is 4111"), said(2, "1111 1111 1111"), said(30, "in 2025"))
    assert await texts(store) == ["my card is [CARD]", "[CARD]", "in 2025"]
    (first,) = [point for point in await stored(store, UTTERANCES) if point["segment_id"] == "s1"]
    assert (first["start_ms"], first["segment_revision"]) == (5_000, 1)


@places
async def test_what_was_found_in_a_segment_replaces_what_was_found_in_it_before(
    store: VectorStore, index: Index
) -> None:
    await index(heard(1, WORRIED), heard(3, CANCEL))
    assert await names(store) == ["cancel_contract", "price_concern"]
    (point,) = [point for point in await stored(store, INTENTS) if point["name"] == "price_concern"]
    assert (point["lane"], point["quote"], point["extractor"]) == ("live", "worried about the price", "lexical")
    await index(heard(1))
    assert await names(store) == ["cancel_contract"]


@places
async def test_a_flow_state_tells_what_was_said_so_far(store: VectorStore, index: Index) -> None:
    await index(CallStarted(call_id="c1", call=FACTS), moved_on(heard(3, CANCEL), WORRIED, CANCEL))
    call = await the_call(store)
    assert (call["live"], call["path"], call["intents"]) == (True, ["price_concern", "cancel_contract"], call["path"])
    assert (call["topics"], call["text"]) == (["price"], "price concern cancel contract")
    assert "summary" not in call
    assert "outcome_inferred" not in call


@places
async def test_the_insight_replaces_what_was_found_as_the_call_went_on(store: VectorStore, index: Index) -> None:
    whole = live_insight(CANCEL)
    await index(heard(1, WORRIED), moved_on(heard(1, WORRIED), WORRIED), whole, flow_state(whole))
    assert await names(store) == ["cancel_contract"]
    call = await the_call(store)
    assert (call["summary"], call["outcome_inferred"]) == ("The customer worries and cancels.", "cancelled")
    assert "live" not in call
    before = await everything(store)
    await index(heard(1, WORRIED), moved_on(heard(1, WORRIED), WORRIED), CallEnded(call_id="c1"))
    assert await everything(store) == before


@places
async def test_in_the_live_lane_the_higher_revision_stays(store: VectorStore, index: Index) -> None:
    first, second = live_insight(WORRIED), live_insight(CANCEL, revision=2)
    await index(first, flow_state(first), second, flow_state(second), first, flow_state(first))
    assert await names(store) == ["cancel_contract"]
    assert (await the_call(store))["revision"] == 2


LIVE: Sequence[CallEvent] = (
    CallStarted(call_id="c1", call=FACTS),
    said(1, "i am worried about the price", call=FACTS),
    chat(9, "hello", call=FACTS),
    heard(1, WORRIED),
    moved_on(heard(1, WORRIED), WORRIED),
    CallEnded(call_id="c1"),
    live_insight(WORRIED, revision=2),
    flow_state(live_insight(WORRIED, revision=2)),
)
BATCH: Sequence[CallEvent] = (transcript("c1"), insight("c1"), flow_state(insight("c1")))


async def of_the_recording_alone() -> Stored:
    store = InMemoryStore()
    handler = build(store=store)
    for event in BATCH:
        await handler(inbound(event))
    return await everything(store)


@places
async def test_the_recordings_results_take_all_live_ones_away(store: VectorStore, index: Index) -> None:
    await index(*LIVE, suggestion("c1", lane=Lane.LIVE))
    await index(*BATCH)
    assert [point["lane"] for point in await stored(store, SUGGESTIONS)] == ["live"]
    await store.remove(SUGGESTIONS, Where(equal={"tenant_id": TENANT}))
    assert await everything(store) == await of_the_recording_alone()


@places
async def test_live_results_after_the_recordings_are_left_out(store: VectorStore, index: Index) -> None:
    await index(BATCH[0], said(1, "late", call=FACTS))
    assert await texts(store) == [text for _, text in TURNS]
    await index(*BATCH[1:], *LIVE)
    assert await everything(store) == await of_the_recording_alone()


@places
async def test_a_silent_recording_takes_live_words_away_too(store: VectorStore, index: Index) -> None:
    silent = insight("c1", ())
    await index(transcript("c1", ()), *LIVE, silent, flow_state(silent), *LIVE)
    assert await stored(store, UTTERANCES) == []
    assert await stored(store, INTENTS) == []
    assert (await the_call(store))["lane"] == "batch"


@places
async def test_without_consent_no_words_are_stored_and_those_that_are_go(store: VectorStore, index: Index) -> None:
    await index(said(1, "hello", call=FACTS), heard(1, WORRIED), moved_on(heard(1, WORRIED), WORRIED))
    await index(CallUpdated(call_id="c1", call=CallFacts(consent=False)))
    on_their_way = (said(2, "late", call=FACTS), heard(2, WORRIED), moved_on(heard(2, WORRIED), WORRIED))
    await index(*on_their_way, chat(3, "late too", call=CallFacts(consent=False)))
    assert await stored(store, UTTERANCES) == []
    assert await stored(store, INTENTS) == []
    call = await the_call(store)
    assert (call["consent"], call["text"], "path" in call) == (False, "", False)
    await index(CallUpdated(call_id="c1", call=CallFacts(consent=True)), said(4, "welcome back"))
    assert await texts(store) == ["welcome back"]


@places
async def test_what_was_observed_and_what_failed_stays_while_a_call_goes_on(store: VectorStore, index: Index) -> None:
    await index(outcome("c1"), said(1, "hello", call=FACTS), failed("c1", "extract"))
    await index(moved_on(heard(1, WORRIED), WORRIED), CallUpdated(call_id="c1", call=CallFacts(team="south")))
    call = await the_call(store)
    assert (call["outcome_observed"], call["failed_stage"], call["team"]) == ("sale_closed", "extract", "south")
    whole, again = live_insight(WORRIED), live_insight(WORRIED, revision=2)
    await index(flow_state(whole))
    assert (await the_call(store))["failed_stage"] == "extract"
    await index(flow_state(again))
    call = await the_call(store)
    assert (call["outcome_observed"], "failed_stage" in call) == ("sale_closed", False)


@places
async def test_the_same_live_events_again_give_the_same_points(store: VectorStore, index: Index) -> None:
    for number in range(1, len(LIVE) + 1):
        await index(*LIVE[:number])
        before = await everything(store)
        await index(LIVE[number - 1], LIVE[number - 1])
        assert await everything(store) == before


class Overtaken(InMemoryStore):
    """Between what a live result looks at and what it writes, all of the recording's results come."""

    def __init__(self) -> None:
        super().__init__()
        self.overtakes = False

    async def put(self, collection: str, points: Sequence[Point], *, over: Where | None = None) -> None:
        if self.overtakes and collection in {UTTERANCES, INTENTS}:
            self.overtakes = False
            handler = build(store=self)
            for event in BATCH:
                await handler(inbound(event))
        await super().put(collection, points, over=over)


@pytest.mark.parametrize("late", [said(1, "late", call=FACTS), heard(1, WORRIED), live_insight(WORRIED, revision=2)])
async def test_a_live_result_that_the_recordings_overtake_is_taken_away(late: CallEvent) -> None:
    store = Overtaken()
    handler = build(store=store)
    await handler(inbound(LIVE[0]))
    store.overtakes = True
    await handler(inbound(late))
    assert await everything(store) == await of_the_recording_alone()


class Interleaved(InMemoryStore):
    """Every request takes its time, so that those of other workers come in between."""

    def __init__(self, turns: random.Random) -> None:
        super().__init__()
        self._turns = turns

    async def put(self, collection: str, points: Sequence[Point], *, over: Where | None = None) -> None:
        await self._wait()
        await super().put(collection, points, over=over)
        await self._wait()

    async def get(self, collection: str, ids: Sequence[str]) -> list[Hit]:
        await self._wait()
        found = await super().get(collection, ids)
        await self._wait()
        return found

    async def remove(self, collection: str, where: Where, *, keep: Sequence[str] = ()) -> None:
        await self._wait()
        await super().remove(collection, where, keep=keep)
        await self._wait()

    async def count(self, collection: str, where: Where) -> int:
        await self._wait()
        count = await super().count(collection, where)
        await self._wait()
        return count

    async def _wait(self) -> None:
        for _ in range(self._turns.randrange(4)):
            await asyncio.sleep(0)


async def all_of(handler: Handler, events: Sequence[CallEvent], turns: random.Random) -> None:
    for event in events:
        for _ in range(turns.randrange(20)):
            await asyncio.sleep(0)
        await handler(inbound(event))


@pytest.mark.parametrize("seed", range(150))
async def test_workers_of_both_lanes_at_once_leave_the_recordings_results_alone(seed: int) -> None:
    turns = random.Random(seed)
    store = Interleaved(turns)
    handler = build(store=store)
    observed, flows = outcome("c1"), [event for event in LIVE if isinstance(event, FlowState)]
    words = [event for event in LIVE if not isinstance(event, FlowState)]
    lanes = (words, flows, BATCH[:2], [*BATCH[2:], observed])
    await asyncio.gather(*(all_of(handler, events, turns) for events in lanes))
    left = await stored(store, UTTERANCES) + await stored(store, INTENTS)
    assert {point["lane"] for point in left} == {"batch"}
    call = await the_call(store)
    assert (call["lane"], call["outcome_observed"], call["summary"]) == (
        "batch",
        "sale_closed",
        "The customer worries and cancels.",
    )


@places
async def test_a_piece_of_a_call_that_came_as_a_whole_adds_nothing(store: VectorStore, index: Index) -> None:
    whole = TranscriptCompleted.model_validate({**transcript("c1").model_dump(), "lane": Lane.LIVE})
    await index(whole, said(1, "a piece", call=FACTS))
    assert await texts(store) == [text for _, text in TURNS]
