# ruff: noqa: RUF001 - Chinese text has full-width marks
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.errors import Poison
from pipeline.handling import Inbound, Position
from pipeline.ids import stable_id
from pipeline.knowledge.scenario_pages import load_knowledge
from pipeline.scenarios.load import shipped
from pipeline.suggest.stage import build
from pipeline.suggest.track_record import TrackRecord, TrackRecords, nothing_known
from pipeline.testing import InMemoryStore
from schemas.call import OutcomeResult
from schemas.envelope import message
from schemas.flow import FlowPath, FlowState
from schemas.insight import (
    CallInsight,
    ComplianceHit,
    ComplianceKind,
    Entity,
    Evidence,
    Extractor,
    InferredOutcome,
    Intent,
    Provenance,
)
from schemas.suggestion import SuggestionCreated
from schemas.wire import Payload, Role

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def intent(name: str, start_ms: int, quote: str) -> Intent:
    said = Evidence(
        segment_id=f"s{start_ms}", role=Role.CUSTOMER, start_ms=start_ms, end_ms=start_ms + 900, quote=quote
    )
    return Intent(intent_id=f"i{start_ms}", name=name, role=Role.CUSTOMER, confidence=0.9, evidence=(said,))


def state(*intents: Intent, language: str = "en", scenario: str = "telecom", **rest: Any) -> FlowState:
    insight = CallInsight(
        call_id="c1",
        revision=3,
        language=language,
        duration_ms=60_000,
        intents=intents,
        provenance=Provenance(extractor=Extractor.LEXICAL, model="m", scenario=scenario, scenario_version=1),
        **rest,
    )
    return FlowState(call_id="c1", revision=3, lane=insight.lane, path=(), insight=insight)


def inbound(payload: Payload, at: datetime = AT) -> Inbound:
    event = message(payload, id="e1", source="/test", time=at, subject="c1", tenant_id="acme")
    return Inbound(event, Position("calls.flow.batch", 0, 7))


async def suggested(
    calls: FlowState, *, at: datetime = AT, store: InMemoryStore | None = None
) -> list[SuggestionCreated]:
    outputs = await build(scenarios=shipped, store=store or InMemoryStore())(inbound(calls, at))
    payloads = [output.message.payload for output in outputs]
    assert all(output.topic == "sales.suggestions" for output in outputs)
    assert len({output.message.envelope.id for output in outputs}) == len(outputs)
    return [payload for payload in payloads if isinstance(payload, SuggestionCreated)]


async def test_an_objection_brings_its_card_with_reason_evidence_and_times() -> None:
    objection = intent("price_objection", 8_000, "that is too much")
    (found,) = await suggested(state(objection))
    assert (found.card_id, found.at_ms, found.revision) == ("answer-price-objection", 8_000, 3)
    assert found.reason == "customer said: 'that is too much'"
    assert found.evidence == objection.evidence
    assert (found.created_at, found.expires_at) == (AT, AT + timedelta(days=7))
    assert found.suggestion_id == stable_id("suggestion", "acme", "c1", 3, "answer-price-objection")


async def test_a_chinese_call_gets_chinese_advice_and_reason() -> None:
    (found,) = await suggested(state(intent("price_objection", 8_000, "太贵了"), language="zh-CN"))
    assert found.reason == "客户说：“太贵了”"
    assert found.text.startswith("客户觉得太贵")


async def test_slots_are_filled_with_what_was_heard() -> None:
    said = Evidence(segment_id="s1", role=Role.CUSTOMER, start_ms=100, end_ms=900, quote="blue sky")
    heard = Entity(entity_id="e", name="competitor", value="blue sky", role=Role.CUSTOMER, evidence=(said,))
    offer = intent("competitor_offer", 100, "blue sky has it for less")
    (found,) = await suggested(state(offer, entities=(heard,)))
    assert found.text.startswith("The customer mentions blue sky. Ask")
    (without,) = await suggested(state(offer))
    assert without.text.startswith("Ask which data volume")


