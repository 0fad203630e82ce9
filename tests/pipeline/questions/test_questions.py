from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mined_calls import (
    CANCEL,
    FACTS,
    START,
    TENANT,
    WORRIED,
    failed,
    feedback,
    flow_state,
    inbound,
    insight,
    outcome,
    suggestion,
    transcript,
)

from pipeline.ports import VectorStore
from pipeline.questions import narrowing
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.condition import Condition, parse_condition
from pipeline.questions.fields import OutcomeSource
from pipeline.questions.narrowing import TooWide
from pipeline.questions.question import Query, Question, ReadTranscript, Search, ShowCall
from pipeline.store.known import Unknown
from pipeline.store.stage import build
from schemas.call import OutcomeResult
from schemas.insight import Intent
from schemas.suggestion import FeedbackKind

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


async def asked(store: VectorStore, question: Question, *, tenant: str = TENANT, agent: str | None = None) -> Any:
    return await StoredAnswers(store, Asker(tenant, agent), lambda: NOW).answer(question)


def where(*conditions: str) -> tuple[Condition, ...]:
    return tuple(map(parse_condition, conditions))


async def searched(store: VectorStore, *conditions: str, observed: bool = False) -> set[tuple[str, str]]:
    source: OutcomeSource = "observed" if observed else "inferred"
    found = await asked(store, Search(text="price", where=where(*conditions), outcomes=source))
    return {(item.call_id, item.segment_id) for item in found.items}


async def queried(store: VectorStore, *conditions: str, observed: bool = False) -> set[tuple[str, str]]:
    source: OutcomeSource = "observed" if observed else "inferred"
    found = await asked(store, Query(where=where(*conditions), outcomes=source))
    return {(item.call_id, item.name) for item in found.items}


async def calls(store: VectorStore, *conditions: str) -> list[str]:
    found = await asked(store, Query(of="calls", sort="-started", where=where(*conditions)))
    return [item.call_id for item in found.items]


async def test_a_search_puts_the_words_first_and_marks_them(mined: VectorStore) -> None:
    found = await asked(mined, Search(text="worried about prices", where=where("call=k1"), limit=1))
    (item,) = found.items
    assert item.text == "I am worried about the price of my plan"
    assert [item.text[start:end] for start, end in item.highlights] == ["worried", "about", "price"]
    assert (item.start_ms, item.role, item.agent) == (5_000, "customer", "ann")


async def test_a_search_is_narrowed_by_what_is_asked(mined: VectorStore) -> None:
    assert await searched(mined, "role=agent") == {("k1", "s0"), ("k1", "s2"), ("k2", "s0"), ("k2", "s2")}
    assert await searched(mined, "intent=cancel_contract") == {("k1", "s3")}
    assert await searched(mined, "role=customer", "started>=2026-03-03") == {("k2", "s1"), ("k2", "s3")}
    assert {call for call, _ in await searched(mined, "scenario=telecom")} == {"k1", "k2"}
    assert {call for call, _ in await searched(mined, "role!=agent", "intent!=cancel_contract")} == {"k1", "k2"}


async def test_inferred_and_observed_outcomes_are_never_mixed(mined: VectorStore) -> None:
    assert {call for call, _ in await searched(mined, "outcome=lost")} == {"k1"}
    assert {call for call, _ in await searched(mined, "outcome=lost", observed=True)} == {"k2"}
    assert {call for call, _ in await queried(mined, "outcome=won")} == {"k2"}
    assert {call for call, _ in await queried(mined, "outcome=withdrawn", observed=True)} == {"k2"}
    assert {call for call, _ in await queried(mined, "outcome=sale_closed")} == {"k2"}


async def test_a_query_is_narrowed_by_what_is_asked(mined: VectorStore) -> None:
    assert await queried(mined, "intent=price_concern") == {("k1", "price_concern"), ("k2", "price_concern")}
    assert await queried(mined, "confidence>=0.8", "call=k1") == {("k1", "price_concern")}
    assert await queried(mined, "topic=price", "started>=2026-03-03") == {("k2", "price_concern")}


async def test_conditions_on_intents_hold_of_one_and_the_same_intent(mined: VectorStore) -> None:
    assert await calls(mined, "intent=cancel_contract", "confidence<0.8") == ["k1"]
    assert await calls(mined, "intent=price_concern", "confidence<0.8") == []


