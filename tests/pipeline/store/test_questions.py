from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from mined_calls import (
    CANCEL,
    FACTS,
    START,
    TENANT,
    WORRIED,
    failed,
    flow_state,
    inbound,
    insight,
    outcome,
    suggestion,
    transcript,
)

from pipeline.ports import VectorStore
from pipeline.store import narrowing, questions
from pipeline.store.narrowing import Asked, TooWide, Unknown
from pipeline.store.stage import build
from schemas.call import OutcomeResult
from schemas.insight import Intent

pytestmark = pytest.mark.parametrize(
    "store", ["memory", "local", *(["server"] if os.environ.get("QDRANT_URL") else [])], indirect=True
)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
WON = OutcomeResult.WON


@pytest.fixture
async def mined(store: VectorStore) -> VectorStore:
    """Two calls: k1, lost, with both intents; k2, begun later, seems won, with one; of k2 the CRM says lost."""
    later = FACTS.model_copy(update={"started_at": START + timedelta(days=5)})
    handler = build(store=store)
    for call_id, intents, result, facts in (
        ("k1", (WORRIED, CANCEL), OutcomeResult.LOST, FACTS),
        ("k2", (WORRIED,), WON, later),
    ):
        found: tuple[Intent, ...] = intents
        what = insight(call_id, found, result=result, facts=facts)
        for event in (transcript(call_id, facts=facts), what, flow_state(what), suggestion(call_id)):
            await handler(inbound(event))
    await handler(inbound(outcome("k2", "withdrawn", OutcomeResult.LOST)))
    return store


async def searched(store: VectorStore, **asked: object) -> set[tuple[str, str]]:
    found = await questions.search(store, "price", Asked(**asked), tenant_id=TENANT, limit=20)  # type: ignore[arg-type]  # the options by name
    return {(item.call_id, item.segment_id) for item in found.items}


async def queried(store: VectorStore, **asked: object) -> set[tuple[str, str]]:
    found = await questions.query(store, Asked(**asked), tenant_id=TENANT, limit=20)  # type: ignore[arg-type]  # the options by name
    return {(item.call_id, item.name) for item in found.items}


async def test_a_search_puts_the_words_first_and_marks_them(mined: VectorStore) -> None:
    found = await questions.search(mined, "worried about prices", Asked(call_id="k1"), tenant_id=TENANT, limit=1)
    (item,) = found.items
    assert item.text == "I am worried about the price of my plan"
    assert [item.text[start:end] for start, end in item.highlights] == ["worried", "about", "price"]
    assert (item.start_ms, item.role, item.agent) == (5_000, "customer", "ann")


async def test_a_search_is_narrowed_by_what_is_asked(mined: VectorStore) -> None:
    assert await searched(mined, role="agent") == {("k1", "s0"), ("k1", "s2"), ("k2", "s0"), ("k2", "s2")}
    assert await searched(mined, intent="cancel_contract") == {("k1", "s3")}
    assert await searched(mined, role="customer", since=START + timedelta(days=1)) == {("k2", "s1"), ("k2", "s3")}
    assert {call for call, _ in await searched(mined, scenario="telecom")} == {"k1", "k2"}


async def test_inferred_and_observed_outcomes_are_never_mixed(mined: VectorStore) -> None:
    assert {call for call, _ in await searched(mined, outcome="lost")} == {"k1"}
    assert {call for call, _ in await searched(mined, outcome="lost", outcome_source="observed")} == {"k2"}
    assert {call for call, _ in await queried(mined, outcome="won")} == {"k2"}
    assert {call for call, _ in await queried(mined, outcome="withdrawn", outcome_source="observed")} == {"k2"}
    assert {call for call, _ in await queried(mined, outcome="sale_closed")} == {"k2"}


async def test_a_query_is_narrowed_by_what_is_asked(mined: VectorStore) -> None:
    assert await queried(mined, intent="price_concern") == {("k1", "price_concern"), ("k2", "price_concern")}
    assert await queried(mined, min_confidence=0.8, call_id="k1") == {("k1", "price_concern")}
    assert await queried(mined, topic="price", since=START + timedelta(days=1)) == {("k2", "price_concern")}