async def test_suggestions_come_in_order_of_time() -> None:
    outcome = InferredOutcome(name="bought", result=OutcomeResult.WON, reason="said so")
    missing = ComplianceHit(kind=ComplianceKind.MISSING_PHRASE, name="cooling_off")
    calls = state(
        intent("network_problem", 9_000, "it drops"),
        intent("price_objection", 2_000, "too much"),
        outcome_inferred=outcome,
        compliance=(missing,),
    )
    found = await suggested(calls)
    assert [(one.card_id, one.at_ms) for one in found] == [
        ("answer-price-objection", 2_000),
        ("answer-network-problem", 9_000),
        ("say-cooling-off", 60_000),
        ("follow-bought", 60_000),
    ]
    assert found[2].reason == "was not said: Fourteen days to withdraw"
    assert found[3].reason == "the call seems to have ended as: Bought"


async def test_cards_of_the_live_lane_are_not_suggested_for_a_recording() -> None:
    assert await suggested(state(intent("ask_price", 1_000, "how much is it"))) == []


async def test_a_card_is_not_suggested_before_it_is_valid() -> None:
    calls = state(intent("price_objection", 8_000, "too much"))
    assert await suggested(calls, at=datetime(2025, 12, 31, 23, 59, tzinfo=UTC)) == []


async def test_passages_back_a_suggestion_when_there_is_a_knowledge_base() -> None:
    store = InMemoryStore()
    await load_knowledge(store, shipped("telecom"), "acme")
    (found,) = await suggested(state(intent("price_objection", 8_000, "too much")), store=store)
    assert len(found.passages) == 2
    assert all(passage.source.startswith("telecom/en/") for passage in found.passages)


async def test_where_more_cards_fit_than_are_shown_the_record_decides_which() -> None:
    names = ("price_objection", "competitor_offer", "cancel_contract", "network_problem", "billing_problem")
    whole = state(
        *(intent(name, 1_000 * number, "words") for number, name in enumerate(names)),
        compliance=(ComplianceHit(kind=ComplianceKind.MISSING_PHRASE, name="recording_notice"),),
    )

    def bad(tenant_id: str, scenario: str, language: str, card_id: str) -> TrackRecord:
        assert (tenant_id, scenario, language) == ("acme", "telecom", "en")
        taken = 0 if card_id == "answer-competitor-offer" else 90
        return TrackRecord(shown=100, accepted=taken, dismissed=100 - taken)

    async def shown(records: TrackRecords) -> set[str]:
        outputs = await build(scenarios=shipped, store=InMemoryStore(), records=records)(inbound(whole))
        found = [output.message.payload for output in outputs]
        return {one.card_id for one in found if isinstance(one, SuggestionCreated)}

    usual, ranked = await shown(nothing_known), await shown(bad)
    assert usual - ranked == {"answer-competitor-offer"}
    assert ranked - usual == {"answer-price-objection"}


async def test_the_same_state_again_gives_the_same_events() -> None:
    handle = build(scenarios=shipped, store=InMemoryStore())
    event = inbound(state(intent("price_objection", 8_000, "too much"), intent("network_problem", 9_000, "drops")))
    first = await handle(event)
    assert len(first) == 2
    assert await handle(event) == first


async def test_a_quote_of_many_lines_is_one_short_line() -> None:
    (found,) = await suggested(state(intent("price_objection", 8_000, "too\nmuch " + "really " * 50)))
    assert "\n" not in found.reason
    assert len(found.reason) < 150


async def test_an_unknown_scenario_is_poison_with_a_reason() -> None:
    with pytest.raises(Poison, match="call c1: no scenario 'bank'; there are collections, insurance, support, telecom"):
        await suggested(state(scenario="bank"))


async def test_other_payloads_are_passed_over() -> None:
    path = FlowPath(call_id="c1", scenario="telecom", steps=(), duration_ms=0)
    assert await build(scenarios=shipped, store=InMemoryStore())(inbound(path)) == ()
