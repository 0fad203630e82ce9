"""What the live lane remembers of a call: the same advice after any kill, and after an upgrade; and what is counted."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from live_events import START, run, run_in_memory
from suggest_events import cards, event, events, heard, published, whole

from pipeline.figures import SUGGEST_SECONDS, SUGGEST_WITHDRAWN, SUGGEST_WITHHELD, SUGGESTED
from pipeline.handling import Inbound
from pipeline.knowledge.scenario_pages import load_knowledge
from pipeline.scenarios.load import shipped
from pipeline.suggest.live import LiveAdvice, build
from pipeline.suggest.live_state import heard_on
from pipeline.testing import InMemoryStore
from schemas.flow import FlowState, Guidance, NextStep
from schemas.wire import Role

SOON = Guidance(next=(NextStep(label="price_objection", probability=0.7, seen=70),), context=("make_offer",), seen=100)
NAMES = ("ask_price", "upgrade_interest", "ask_plan_details", "cancel_contract", "agree_to_stay", "greet")
TEXTS = (None, "how long is the minimum term of the contract", "basic five gigabytes twenty dollars smart", "mm")
TURNS = st.builds(
    lambda number, names, text, role, guidance: heard(number, *names, text=text, role=role, guidance=guidance),
    st.integers(0, 60),
    st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
    st.sampled_from(TEXTS),
    st.sampled_from([Role.CUSTOMER, Role.AGENT]),
    st.sampled_from([None, SOON]),
)


class Counts:
    """A ``Meter`` that adds up by name and label."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.observed: list[tuple[str, float]] = []

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        self.counts[name, labels.get("reason") or labels.get("kind") or ""] += int(amount)

    def observe(self, name: str, value: float, **labels: str) -> None:
        assert labels == {"scenario": "telecom"}
        self.observed.append((name, value))


async def known_pages() -> InMemoryStore:
    store = InMemoryStore()
    await load_knowledge(store, shipped("telecom"), "acme")
    return store


@settings(max_examples=40, deadline=None)
@given(st.lists(TURNS, max_size=12), st.sets(st.integers(0, 12)), st.sampled_from([(), (whole(),)]))
async def test_cards_passages_and_next_steps_are_the_same_however_often_the_worker_is_killed(
    turns: list[FlowState], killed_at: set[int], end: tuple[FlowState, ...]
) -> None:
    sent: list[Inbound] = events(*turns, *end)
    live = build(scenarios=shipped, store=await known_pages(), explore=0.5)
    outputs, state = await run(live, sent, killed_at=killed_at)
    assert outputs == await run_in_memory(live, sent)
    again, _ = await run(build(scenarios=shipped, store=await known_pages(), explore=0.5), sent)
    assert again == outputs
    assert state is None or len(state.model_dump_json()) < 20_000


def test_what_an_older_version_remembered_is_read() -> None:
    at = START.isoformat()
    card = {"card_id": "answer-ask-price", "suggestion_id": "s", "at_ms": 1_000, "created_at": at, "expires_at": at}
    old = {"now": at, "shown": [card], "last_said": {"ask_price": 1_000}, "entities": []}
    state = LiveAdvice.model_validate_json(json.dumps(old))
    flow = heard(3, "price_objection")
    assert flow.heard is not None
    now = heard_on(state, flow.heard, START + timedelta(seconds=20))
    assert (now.screen().shown, now.standing(), now.until_ms) == (1, (), 19_000)
    assert now.last_said == {"ask_price": 1_000, "price_objection": 15_000}


async def test_a_long_call_is_remembered_in_little() -> None:
    live = build(scenarios=shipped, store=InMemoryStore())
    _, state = await run(live, events(*(heard(n, NAMES[n % 6], text="word " * 300) for n in range(300))))
    assert state is not None
    assert len(state.model_dump_json(exclude_none=True)) < 8_000


async def test_what_was_made_withheld_and_withdrawn_is_counted_and_never_by_call() -> None:
    meter = Counts()
    options: dict[str, Any] = {"meter": meter, "clock": lambda: START + timedelta(seconds=11)}
    sent = (heard(1, "ask_price"), heard(2, "ask_plan_details"), heard(3, "cancel_contract"), whole())
    assert len(cards(await published(*sent[:3], event(sent[3], 3, at_s=30), **options))) == 2
    assert meter.counts == {
        (SUGGESTED, "card"): 2,
        (SUGGEST_WITHHELD, "too_soon"): 1,
        (SUGGEST_WITHDRAWN, "superseded"): 1,
        (SUGGEST_WITHDRAWN, "ended"): 1,
    }
    assert meter.observed == [(SUGGEST_SECONDS, 1.0), (SUGGEST_SECONDS, 0.0)]
