"""How far people agree, against what the methods' authors worked out by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from workbench_places import NOON, label

from pipeline.labels.agreement import agreement, alpha, disagreements, kappa

verdicts = st.sampled_from("abc")
pairs = st.lists(st.tuples(verdicts, verdicts), min_size=1)
units = st.lists(st.lists(verdicts, max_size=4))


@pytest.mark.parametrize(
    ("counts", "expected"), [((20, 5, 10, 15), 0.4), ((45, 15, 25, 15), 0.1304), ((25, 35, 5, 35), 0.2593)]
)
def test_kappa_is_that_of_the_worked_examples(counts: tuple[int, ...], expected: float) -> None:
    """The examples that Wikipedia's article on Cohen's kappa works out: both yes, yes and no, no and yes, both no."""
    told = (("y", "y"), ("y", "n"), ("n", "y"), ("n", "n"))
    said = [pair for pair, count in zip(told, counts, strict=True) for _ in range(count)]
    assert kappa(said) == pytest.approx(expected, abs=0.00005)


@pytest.mark.parametrize(
    ("observers", "expected"),
    [
        (("0100000010", "1110010000"), 0.095),
        (("aabbdcccedda", "babbbcccEddd".lower()), 0.692),
        (("123321412...", "1233224125.3", ".3332342251.", "12332441251."), 0.743),
    ],
    ids=["two observers, binary", "two observers, nominal", "four observers, values missing"],
)
def test_alpha_is_that_of_krippendorff_s_examples(observers: tuple[str, ...], expected: float) -> None:
    """Krippendorff (2011), sections A, B and C."""
    said = [[value for value in unit if value != "."] for unit in zip(*observers, strict=True)]
    assert alpha(said) == pytest.approx(expected, abs=0.0005)


@given(pairs)
def test_kappa_keeps_its_range_and_does_not_ask_who_comes_first(said: list[tuple[str, str]]) -> None:
    found = kappa(said)
    assume(found is not None)
    assert found is not None
    assert -1 <= found <= 1
    assert found == pytest.approx(kappa([(other, one) for one, other in said]))


@given(st.lists(verdicts, min_size=2).filter(lambda said: len(set(said)) > 1), st.integers(2, 5))
def test_perfect_agreement_is_one(said: list[str], people: int) -> None:
    assert kappa([(verdict, verdict) for verdict in said]) == 1
    assert alpha([[verdict] * people for verdict in said]) == 1


@given(units, st.randoms(use_true_random=False))
def test_alpha_is_at_most_one_and_asks_for_no_order(said: list[list[str]], random: object) -> None:
    found = alpha(said)
    assume(found is not None)
    assert found is not None
    assert found <= 1
    mixed = [random.sample(unit, len(unit)) for unit in random.sample(said, len(said))]  # type: ignore[attr-defined] # hypothesis has no public type for it
    assert alpha(mixed) == pytest.approx(found)


@given(units, verdicts)
def test_what_one_person_alone_judged_does_not_count(said: list[list[str]], verdict: str) -> None:
    assert alpha([*said, [verdict], []]) == alpha(said)


def test_there_is_no_figure_where_nobody_ever_said_anything_else() -> None:
    assert kappa([("y", "y")] * 3) is None
    assert alpha([["y", "y"]] * 3) is None
    assert alpha([]) is None


def test_fields_are_apart_and_one_without_two_people_is_not_there() -> None:
    by_two = [label(by=by, name=name) for name in ("cancel", "refund") for by in ("ann", "bob")]
    alone = [label(field="topics", name="price"), label(field="topics", name="bill", by="bob")]
    (found,) = agreement([*by_two, *alone])
    assert (found.field, found.items, found.people) == ("intents", 2, ("ann", "bob"))
    assert [(pair.a, pair.b, pair.items, pair.equal, pair.kappa) for pair in found.pairs] == [
        ("ann", "bob", 2, 1, None)
    ]


def test_each_two_are_compared_on_what_both_judged() -> None:
    said = {
        "a": {"ann": "right", "bob": "right"},
        "b": {"ann": "wrong", "bob": "wrong"},
        "c": {"bob": "right", "cy": "wrong"},
    }
    labels = [label(name=name, by=by, verdict=word) for name, words in said.items() for by, word in words.items()]
    (found,) = agreement(labels)
    assert [(pair.a, pair.b, pair.items, pair.equal) for pair in found.pairs] == [
        ("ann", "bob", 2, 1),
        ("bob", "cy", 1, 0),
    ]
    assert found.items == 3
    assert found.alpha == pytest.approx(1 - 5 * 2 / (36 - 18))


def test_the_last_word_counts_and_an_added_item_is_one_that_is_there() -> None:
    first, last = label(verdict="wrong"), label(verdict="right", at=NOON + timedelta(seconds=9))
    labels = [first, label(by="bob", verdict="missing"), last]
    (found,) = agreement(labels)
    assert found.pairs[0].equal == 1
    assert disagreements(labels) == ()
    (divided,) = disagreements(labels[:2])
    assert (divided.item, divided.quote) == (first.item, first.quote)
    assert divided.verdicts == {"ann": "wrong", "bob": "missing"}
