from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from mined_calls import (
    CANCEL,
    START,
    TENANT,
    TURNS,
    WORRIED,
    failed,
    feedback,
    flow_state,
    inbound,
    insight,
    outcome,
    suggestion,
    transcript,
    withdrawn,
)

from pipeline.ports import VectorStore, Where
from pipeline.store.collections import CALLS, COLLECTIONS, INTENTS, SUGGESTIONS, UTTERANCES
from pipeline.store.points import utterance_point_id
from pipeline.store.stage import build
from schemas.call import CallEnded, OutcomeResult
from schemas.suggestion import FeedbackKind
from schemas.wire import CallEvent, CallFacts, Lane

pytestmark = pytest.mark.parametrize(
    "store", ["memory", "local", *(["server"] if os.environ.get("QDRANT_URL") else [])], indirect=True
)

Index = Callable[..., Awaitable[None]]


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


async def everything(store: VectorStore) -> dict[str, Mapping[str, Any]]:
    pages = [await store.page(collection.name, Where(), 1_000) for collection in COLLECTIONS]
    return {hit.id: hit.payload for hits, _ in pages for hit in hits}


async def the_call(store: VectorStore) -> Mapping[str, Any]:
    (payload,) = await stored(store, CALLS)
    return payload


async def test_a_transcript_becomes_one_point_an_utterance(store: VectorStore, index: Index) -> None:
    await index(transcript("k1"))
    utterances = sorted(await stored(store, UTTERANCES), key=lambda point: point["start_ms"])
    assert [point["text"] for point in utterances] == [text for _, text in TURNS]
    assert utterances[1] == {
        "tenant_id": TENANT,
        "call_id": "k1",
        "revision": 1,
        "lane": "batch",
        "scenario": "telecom",
        "language": "en",
        "agent": "ann",
        "team": "north",
        "customer_id": "c-1",
        "started_at": "2026-03-02T09:30:00+00:00",
        "started_ts": int(START.timestamp()),
        "started_day": "2026-03-02",
        "started_week": "2026-W10",
        "started_month": "2026-03",
        "utterance_id": utterance_point_id(TENANT, "k1", "s1"),
        "segment_id": "s1",
        "role": "customer",
        "channel": 0,
        "start_ms": 5_000,
        "end_ms": 9_000,
        "text": TURNS[1][1],
    }


async def test_a_call_whose_start_nobody_told_counts_from_its_event(store: VectorStore, index: Index) -> None:
    await index(transcript("k1", facts=CallFacts()), at=START + timedelta(hours=1))
    assert {point["started_at"] for point in await stored(store, UTTERANCES)} == {"2026-03-02T10:30:00+00:00"}


async def test_an_insight_becomes_one_point_an_intent_with_its_words(store: VectorStore, index: Index) -> None:
    await index(insight("k1"))
    by_name = {point["name"]: point for point in await stored(store, INTENTS)}
    assert set(by_name) == {"price_concern", "cancel_contract"}
    worried = by_name["price_concern"]
    assert (worried["quote"], worried["segment_id"], worried["start_ms"]) == ("worried about the price", "s1", 5_000)
    assert (worried["extractor"], worried["outcome_inferred_result"]) == ("lexical", "lost")


async def test_a_flow_state_becomes_the_calls_one_point(store: VectorStore, index: Index) -> None:
    await index(flow_state(insight("k1")))
    call = await the_call(store)
    assert call["intents"] == ["price_concern", "cancel_contract"]
    assert call["path"] == ["price_concern", "cancel_contract"]
    assert call["compliance"] == ["recording_notice"]
    assert (call["outcome_inferred"], call["outcome_inferred_result"]) == ("cancelled", "lost")
    assert "price concern" in call["text"]
    assert "outcome_observed" not in call


async def test_the_same_events_again_give_the_same_points(store: VectorStore, index: Index) -> None:
    mined = insight("k1")
    events = (transcript("k1"), mined, flow_state(mined), suggestion("k1"), outcome("k1"), failed("k1", "suggest"))
    await index(*events)
    first = await everything(store)
    await index(*events)
    for event in events:
        await index(event, event)
    assert await everything(store) == first


async def test_a_newer_revision_takes_the_older_ones_points_away(store: VectorStore, index: Index) -> None:
    await index(transcript("k1"), insight("k1"), transcript("other"))
    await index(transcript("k1", TURNS[:2], revision=2), insight("k1", (CANCEL,), revision=2))
    utterances = await stored(store, UTTERANCES)
    assert sorted((point["call_id"], point["revision"]) for point in utterances) == [("k1", 2)] * 2 + [("other", 1)] * 4
    assert [(point["name"], point["revision"]) for point in await stored(store, INTENTS)] == [("cancel_contract", 2)]