async def test_pages_of_a_query_hold_everything_once(mined: VectorStore) -> None:
    first = await questions.query(mined, Asked(), tenant_id=TENANT, limit=2)
    assert first.next is not None
    second = await questions.query(mined, Asked(), tenant_id=TENANT, limit=2, after=first.next)
    assert second.next is None
    names = sorted((item.call_id, item.name) for item in first.items + second.items)
    assert names == [("k1", "cancel_contract"), ("k1", "price_concern"), ("k2", "price_concern")]


async def test_an_unknown_intent_names_the_nearest_known(mined: VectorStore) -> None:
    for asking in (queried(mined, intent="price_concerns"), searched(mined, intent="price_concerns")):
        with pytest.raises(Unknown, match="no intent named 'price_concerns'") as caught:
            await asking
        assert (caught.value.hint or "").startswith("nearest: price_concern")


async def test_an_unknown_call_names_the_nearest_known(mined: VectorStore) -> None:
    with pytest.raises(Unknown, match="no call named 'k3'") as caught:
        await questions.show_call(mined, "k3", tenant_id=TENANT)
    assert set((caught.value.hint or "").removeprefix("nearest: ").split(", ")) == {"k1", "k2"}


async def test_an_empty_answer_says_which_filter_emptied_it(mined: VectorStore) -> None:
    asked = Asked(intent="cancel_contract", role="agent", topic="price")
    found = await questions.query(mined, asked, tenant_id=TENANT, limit=5)
    assert (found.items, found.emptied_by) == ((), "--role agent")
    late = Asked(role="agent", since=NOW)
    searched_late = await questions.search(mined, "price", late, tenant_id=TENANT, limit=5)
    assert searched_late.emptied_by == "--since 2026-03-10 12:00"


async def test_an_empty_store_blames_no_filter(store: VectorStore) -> None:
    found = await questions.query(store, Asked(intent="price_concern"), tenant_id=TENANT, limit=5)
    assert (found.items, found.emptied_by) == ((), None)


async def test_nothing_of_another_tenant_is_ever_answered(mined: VectorStore) -> None:
    assert (await questions.search(mined, "price", Asked(), tenant_id="rival", limit=5)).items == ()
    assert (await questions.query(mined, Asked(), tenant_id="rival", limit=5)).items == ()
    assert (await questions.list_calls(mined, tenant_id="rival")).items == ()
    with pytest.raises(Unknown):
        await questions.show_call(mined, "k1", tenant_id="rival")


async def test_a_filter_that_names_too_many_calls_is_refused(
    mined: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(narrowing, "_PAGE", 1)
    monkeypatch.setattr(narrowing, "_MOST_JOINED", 1)
    with pytest.raises(TooWide, match="--intent matches more than 1"):
        await searched(mined, intent="price_concern")


async def test_calls_are_listed_by_start_with_both_outcomes_apart(mined: VectorStore) -> None:
    await build(store=mined)(inbound(failed("k0"), at=START - timedelta(days=1)))
    rows = (await questions.list_calls(mined, tenant_id=TENANT)).items
    assert [row.call_id for row in rows] == ["k0", "k1", "k2"]
    assert rows[0].failed is not None
    assert rows[0].failed.reason == "the file is not audio"
    both = rows[2].outcome_inferred, rows[2].outcome_observed
    assert [one and (one.name, one.said_by) for one in both] == [("sale_closed", "lexical"), ("withdrawn", "crm")]


async def test_a_shown_call_has_turns_intents_compliance_and_suggestions(mined: VectorStore) -> None:
    view = await questions.show_call(mined, "k1", tenant_id=TENANT)
    assert [turn.start_ms for turn in view.turns] == [0, 5_000, 10_000, 15_000]
    assert [(one.name, one.quote) for one in view.intents] == [
        ("price_concern", "worried about the price"),
        ("cancel_contract", "cancel my contract"),
    ]
    assert [(one.kind, one.name, one.quotes) for one in view.compliance] == [("missing_phrase", "recording_notice", ())]
    assert [(one.at_ms, one.reason) for one in view.suggestions] == [(5_000, "the customer worries about the price")]
    assert view.row.outcome_observed is None
    assert view.facts["team"] == "north"


async def test_a_call_of_which_only_the_transcript_is_there_is_shown(store: VectorStore) -> None:
    await build(store=store)(inbound(transcript("k1")))
    view = await questions.show_call(store, "k1", tenant_id=TENANT)
    assert len(view.turns) == 4
    assert view.row.outcome_inferred is None
