"""Cards that stand on what calls of this kind went on to next."""

from __future__ import annotations

from typing import Any

import pytest
from live_events import START
from pydantic import ValidationError
from suggest_events import cards, heard, published

from pipeline.flow.graph import empty
from pipeline.flow.guidance import Model
from pipeline.flow.tally import Tally
from pipeline.scenarios.load import shipped
from pipeline.scenarios.model import Card, Playbook, Scenario, Trigger
from pipeline.suggest.triggers import LEAST_SEEN
from schemas.flow import FlowPath, Guidance, NextStep, Step
from schemas.suggestion import SuggestionCreated
from schemas.wire import Role


def guidance(probability: float = 0.61, seen: float = 130.0, context: tuple[str, ...] = ("ask_price",)) -> Guidance:
    steps = (
        NextStep(label="(end)", probability=0.2, seen=26),
        NextStep(label="price_objection", probability=probability, seen=0.61 * seen),
    )
    return Guidance(next=steps, context=context, seen=seen, graph="2026-03-01")


def scenarios(language: str = "en", **trigger: Any) -> Any:
    """Telecom with one card, which stands on this trigger."""
    whole = shipped("telecom")
    edition = whole.edition(language)
    card = edition.playbook.cards[0].model_copy(
        update={"id": "be-ready", "trigger": Trigger(**{"next_step": "price_objection", **trigger})}
    )
    changed = edition.model_copy(update={"playbook": Playbook(cards=(card,))})

    def of(name: str, tenant_id: str) -> Scenario:
        del name, tenant_id
        return whole.model_copy(update={"editions": {**whole.editions, language: changed}})

    return of


async def test_a_card_comes_before_the_step_that_calls_go_on_to() -> None:
    (found,) = await published(heard(1, "ask_price", guidance=guidance()), scenarios=scenarios())
    assert isinstance(found, SuggestionCreated)
    assert (found.card_id, found.at_ms) == ("be-ready", 5_000)
    assert found.reason == "after 'Asks for a price', 61 % of 130 times the next was: Price objection"


async def test_the_reason_is_in_the_language_of_the_call() -> None:
    sent = await published(heard(1, "ask_price", language="zh", guidance=guidance()), scenarios=scenarios("zh"))
    (found,) = sent
    assert isinstance(found, SuggestionCreated)
    assert found.reason.startswith("在“")
    assert "130 次中有 61 % 接着是" in found.reason


@pytest.mark.parametrize(
    "seen",
    [None, guidance(probability=0.49), guidance(seen=LEAST_SEEN - 1), Guidance(next=(), seen=500)],
    ids=["nothing known", "not likely", "seldom seen", "another step"],
)
async def test_what_is_not_likely_or_was_seldom_seen_brings_nothing(seen: Guidance | None) -> None:
    assert await published(heard(1, "ask_price", guidance=seen), scenarios=scenarios()) == []


async def test_the_probability_that_is_needed_is_the_cards() -> None:
    sent = heard(1, "ask_price", guidance=guidance(0.3))
    assert cards(await published(sent, scenarios=scenarios(at_least=0.25))) == ["be-ready"]
    assert cards(await published(sent, scenarios=scenarios(at_least=0.31))) == []


async def test_beside_a_next_step_all_else_must_hold() -> None:
    only_after = scenarios(intent="ask_plan_details")
    assert await published(heard(1, "ask_price", guidance=guidance()), scenarios=only_after) == []
    assert cards(await published(heard(1, "ask_plan_details", guidance=guidance()), scenarios=only_after))


async def test_what_settles_it_was_said_after_the_words_that_foretold_it() -> None:
    unless = scenarios(unless_intent="accept_offer")
    late = (heard(3, "accept_offer", guidance=None), heard(2, "ask_price", guidance=guidance()))
    assert await published(*late, scenarios=unless) == []


async def test_words_without_an_intent_foretell_nothing() -> None:
    assert await published(heard(1, text="mm", role=Role.AGENT, guidance=guidance()), scenarios=scenarios()) == []


async def test_at_the_start_of_a_call_the_reason_names_no_step_before() -> None:
    (found,) = await published(heard(1, "ask_price", guidance=guidance(context=("(start)",))), scenarios=scenarios())
    assert isinstance(found, SuggestionCreated)
    assert found.reason == "as calls begin, 61 % of 130 times the next was: Price objection"


async def test_what_the_graph_of_earlier_calls_says_brings_the_shipped_card() -> None:
    tally = Tally(empty("acme", "telecom", 0), 90.0)
    for offset in range(100):
        labels = ("agent_opening", "make_offer", "price_objection" if offset % 10 < 7 else "accept_offer")
        steps = tuple(Step(label=label, role=Role.CUSTOMER, at_ms=0) for label in labels)
        tally.add(FlowPath(call_id=f"c{offset}", scenario="telecom", steps=steps, duration_ms=0), offset, START)
    known = Model([tally.graph()], "v").guidance(["agent_opening", "make_offer"])
    (found,) = await published(heard(1, "make_offer", role=Role.AGENT, guidance=known))
    assert isinstance(found, SuggestionCreated)
    assert found.card_id == "before-price-objection"
    assert "70 % of 100 times the next was: Price objection" in found.reason


def test_a_next_step_is_an_intent_of_the_scenario_and_known_before_the_end() -> None:
    edition = shipped("telecom").edition("en")
    unknown = edition.playbook.cards[0].model_dump() | {"trigger": {"next_step": "fly"}}
    with pytest.raises(ValidationError, match="'fly' is not defined"):
        type(edition).model_validate({**edition.model_dump(), "playbook": Playbook(cards=(Card(**unknown),))})
    with pytest.raises(ValidationError, match="outcome and missing_phrase when it has ended"):
        Trigger(next_step="price_objection", outcome="bought")
