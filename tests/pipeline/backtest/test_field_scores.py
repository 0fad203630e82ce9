"""Scores of fields: what counts as right, and how sure the figures are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mined_calls import CANCEL, WORRIED, insight, transcript

from pipeline.backtest.cases import Case
from pipeline.backtest.field_scores import agreement, change, counts_of, f1_of, score
from pipeline.backtest.items import Item, ScoredField
from pipeline.evaluate.intents import Counts
from schemas.wire import Role

CUSTOMER_1 = (Role.CUSTOMER, 5_000, 9_000)
CALL = insight("c")
COUNTS = st.integers(0, 5).flatmap(
    lambda n: st.builds(Counts, st.just(n), st.integers(0, n), st.integers(n, 9), st.integers(0, n))
)


def case(gold: dict[ScoredField, tuple[Item, ...]], unsure: dict[ScoredField, tuple[Item, ...]] | None = None) -> Case:
    return Case(transcript("c"), gold, unsure or {})


def test_an_intent_is_right_in_a_turn_of_the_same_side_that_overlaps() -> None:
    overlapping, agents = (Role.CUSTOMER, 8_000, 12_000), (Role.AGENT, 5_000, 9_000)
    for place, right in ((overlapping, 1), (agents, 0), ((Role.CUSTOMER, 9_001, 9_500), 0)):
        gold = {"intents": (Item("price_concern", place=place),)}
        assert counts_of([case(gold)], [CALL], "intents") == [Counts(2, right, 1, right)]  # type: ignore[arg-type]  # a literal key


@pytest.mark.parametrize(
    ("scored", "right", "wrong"),
    [
        ("entities", Item("amount", value="30"), Item("amount", value="31")),
        ("topics", Item("price"), Item("contract")),
        ("outcome", Item("cancelled"), Item("bought")),
        ("objections", Item("answered", place=CUSTOMER_1), Item("ignored", place=CUSTOMER_1)),
        ("follow_ups", Item("next_step", place=(Role.CUSTOMER, 15_000, 19_000)), Item("next_step", place=CUSTOMER_1)),
    ],
)
def test_each_field_has_its_own_measure_of_sameness(scored: ScoredField, right: Item, wrong: Item) -> None:
    assert counts_of([case({scored: (right,)})], [CALL], scored) == [Counts(1, 1, 1, 1)]
    assert counts_of([case({scored: (wrong,)})], [CALL], scored) == [Counts(1, 0, 1, 0)]


def test_a_field_counts_in_the_calls_in_which_it_is_labelled() -> None:
    cases = [case({"topics": ()}), case({"outcome": ()}), case({"topics": (Item("price"),)})]
    assert counts_of(cases, [CALL, CALL, CALL], "topics") == [Counts(1, 0, 0, 0), Counts(1, 1, 1, 1)]


def test_a_call_without_a_valid_answer_has_found_nothing() -> None:
    assert counts_of([case({"topics": (Item("price"),)})], [None], "topics") == [Counts(0, 0, 1, 0)]


def test_what_people_do_not_agree_on_counts_neither_way() -> None:
    unsure = case({"intents": ()}, {"intents": (Item("price_concern", place=CUSTOMER_1),)})
    assert counts_of([unsure], [CALL], "intents") == [Counts(1, 0, 0, 0)]


def test_figures_are_of_all_items_together() -> None:
    found = score("intents", [Counts(4, 3, 5, 3), Counts(0, 0, 1, 0)])
    assert (found.precision, found.recall, found.support) == (0.75, 0.5, 6)
    assert found.f1 == pytest.approx(0.6)


def test_nothing_to_score_is_no_figure_and_one_call_no_interval() -> None:
    assert score("intents", []).f1 is None
    assert score("intents", [Counts(), Counts()]).low is None
    one = score("intents", [Counts(2, 1, 1, 1)])
    assert one.f1 == pytest.approx(2 / 3)
    assert (one.low, one.high) == (None, None)
    assert f1_of(Counts(0, 0, 3, 0)) == f1_of(Counts(2, 0, 0, 0)) == 0


@given(st.lists(COUNTS, min_size=2, max_size=12))
def test_the_interval_holds_what_draws_can_give(counts: list[Counts]) -> None:
    found = score("intents", counts)
    if found.f1 is None:
        assert found.low is None
    else:
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= found.high <= 1


@given(st.lists(COUNTS, min_size=2, max_size=12))
def test_a_version_does_not_differ_from_itself(counts: list[Counts]) -> None:
    found = change("intents", counts, counts)
    assert found is None or (found.difference, found.low, found.high) == (0, 0, 0)


def test_a_difference_is_surer_on_the_same_calls_than_on_two_samples() -> None:
    # The second finds one more item in each call, whichever calls are drawn; the calls themselves differ much.
    first = [Counts(4, 4, 10, 4), Counts(4, 1, 10, 1)] * 20
    second = [Counts(4, 4, 10, 4), Counts(4, 2, 10, 2)] * 20
    found, alone = change("intents", first, second), score("intents", first)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert 0 < found.low < found.difference < found.high
    assert found.high - found.low < alone.high - alone.low


def test_two_versions_agree_in_what_both_say() -> None:
    other = insight("c", (WORRIED,))
    found = agreement("intents", [CALL, None], [other, None])
    assert found.agreement == pytest.approx(2 / 3)
    assert (found.first, found.second) == (2, 1)
    assert agreement("intents", [CALL], [None]).agreement == 0
    assert agreement("intents", [insight("c", ())], [None]).agreement is None
    assert agreement("topics", [insight("c", (CANCEL,))], [CALL]).agreement == 1
