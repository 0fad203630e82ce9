"""One suggestion at a time, not too often, never twice, none too late: whatever a call does, and its clocks."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_events import START, inbound
from suggest_events import cards, event, heard, published, whole, withdrawn

from pipeline.handling import Inbound
from pipeline.scenarios.load import shipped
from pipeline.suggest.live import LiveAdvice, build
from pipeline.suggest.policy import APART, MOST_OF_A_CALL, URGENT, Bounds
from pipeline.testing import InMemoryStore
from schemas.flow import FlowState
from schemas.suggestion import SuggestionCreated, SuggestionWithdrawn
from schemas.wire import Role

PLAN_FACTS = (
    "so basic has five gigabytes for twenty dollars smart has twenty gigabytes for thirty dollars and premium is"
    " unlimited at forty five dollars and with family you get four lines"
)


async def test_an_urgent_card_takes_the_place_of_a_calm_one() -> None:
    calm, gone, urgent = await published(heard(1, "ask_price"), heard(2, "cancel_contract"))
    assert isinstance(calm, SuggestionCreated)
    assert isinstance(gone, SuggestionWithdrawn)
    assert isinstance(urgent, SuggestionCreated)
    assert (gone.suggestion_id, urgent.card_id) == (calm.suggestion_id, "answer-cancel-contract")
    assert gone.reason == "another one takes its place: Find the reason, then respect the decision"


async def test_of_two_urgent_cards_at_once_one_is_shown() -> None:
    assert cards(await published(heard(1, "price_objection", "cancel_contract"))) == ["answer-cancel-contract"]


async def test_a_less_urgent_card_does_not_disturb_a_more_urgent_one_that_has_just_come() -> None:
    sent = (heard(1, "cancel_contract"), heard(2, "price_objection"))
    assert cards(await published(*sent)) == ["answer-cancel-contract"]


async def test_what_stands_when_the_call_ends_is_taken_back_and_nothing_follows() -> None:
    sent = await published(heard(1, "cancel_contract"), event(whole(), 1, at_s=20), heard(3, "network_problem"))
    assert cards(sent) == ["answer-cancel-contract"]
    assert withdrawn(sent) == ["the call has ended"]


async def test_a_call_whose_end_is_told_twice_takes_back_once() -> None:
    sent = await published(heard(1, "cancel_contract"), event(whole(), 1, at_s=20), event(whole(), 2, at_s=25))
    assert len(withdrawn(sent)) == 1


async def test_what_has_expired_is_not_taken_back_at_the_end() -> None:
    assert withdrawn(await published(heard(1, "cancel_contract"), event(whole(), 1, at_s=300))) == []


async def test_what_the_agent_says_already_is_not_suggested() -> None:
    sent = (heard(1, text=PLAN_FACTS, role=Role.AGENT), heard(2, "ask_plan_details"))
    assert await published(*sent) == []
    assert cards(await published(heard(1, text="good morning", role=Role.AGENT), heard(2, "ask_plan_details")))


async def test_what_the_agent_says_already_in_chinese_is_not_suggested() -> None:
    text = next(one.text for one in shipped("telecom").edition("zh").playbook.cards if one.id == "answer-plan-details")
    asks = heard(2, "ask_plan_details", language="zh")
    assert await published(heard(1, text=text, role=Role.AGENT, language="zh"), asks) == []
    sent = await published(heard(1, text="您好", role=Role.AGENT, language="zh"), asks)
    assert cards(sent) == ["answer-plan-details"]


async def test_what_the_agent_said_long_ago_may_be_suggested_again() -> None:
    sent = (heard(1, text=PLAN_FACTS, role=Role.AGENT), heard(9, "ask_plan_details"))
    assert cards(await published(*sent)) == ["answer-plan-details"]


async def test_a_suggestion_that_the_agent_follows_is_taken_off_the_screen() -> None:
    sent = await published(heard(1, "ask_plan_details"), heard(2, text=PLAN_FACTS, role=Role.AGENT))
    (line,) = withdrawn(sent)
    assert line.startswith("agent said: 'so basic has five gigabytes")


async def test_bounds_are_settings() -> None:
    sent = [heard(1 + 15 * n, name) for n, name in enumerate(("ask_price", "ask_plan_details", "upgrade_interest"))]
    assert len(cards(await published(*sent))) == 3
    assert len(cards(await published(*sent, bounds=Bounds(most=2)))) == 2
    assert len(cards(await published(*sent, bounds=Bounds(apart=timedelta(seconds=100))))) == 2


@pytest.mark.parametrize("back_s", [60, 3_600, 86_400])
async def test_a_clock_that_is_set_back_neither_stops_advice_nor_lets_it_come_sooner(back_s: int) -> None:
    later = [
        event(heard(number, name), offset, at_s=5 * number + 5 - back_s)
        for offset, (number, name) in enumerate([(4, "ask_plan_details"), (16, "upgrade_interest")], start=1)
    ]
    sent = await published(event(heard(1, "ask_price"), 0), *later)
    assert cards(sent) == ["answer-ask-price", "use-upgrade-interest"]


async def test_a_suggestion_after_a_clock_was_set_back_is_dated_as_its_event() -> None:
    sent = await published(event(heard(1, "ask_price"), 0), event(heard(16, "upgrade_interest"), 1, at_s=-3_000))
    found = sent[-1]
    assert isinstance(found, SuggestionCreated)
    assert found.created_at == START - timedelta(seconds=3_000)
    assert found.expires_at > found.created_at


NAMES = (
    *("price_objection", "cancel_contract", "agree_to_stay", "ask_price", "upgrade_interest", "ask_plan_details"),
    *("network_problem", "billing_problem", "competitor_offer", "request_supervisor", "ask_roaming"),
)
TURNS = st.builds(
    lambda number, names, role, at_s: (heard(number, *names, role=role), at_s),
    st.integers(0, 60),
    st.lists(st.sampled_from(NAMES), max_size=3, unique=True),
    st.sampled_from([Role.CUSTOMER, Role.AGENT]),
    st.integers(-100, 400),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TURNS, max_size=25), st.integers(0, 25))
async def test_the_bounds_hold_whatever_comes_in_whichever_order(
    turns: list[tuple[FlowState, int]], ends_at: int
) -> None:
    handed: list[Inbound] = [event(turn, offset, at_s=at_s) for offset, (turn, at_s) in enumerate(turns)]
    handed.insert(min(ends_at, len(handed)), inbound(whole(), 99, at_s=150))
    live = build(scenarios=shipped, store=InMemoryStore())
    state: LiveAdvice | None = None
    made: list[SuggestionCreated] = []
    for one in handed:
        handled = await live(one, state)
        created = [out for out in (o.message.payload for o in handled.outputs) if isinstance(out, SuggestionCreated)]
        assert len(created) <= 1
        assert not created or state is None or not state.ended
        made += created
        state = handled.state or state
        assert state is None or len(state.standing()) <= 1
    assert len({one.card_id for one in made}) == len(made)
    assert all(one.priority >= URGENT for one in made[MOST_OF_A_CALL:])
    shown = state.shown if state is not None else ()
    assert [one.card_id for one in shown] == [one.card_id for one in made]
    for before, after in pairwise(shown):
        assert after.priority >= URGENT or after.created_at - before.created_at >= APART
