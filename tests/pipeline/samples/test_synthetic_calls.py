"""Made-up calls: always the same, long as real ones are, and with effects that whoever counts finds again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import mean
from typing import TypeVar

import pytest

from pipeline.handling import Outbound
from pipeline.privacy.entry import masked
from pipeline.questions.differences.statistics import slope
from pipeline.samples.synthetic.calls import call_id_of, synthetic_calls
from pipeline.samples.synthetic.effects import PLANTED, WEEKS
from pipeline.samples.synthetic.plots import OFFERS, Shares, plot_of
from pipeline.samples.synthetic.wording import lines_in
from schemas.call import CallFailed, CallOutcome, OutcomeResult
from schemas.insight import CallInsight, Handling
from schemas.suggestion import SuggestionFeedback
from schemas.transcript import TranscriptCompleted

UNTIL = datetime(2026, 11, 22, 15, tzinfo=UTC)
P = TypeVar("P")
Calls = Sequence[tuple[Outbound, ...]]


@pytest.fixture(scope="module")
def calls() -> Calls:
    return list(synthetic_calls(700, tenant_id="acme", until=UNTIL, utterances_per_call=9))


def payloads(calls: Calls, kind: type[P]) -> list[P]:
    return [event.message.payload for events in calls for event in events if isinstance(event.message.payload, kind)]


def test_the_same_arguments_give_the_same_events_and_another_seed_gives_others() -> None:
    first, second, other = (
        [event for events in synthetic_calls(5, tenant_id="acme", until=UNTIL, seed=seed) for event in events]
        for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_calls_are_as_long_as_real_ones_and_their_texts_differ() -> None:
    found = payloads(list(synthetic_calls(25, tenant_id="acme", until=UNTIL)), TranscriptCompleted)
    assert 4 * 60_000 < mean(one.duration_ms for one in found) < 8 * 60_000
    assert 45 < mean(len(one.segments) for one in found) < 75
    texts = [segment.text for one in found for segment in one.segments]
    assert len(set(texts)) > 0.6 * len(texts)


def test_they_say_that_they_are_made_up_and_began_in_the_last_weeks(calls: Calls) -> None:
    found = payloads(calls, TranscriptCompleted)
    assert {one.call.campaign for one in found} == {"synthetic"}
    assert all(one.call_id.startswith("synthetic-") for one in found)
    assert call_id_of(1) == "synthetic-000001"
    starts = [one.call.started_at for one in found if one.call.started_at is not None]
    assert len(starts) == len(found)
    assert min(starts) > UNTIL - timedelta(weeks=WEEKS, days=2)
    assert max(starts) < UNTIL
    assert {event.message.envelope.time <= UNTIL for events in calls for event in events} == {True}


def test_what_is_masked_before_the_store_changes_nothing_in_them(calls: Calls) -> None:
    for one in payloads(calls[:200], TranscriptCompleted):
        assert masked(one).segments == one.segments


def test_shares_are_as_asked_for(calls: Calls) -> None:
    found = payloads(calls, TranscriptCompleted)
    assert len(payloads(calls, CallFailed)) + len(found) == len(calls)
    assert 0.005 < len(payloads(calls, CallFailed)) / len(calls) < 0.05
    assert 0.15 < mean(one.language == "zh" for one in found) < 0.25
    assert 0.5 < len(payloads(calls, CallOutcome)) / len(found) < 0.7
    assert 0.6 < len(payloads(calls, SuggestionFeedback)) / len(found) < 0.8
    none = list(synthetic_calls(30, tenant_id="acme", until=UNTIL, shares=Shares(0, 0, 0, 0)))
    assert not payloads(none, CallOutcome) + payloads(none, CallFailed) + payloads(none, SuggestionFeedback)


def test_every_quote_stands_in_its_segment(calls: Calls) -> None:
    texts = {one.segment_id: one.text for found in payloads(calls, TranscriptCompleted) for one in found.segments}
    for insight in payloads(calls, CallInsight):
        for intent in insight.intents:
            assert intent.evidence[0].quote in texts[intent.evidence[0].segment_id]


def test_the_loyalty_discount_wins_more_often(calls: Calls) -> None:
    words = {
        offer: {word.split("{", maxsplit=1)[0] for lang in ("en", "zh") for word in lines_in(lang).offers[offer]}
        for offer in OFFERS
    }
    ended: dict[str, list[bool]] = {offer: [] for offer in OFFERS}
    for insight in payloads(calls, CallInsight):
        if insight.outcome_inferred is None or insight.outcome_inferred.result is OutcomeResult.OPEN:
            continue
        for quote in (one.evidence[0].quote for one in insight.intents if one.name == "make_offer"):
            for offer in OFFERS:
                if any(quote.startswith(word) for word in words[offer] if word):
                    ended[offer].append(insight.outcome_inferred.result is OutcomeResult.WON)
    rates = {offer: mean(won) for offer, won in ended.items()}
    assert all(len(won) > 50 for won in ended.values())
    assert rates[PLANTED.best_offer] > 0.15 + max(rate for offer, rate in rates.items() if offer != PLANTED.best_offer)


def test_one_reason_rises_and_one_falls(calls: Calls) -> None:
    found = payloads(calls, CallInsight)
    half = len(found) // 2
    before, after = (
        Counter(one.name for each in part for one in each.intents) for part in (found[:half], found[half:])
    )
    assert after[PLANTED.rising] > 1.3 * before[PLANTED.rising]
    assert before[PLANTED.falling] > 1.3 * after[PLANTED.falling]


@pytest.mark.parametrize("day", range(7))
def test_on_whichever_day_two_thousand_are_made_the_rise_stands_out_of_the_weeks(day: int) -> None:
    calls, until = 2_000, UNTIL + timedelta(days=day)
    has_it, of = Counter[str](), Counter[str]()
    for number in range(1, calls + 1):
        plot = plot_of(number, calls, Random(number), until=until, utterances=9, shares=Shares())
        assert plot.facts.started_at is not None
        week = f"{plot.facts.started_at:%G-W%V}"
        of[week] += 1
        has_it[week] += any(move.intent == PLANTED.rising for move in plot.moves)
    whole = sorted(of)[:-1]
    rise = slope([has_it[week] for week in whole], [of[week] for week in whole], range(len(whole)))
    assert rise is not None
    assert rise.points > 0
    assert rise.p < 0.01


def test_one_agent_lets_objections_pass_and_the_best_does_not(calls: Calls) -> None:
    answered: dict[str, list[bool]] = {}
    for insight in payloads(calls, CallInsight):
        first = next((one for one in insight.objections if one.topic == "price"), None)
        if first is not None:
            answered.setdefault(str(insight.call.agent), []).append(first.handling is Handling.ANSWERED)
    shares = {agent: mean(several) for agent, several in answered.items()}
    assert min(shares, key=shares.__getitem__) == PLANTED.weak_agent
    assert shares[PLANTED.best_agent] > shares[PLANTED.weak_agent] + 0.3


def test_reasons_are_skewed(calls: Calls) -> None:
    counts = Counter(one.call.queue for one in payloads(calls, TranscriptCompleted))
    assert counts["retention"] > 2 * counts["sales"]
