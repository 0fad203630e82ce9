"""The stages of the live lane one after the other: what one publishes is what the next one works with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from live_events import Scripted, inbound, payloads, run, said

from pipeline.extract.live import build as build_extract
from pipeline.flow.live import build as build_flow
from pipeline.handling import Inbound, Outbound, Position
from pipeline.ports import Where
from pipeline.scenarios.load import shipped
from pipeline.store.collections import COLLECTIONS
from pipeline.store.stage import build as build_index
from pipeline.suggest.live import build as build_suggest
from pipeline.testing import InMemoryStore
from schemas.call import CallEnded, CallStarted
from schemas.suggestion import SuggestionCreated, SuggestionWithdrawn
from schemas.wire import CallFacts, Role

CALL = (
    CallStarted(call_id="c1", call=CallFacts(agent="ann", language="en")),
    said(0, "good morning", Role.AGENT),
    said(1, "it is too expensive"),
    said(3, "well then i cancel"),
    said(2, "it is what it costs", Role.AGENT),
    said(4, "i can do ten dollars less", Role.AGENT),
    said(5, "fine then i stay"),
    CallEnded(call_id="c1", duration_ms=40_000),
    said(6, "no i cancel"),
)
EVENTS = [inbound(event, offset, at_s=offset * 5) for offset, event in enumerate(CALL)]

Points = dict[str, Mapping[str, Any]]


def handed_on(outputs: Iterable[Outbound], topic: str) -> list[Inbound]:
    """What the next stage reads."""
    mine = (output for output in outputs if output.topic == topic)
    return [Inbound(output.message, Position(topic, 0, offset)) for offset, output in enumerate(mine)]


async def heard(killed_at: Collection[int] = ()) -> tuple[list[Outbound], Points]:
    """What the desks are sent, and what is stored, of a call whose workers are killed at these events."""
    store = InMemoryStore()
    extract = build_extract(extractor=Scripted(), scenarios=shipped, default_scenario="telecom")
    found, _ = await run(extract, EVENTS, killed_at=killed_at)
    intents = handed_on(found, "calls.intents.live")
    moved, _ = await run(build_flow(), intents, killed_at=killed_at)
    flows = handed_on(moved, "calls.flow.live")
    advice, _ = await run(build_suggest(scenarios=shipped, store=store), flows, killed_at=killed_at)
    index = build_index(store=store)
    for event in (*EVENTS, *intents, *flows, *handed_on(advice, "sales.suggestions")):
        for _ in range(1 + (event.position.offset in killed_at)):
            await index(event)
    pages = [await store.page(collection.name, Where(), 1_000) for collection in COLLECTIONS]
    return advice, {hit.id: hit.payload for hits, _ in pages for hit in hits}


async def test_desks_are_told_while_the_call_is_on_and_the_store_has_all_of_it_in_the_end() -> None:
    advice, points = await heard()
    sent = payloads(advice)
    assert [one.card_id for one in sent if isinstance(one, SuggestionCreated)] == [
        "answer-price-objection",
        "answer-cancel-contract",
    ]
    assert [one.reason for one in sent if isinstance(one, SuggestionWithdrawn)] == [
        "another one takes its place: Find the reason, then respect the decision",
        "customer said: 'stay'",
    ]
    (call,) = [point for point in points.values() if "path" in point]
    assert call["path"] == ["price_objection", "cancel_contract", "agree_to_stay", "cancel_contract"]
    assert (call["lane"], call["revision"], "live" in call) == ("live", 2, False)
    assert len([point for point in points.values() if "utterance_id" in point]) == 7
    assert {point["revision"] for point in points.values() if "intent_id" in point} == {2}


@settings(max_examples=20)
@given(st.sets(st.integers(0, len(CALL))))
async def test_desks_and_store_have_the_same_however_often_workers_are_killed(killed_at: set[int]) -> None:
    assert await heard(killed_at) == await heard()
