from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipeline.scenarios.model import Card, Trigger
from pipeline.suggest.known import Known, of_whole
from pipeline.suggest.triggers import Firing, fire
from schemas.call import OutcomeResult
from schemas.insight import (
    CallInsight,
    ComplianceHit,
    ComplianceKind,
    Evidence,
    Extractor,
    InferredOutcome,
    Intent,
    Provenance,
    SideSentiment,
    TopicSpan,
)
from schemas.wire import Lane, Role, Sentiment

DAY = date(2026, 3, 1)
END_MS = 60_000


def card(**trigger: Any) -> Card:
    return Card(
        id="one",
        title="One",
        text="Do it.",
        trigger=Trigger(**trigger),
        lanes=(Lane.BATCH,),
        priority=50,
        approved_by="Sales",
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 12, 31),
    )


def said(start_ms: int, role: Role = Role.CUSTOMER) -> Evidence:
    return Evidence(segment_id=f"s{start_ms}", role=role, start_ms=start_ms, end_ms=start_ms + 900, quote="words")


def intent(name: str, start_ms: int, *, topic: str | None = None, tone: Sentiment = Sentiment.NEUTRAL) -> Intent:
    return Intent(
        intent_id=f"{name}-{start_ms}",
        name=name,
        role=Role.CUSTOMER,
        topic=topic,
        sentiment=tone,
        confidence=0.9,
        evidence=(said(start_ms),),
    )


def state(*intents: Intent, lane: Lane = Lane.BATCH, **rest: Any) -> Known:
    insight = CallInsight(
        call_id="c1",
        lane=lane,
        language="en",
        duration_ms=END_MS,
        intents=intents,
        provenance=Provenance(extractor=Extractor.LEXICAL, model="m", scenario="telecom", scenario_version=1),
        **rest,
    )
    return of_whole(insight)


def at(firing: Firing | None) -> int | None:
    return firing.at_ms if firing else None


BOUGHT = InferredOutcome(name="bought", result=OutcomeResult.WON, reason="said so", evidence=(said(50_000),))
MISSING = ComplianceHit(kind=ComplianceKind.MISSING_PHRASE, name="cooling_off")


def test_a_card_fires_at_the_start_of_the_evidence_of_its_intent() -> None:
    firing = fire(card(intent="ask_price"), state(intent("ask_price", 9_000), intent("ask_price", 4_000)), DAY)
    assert firing is not None
    assert (firing.at_ms, firing.until_ms, firing.evidence) == (4_000, 4_900, (said(4_000),))


def test_a_card_whose_intent_was_not_said_does_not_fire() -> None:
    assert fire(card(intent="ask_price"), state(intent("cancel_contract", 1)), DAY) is None


def test_a_topic_fires_at_the_first_intent_about_it() -> None:
    assert at(fire(card(topic="roaming"), state(intent("a", 3_000, topic="roaming")), DAY)) == 3_000


def test_a_topic_without_an_intent_fires_at_its_span() -> None:
    spans = (TopicSpan(topic="roaming", start_ms=7_000, end_ms=9_000),)
    firing = fire(card(topic="roaming"), state(topics=spans), DAY)
    assert firing is not None
    assert (firing.at_ms, firing.evidence) == (7_000, ())


def test_a_sentiment_beside_an_intent_is_that_intents() -> None:
    wanted = card(intent="a", sentiment=Sentiment.NEGATIVE)
    calls = state(intent("a", 1_000), intent("b", 2_000, tone=Sentiment.NEGATIVE))
    assert fire(wanted, calls, DAY) is None
    assert at(fire(wanted, state(intent("a", 1_000), intent("a", 5_000, tone=Sentiment.NEGATIVE)), DAY)) == 5_000


def test_a_sentiment_alone_is_the_customers_over_the_whole_call() -> None:
    wanted = card(sentiment=Sentiment.NEGATIVE)
    angry = SideSentiment(role=Role.CUSTOMER, sentiment=Sentiment.NEGATIVE, score=-0.8)
    assert at(fire(wanted, state(sentiments=(angry,)), DAY)) == END_MS
    agents = angry.model_copy(update={"role": Role.AGENT})
    assert fire(wanted, state(sentiments=(agents,)), DAY) is None


def test_an_outcome_fires_at_the_end_with_its_evidence() -> None:
    firing = fire(card(outcome="bought"), state(outcome_inferred=BOUGHT), DAY)
    assert firing is not None
    assert (firing.at_ms, firing.evidence) == (END_MS, BOUGHT.evidence)
    assert fire(card(outcome="refused"), state(outcome_inferred=BOUGHT), DAY) is None


def test_a_missing_phrase_fires_at_the_end() -> None:
    assert at(fire(card(missing_phrase="cooling_off"), state(compliance=(MISSING,)), DAY)) == END_MS


def test_a_forbidden_phrase_of_the_same_name_is_no_missing_one() -> None:
    other = MISSING.model_copy(update={"kind": ComplianceKind.FORBIDDEN_PHRASE})
    assert fire(card(missing_phrase="cooling_off"), state(compliance=(other,)), DAY) is None


def test_all_that_a_trigger_names_must_hold() -> None:
    both = card(missing_phrase="cooling_off", outcome="bought")
    assert fire(both, state(compliance=(MISSING,)), DAY) is None
    assert fire(both, state(outcome_inferred=BOUGHT), DAY) is None
    assert at(fire(both, state(compliance=(MISSING,), outcome_inferred=BOUGHT), DAY)) == END_MS


def test_an_intent_with_an_outcome_fires_at_the_end_on_both_evidences() -> None:
    both = card(intent="ask_price", outcome="bought")
    firing = fire(both, state(intent("ask_price", 4_000), outcome_inferred=BOUGHT), DAY)
    assert firing is not None
    assert (firing.at_ms, firing.evidence) == (END_MS, (said(4_000), said(50_000)))
    assert fire(both, state(outcome_inferred=BOUGHT), DAY) is None


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (state(intent("leave", 10)), 10),
        (state(intent("leave", 10), intent("stay", 20)), None),
        (state(intent("stay", 5), intent("leave", 10)), 10),
        (state(intent("leave", 10), intent("stay", 20), intent("leave", 30)), 30),
    ],
)
def test_what_was_settled_later_in_the_call_does_not_fire(calls: Known, expected: int | None) -> None:
    assert at(fire(card(intent="leave", unless_intent="stay"), calls, DAY)) == expected


def test_a_card_for_the_end_is_settled_anywhere_in_the_call() -> None:
    wanted = card(outcome="bought", unless_intent="thank")
    assert fire(wanted, state(intent("thank", 5), outcome_inferred=BOUGHT), DAY) is None


def test_a_card_of_another_lane_does_not_fire() -> None:
    assert fire(card(intent="a"), state(intent("a", 1), lane=Lane.LIVE), DAY) is None


@pytest.mark.parametrize(
    ("on", "fires"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_a_card_fires_only_while_it_is_valid(on: date, *, fires: bool) -> None:
    assert (fire(card(intent="a"), state(intent("a", 1)), on) is not None) is fires


def test_a_card_without_an_end_stays_valid() -> None:
    endless = card(intent="a").model_copy(update={"valid_to": None})
    assert fire(endless, state(intent("a", 1)), date(2100, 1, 1)) is not None


def test_a_card_without_approval_never_fires() -> None:
    assert fire(card(intent="a").model_copy(update={"approved_by": " "}), state(intent("a", 1)), DAY) is None