async def test_the_same_revision_again_drops_what_it_no_longer_contains(store: VectorStore, index: Index) -> None:
    await index(insight("k1"))
    await index(insight("k1", (WORRIED,)))
    assert [point["name"] for point in await stored(store, INTENTS)] == ["price_concern"]


async def test_a_result_older_than_what_is_stored_is_left_out(store: VectorStore, index: Index) -> None:
    newer = insight("k1", (CANCEL,), revision=2)
    await index(transcript("k1", TURNS[:1], revision=2), newer, flow_state(newer))
    before = await everything(store)
    older = insight("k1", revision=1)
    await index(transcript("k1"), older, flow_state(older))
    assert await everything(store) == before


async def test_a_newer_silent_revision_is_not_filled_again_by_an_older_one(store: VectorStore, index: Index) -> None:
    silent = insight("k1", (), revision=2)
    await index(transcript("k1"), transcript("k1", (), revision=2), silent, flow_state(silent))
    await index(transcript("k1"), insight("k1"))
    assert await stored(store, UTTERANCES) == []
    assert await stored(store, INTENTS) == []


async def test_calls_of_the_same_id_in_two_tenants_stay_apart(store: VectorStore, index: Index) -> None:
    await index(transcript("k1"), flow_state(insight("k1")))
    await index(transcript("k1", TURNS[:1], revision=2), flow_state(insight("k1", revision=2)), tenant="rival")
    assert await store.count(UTTERANCES, Where(equal={"tenant_id": TENANT})) == 4
    assert await store.count(UTTERANCES, Where(equal={"tenant_id": "rival"})) == 1
    assert await store.count(CALLS, Where()) == 2


async def test_what_was_observed_stays_beside_what_is_inferred(store: VectorStore, index: Index) -> None:
    await index(outcome("k1"))
    bare = await the_call(store)
    assert (bare["call_id"], bare["outcome_observed"]) == ("k1", "sale_closed")
    await index(flow_state(insight("k1")))
    call = await the_call(store)
    assert (call["outcome_observed_result"], call["outcome_observed_by"]) == ("won", "crm")
    assert call["outcome_inferred_result"] == "lost"


async def test_of_two_observed_outcomes_the_later_one_counts(store: VectorStore, index: Index) -> None:
    later = outcome("k1", "returned", OutcomeResult.LOST, at=START + timedelta(days=3))
    await index(later, outcome("k1"))
    assert (await the_call(store))["outcome_observed"] == "returned"


async def test_a_failure_is_told_on_the_call_and_ended_by_its_success(store: VectorStore, index: Index) -> None:
    await index(failed("k1"))
    call = await the_call(store)
    assert (call["failed_stage"], call["failed_reason"]) == ("asr", "the file is not audio")
    assert call["failed_at"] == "2026-03-02T09:30:00+00:00"
    await index(flow_state(insight("k1")))
    assert not [name for name in await the_call(store) if name.startswith("failed")]


async def test_a_failure_after_the_flow_is_not_ended_by_the_flow(store: VectorStore, index: Index) -> None:
    state = flow_state(insight("k1"))
    await index(failed("k1", "suggest"), state, state)
    assert (await the_call(store))["failed_stage"] == "suggest"
    await index(flow_state(insight("k1", revision=2)))
    assert "failed_stage" not in await the_call(store)


async def test_feedback_and_withdrawal_stand_on_the_suggestion_in_any_order(store: VectorStore, index: Index) -> None:
    await index(feedback("k1", FeedbackKind.ACCEPTED, at=START + timedelta(seconds=9)))
    await index(suggestion("k1"), withdrawn("k1"), feedback("k1", FeedbackKind.SHOWN))
    (point,) = await stored(store, SUGGESTIONS)
    assert (point["feedback"], point["feedback_agent"]) == ("accepted", "ann")
    assert point["withdrawn_reason"] == "the customer agreed"
    assert point["title"] == "Offer the loyalty discount"


async def test_a_newer_revision_takes_old_batch_suggestions_away_and_keeps_live_ones(
    store: VectorStore, index: Index
) -> None:
    await index(suggestion("k1", "live", lane=Lane.LIVE), suggestion("k1", "old"), suggestion("k1", "new", revision=2))
    await index(suggestion("k1", "late"))
    assert {point["suggestion_id"] for point in await stored(store, SUGGESTIONS)} == {"live", "new"}


async def test_an_event_without_use_here_is_passed_over(store: VectorStore, index: Index) -> None:
    await index(CallEnded(call_id="k1"))
    assert await everything(store) == {}
