"""A card tried on a stored call fits where the stages would have shown it."""

from __future__ import annotations

from typing import Any

from mined_calls import FACTS, flow_state, inbound, insight, intent, transcript

from pipeline.scenarios.load import shipped
from pipeline.scenarios.model import Card
from pipeline.store.stage import build
from pipeline.suggest.known import of_whole
from pipeline.suggest.triggers import fire
from pipeline.testing import InMemoryStore
from pipeline.workbench.card_trial import TriedCard, try_card
from pipeline.workbench.stored_calls import newest_calls
from schemas.insight import CallInsight
from schemas.wire import Lane, Role

DEAR = intent("price_objection", 1, "the price of my plan")
STAYS = intent("agree_to_stay", 2, "offer you a discount", role=Role.AGENT)
LEAVES = intent("cancel_contract", 3, "cancel my contract")


def card(*lanes: Lane, text: str = "Ask.", **trigger: Any) -> Card:
    return Card.model_validate(
        {
            "id": "one",
            "title": "One",
            "text": text,
            "trigger": trigger,
            "lanes": lanes or (Lane.LIVE, Lane.BATCH),
            "priority": 50,
            "approved_by": "-",
            "valid_from": "2030-01-01",
        }
    )


async def tried(one: Card, found: CallInsight) -> TriedCard | None:
    store = InMemoryStore()
    handler = build(store=store)
    for event in (transcript("c1"), found, flow_state(found)):
        await handler(inbound(event))
    scenario = shipped("telecom")
    (call,) = (await newest_calls(store, "acme", scenario, "en", size=10)).calls
    return await try_card(store, "acme", call, one)


async def test_an_intent_fires_during_the_call_where_it_was_said() -> None:
    found = await tried(card(intent="cancel_contract"), insight("c1", (DEAR, LEAVES)))
    assert found is not None
    assert (found.lane, found.at_ms, found.quote, found.role) == (Lane.LIVE, 15_000, "cancel my contract", "customer")


async def test_what_is_settled_later_does_not_stop_a_card_while_the_call_goes_on() -> None:
    calls = insight("c1", (DEAR, STAYS))
    live = await tried(card(Lane.LIVE, intent="price_objection", unless_intent="agree_to_stay"), calls)
    assert live is not None
    assert await tried(card(Lane.BATCH, intent="price_objection", unless_intent="agree_to_stay"), calls) is None


async def test_what_is_known_at_the_end_fires_after_the_call_alone() -> None:
    calls = insight("c1", (DEAR,))
    assert await tried(card(Lane.LIVE, missing_phrase="recording_notice"), calls) is None
    found = await tried(card(missing_phrase="recording_notice"), calls)
    assert found is not None
    assert (found.lane, found.at_ms, found.quote) == (Lane.BATCH, 20_000, "")


async def test_a_stored_call_fires_as_its_insight_did() -> None:
    calls = insight("c1", (DEAR, STAYS, LEAVES))
    triggers: tuple[dict[str, Any], ...] = (
        {"intent": "price_objection"},
        {"topic": "price"},
        {"outcome": "cancelled"},
        {"sentiment": "neutral"},
        {"sentiment": "negative"},
        {"intent": "ask_price"},
        {"missing_phrase": "cooling_off"},
        {"intent": "cancel_contract", "outcome": "cancelled"},
    )
    for trigger in triggers:
        one = card(Lane.BATCH, **trigger)
        expected, found = fire(one, of_whole(calls), one.valid_from), await tried(one, calls)
        assert (found and found.at_ms) == (expected and expected.at_ms), trigger


async def test_a_text_whose_slots_nobody_named_cannot_be_shown() -> None:
    calls = insight("c1", (DEAR,))
    found = await tried(card(text="They named {competitor}.", intent="price_objection"), calls)
    assert found is not None
    assert found.text is None
    filled = await tried(card(text="They said {amount}.", intent="price_objection"), calls)
    assert filled is not None
    assert filled.text == "They said 30."


async def test_calls_of_other_tenants_scenarios_and_languages_are_left_out() -> None:
    store = InMemoryStore()
    handler = build(store=store)
    kinds: tuple[dict[str, str], ...] = ({}, {"scenario": "support"}, {"language": "zh"})
    for number, changed in enumerate(kinds):
        found = insight(f"c{number}", facts=FACTS.model_copy(update=changed))
        spoken = found.model_copy(update={"language": changed.get("language", "en")})
        for tenant in ("acme", "umbrella"):
            await handler(inbound(spoken, tenant=tenant))
            await handler(inbound(flow_state(spoken), tenant=tenant))
    found_slice = await newest_calls(store, "acme", shipped("telecom"), "en", size=10)
    assert [(call["tenant_id"], call["call_id"]) for call in found_slice.calls] == [("acme", "c0")]
