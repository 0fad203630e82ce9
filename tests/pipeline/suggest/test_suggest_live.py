from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_events import START, inbound, payloads, run, run_in_memory
from suggest_events import cards, event, events, heard, published, whole

from pipeline.errors import Poison
from pipeline.knowledge.scenario_pages import load_knowledge
from pipeline.scenarios.load import shipped
from pipeline.suggest.live import LiveAdvice, build
from pipeline.suggest.policy import MOST_OF_A_CALL
from pipeline.suggest.stage import build as build_whole
from pipeline.testing import InMemoryStore
from schemas.call import CallEnded
from schemas.flow import FlowState
from schemas.insight import CallInsight
from schemas.suggestion import SuggestionCreated, SuggestionWithdrawn
from schemas.wire import Lane


async def test_an_objection_brings_its_card_while_the_call_is_on() -> None:
    (found,) = await published(heard(1, "price_objection"))
    assert isinstance(found, SuggestionCreated)
    assert (found.card_id, found.lane, found.at_ms) == ("answer-price-objection", Lane.LIVE, 5_000)
    assert found.reason == "customer said: 'price_objection'"
    assert (found.created_at, found.expires_at) == (START + timedelta(seconds=10), START + timedelta(seconds=55))
    assert found.call.agent == "ann"


async def test_cards_of_recordings_alone_and_of_what_the_end_shows_do_not_come_live() -> None:
    assert await published(heard(1, "agree_to_buy"), heard(2, "refuse_offer")) == []


async def test_a_card_is_shown_once_a_call() -> None:
    assert cards(await published(heard(1, "price_objection"), heard(40, "price_objection"))) == [
        "answer-price-objection"
    ]


async def test_slots_are_filled_with_what_was_heard_before() -> None:
    (found,) = await published(heard(1, slots={"competitor": "blue sky"}), heard(2, "competitor_offer"))
    assert isinstance(found, SuggestionCreated)
    assert found.text.startswith("The customer mentions blue sky. Ask")


async def test_a_slot_that_is_said_again_has_its_last_value() -> None:
    late = heard(1, slots={"competitor": "red hill"})
    sent = (heard(2, slots={"competitor": "blue sky"}), late, heard(3, "competitor_offer"))
    (found,) = await published(*sent)
    assert isinstance(found, SuggestionCreated)
    assert "blue sky" in found.text


async def test_a_calm_card_waits_until_the_last_suggestion_is_20_s_ago_and_an_urgent_one_does_not() -> None:
    sent = (heard(1, "price_objection"), heard(2, "ask_price"), heard(3, "network_problem"), heard(15, "ask_price"))
    assert cards(await published(*sent)) == ["answer-price-objection", "answer-network-problem", "answer-ask-price"]


async def test_of_two_calm_cards_at_once_the_one_of_higher_priority_is_shown() -> None:
    assert cards(await published(heard(1, "ask_plan_details", "upgrade_interest"))) == ["use-upgrade-interest"]


async def test_when_enough_were_shown_only_urgent_ones_follow() -> None:
    urgent = ("price_objection", "competitor_offer", "billing_problem", "network_problem", "cancel_contract")
    assert len(urgent) == MOST_OF_A_CALL
    sent = (*(heard(n, name) for n, name in enumerate(urgent)), heard(20, "ask_price"), heard(21, "request_supervisor"))
    assert cards(await published(*sent))[MOST_OF_A_CALL:] == ["calm-supervisor-request"]


async def test_a_topic_triggers_at_an_intent_about_it() -> None:
    assert cards(await published(heard(1, "ask_roaming"))) == ["answer-roaming"]


async def test_an_intent_that_settles_a_shown_card_withdraws_it_once() -> None:
    first, gone = await published(heard(1, "cancel_contract"), heard(3, "agree_to_stay"), heard(4, "agree_to_stay"))
    assert isinstance(first, SuggestionCreated)
    assert isinstance(gone, SuggestionWithdrawn)
    assert gone.suggestion_id == first.suggestion_id
    assert gone.reason == "customer said: 'agree_to_stay'"


async def test_a_card_that_has_expired_is_not_withdrawn() -> None:
    assert len(await published(heard(1, "cancel_contract"), heard(20, "agree_to_stay"))) == 1


async def test_what_was_settled_already_is_not_suggested() -> None:
    assert await published(heard(3, "agree_to_stay"), heard(2, "cancel_contract")) == []
    assert await published(heard(3, "cancel_contract", "agree_to_stay")) == []
    assert len(await published(heard(2, "agree_to_stay"), heard(3, "cancel_contract"))) == 1


async def test_words_that_come_too_late_bring_no_advice_that_has_expired() -> None:
    assert await published(heard(60, "greet"), heard(2, "price_objection")) == []


async def test_the_end_of_the_call_brings_nothing() -> None:
    assert await published(heard(1, "greet"), whole(), CallEnded(call_id="c1")) == []


async def test_the_batch_lane_passes_over_a_call_that_goes_on() -> None:
    assert await build_whole(scenarios=shipped, store=InMemoryStore())(event(heard(1, "price_objection"), 0)) == ()


async def test_passages_back_a_suggestion_in_the_language_of_the_call() -> None:
    store = InMemoryStore()
    await load_knowledge(store, shipped("telecom"), "acme")
    (found,) = await published(heard(1, "network_problem", language="zh"), store=store)
    assert isinstance(found, SuggestionCreated)
    assert found.passages
    assert all(passage.source.startswith("telecom/zh/") for passage in found.passages)


async def test_the_id_is_not_that_of_the_same_card_as_a_follow_up() -> None:
    state = heard(1, "price_objection")
    assert state.heard is not None
    insight = CallInsight(
        call_id="c1",
        language="en",
        duration_ms=9_000,
        intents=state.heard.intents,
        provenance=state.heard.provenance,
    )
    follow_up = FlowState(call_id="c1", lane=Lane.BATCH, path=(), insight=insight)
    outputs = await build_whole(scenarios=shipped, store=InMemoryStore())(inbound(follow_up, 0))
    (batch,) = payloads(list(outputs))
    (live,) = await published(state)
    assert isinstance(batch, SuggestionCreated)
    assert isinstance(live, SuggestionCreated)
    assert batch.card_id == live.card_id
    assert batch.suggestion_id != live.suggestion_id


async def test_an_unknown_scenario_is_poison() -> None:
    with pytest.raises(Poison, match="no scenario 'bank'"):
        await published(heard(1, "price_objection", scenario="bank"))


NAMES = ("price_objection", "cancel_contract", "agree_to_stay", "ask_price", "upgrade_interest", "ask_plan_details")
TURNS = st.builds(
    lambda number, names: heard(number, *names),
    st.integers(0, 30),
    st.lists(st.sampled_from(NAMES), max_size=3, unique=True),
)


@settings(max_examples=50)
@given(st.lists(TURNS, max_size=12), st.sets(st.integers(0, 12)))
async def test_a_call_gets_the_same_advice_however_often_its_worker_is_killed(
    turns: list[FlowState], killed_at: set[int]
) -> None:
    live = build(scenarios=shipped, store=InMemoryStore())
    undisturbed = await run_in_memory(live, events(*turns))
    outputs, state = await run(live, events(*turns), killed_at=killed_at)
    assert outputs == undisturbed
    assert len({output.message.envelope.id for output in outputs}) == len(outputs)
    shown = cards(payloads(outputs))
    assert len(set(shown)) == len(shown)
    assert not turns or (isinstance(state, LiveAdvice) and [card.card_id for card in state.shown] == shown)