async def test_a_condition_on_suggestions_narrows_calls_and_intents_by_their_calls(mined: VectorStore) -> None:
    await build(store=mined)(inbound(feedback("k1", FeedbackKind.ACCEPTED)))
    assert await calls(mined, "card=offer-discount") == ["k2", "k1"]
    assert await calls(mined, "feedback=accepted") == ["k1"]
    assert await queried(mined, "feedback=accepted") == {("k1", "price_concern"), ("k1", "cancel_contract")}


async def test_rows_come_in_the_order_that_is_asked_for_page_by_page(mined: VectorStore) -> None:
    first = await asked(mined, Query(of="calls", sort="-started", limit=1))
    second = await asked(mined, Query(of="calls", sort="-started", limit=1, after=first.next))
    assert [item.call_id for item in first.items + second.items] == ["k2", "k1"]


async def test_pages_of_a_query_hold_everything_once(mined: VectorStore) -> None:
    first = await asked(mined, Query(limit=2))
    assert first.next is not None
    second = await asked(mined, Query(limit=2, after=first.next))
    assert second.next is None
    names = sorted((item.call_id, item.name) for item in first.items + second.items)
    assert names == [("k1", "cancel_contract"), ("k1", "price_concern"), ("k2", "price_concern")]


async def test_an_unknown_intent_names_the_nearest_known(mined: VectorStore) -> None:
    for asking in (queried(mined, "intent=price_concerns"), searched(mined, "intent=price_concerns")):
        with pytest.raises(Unknown, match="no intent named 'price_concerns'") as caught:
            await asking
        assert (caught.value.hint or "").startswith("nearest: price_concern")


async def test_an_unknown_call_names_the_nearest_known(mined: VectorStore) -> None:
    with pytest.raises(Unknown, match="no call named 'k3'") as caught:
        await asked(mined, ShowCall(call="k3"))
    assert set((caught.value.hint or "").removeprefix("nearest: ").split(", ")) == {"k1", "k2"}


async def test_an_empty_answer_says_which_condition_emptied_it(mined: VectorStore) -> None:
    found = await asked(mined, Query(where=where("intent=cancel_contract", "role=agent", "topic=price")))
    assert (found.items, found.emptied_by) == ((), "role=agent")
    late = await asked(mined, Search(text="price", where=where("role=agent", "started>=0d")))
    assert late.emptied_by == "started>=0d"


async def test_an_empty_store_blames_no_condition(store: VectorStore) -> None:
    found = await asked(store, Query(where=where("intent=price_concern")))
    assert (found.items, found.emptied_by) == ((), None)


async def test_nothing_of_another_tenant_is_ever_answered(mined: VectorStore) -> None:
    for question in (Search(text="price"), Query(), Query(of="calls")):
        assert (await asked(mined, question, tenant="rival")).items == ()
    with pytest.raises(Unknown):
        await asked(mined, ShowCall(call="k1"), tenant="rival")


async def test_an_agent_is_answered_of_calls_of_their_own_alone(mined: VectorStore) -> None:
    assert (await asked(mined, Search(text="price"), agent="ann")).items
    assert (await asked(mined, Search(text="price"), agent="bob")).items == ()
    for question in (ShowCall(call="k1"), ReadTranscript(call="k1")):
        with pytest.raises(Unknown) as caught:
            await asked(mined, question, agent="bob")
        assert "k1" not in (caught.value.hint or "")


async def test_a_condition_that_names_too_many_calls_is_refused(
    mined: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(narrowing, "_MOST_JOINED", 1)
    with pytest.raises(TooWide, match="intent=price_concern matches more than 1"):
        await searched(mined, "intent=price_concern")


async def test_calls_are_listed_by_start_with_both_outcomes_apart(mined: VectorStore) -> None:
    await build(store=mined)(inbound(failed("k0"), at=START - timedelta(days=1)))
    rows = (await asked(mined, Query(of="calls", sort="started"))).items
    assert [row.call_id for row in rows] == ["k0", "k1", "k2"]
    assert rows[0].failed is not None
    assert rows[0].failed.reason == "the file is not audio"
    both = rows[2].outcome_inferred, rows[2].outcome_observed
    assert [one and (one.name, one.said_by) for one in both] == [("sale_closed", "lexical"), ("withdrawn", "crm")]


async def test_a_shown_call_has_turns_intents_compliance_and_suggestions(mined: VectorStore) -> None:
    view = await asked(mined, ShowCall(call="k1"))
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
    view = await asked(store, ShowCall(call="k1"))
    assert len(view.turns) == 4
    assert view.row.outcome_inferred is None
