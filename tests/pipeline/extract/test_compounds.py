from __future__ import annotations

import pytest

from pipeline.extract.compounds import joined_texts

TEXTS = ["a cola", "water please", "a salad", "greens", "cola and a salad"]


@pytest.mark.parametrize("mark", ["<div>", "+", "|", "; "])
def test_a_label_of_two_others_is_taught_by_texts_of_both(mark: str) -> None:
    both = f"drink{mark}salad"
    made = joined_texts(TEXTS, ["drink", "drink", "salad", "salad", both])
    assert len(made) == 7
    assert {label for _, label in made} == {both}
    drinks, salads = TEXTS[:2], TEXTS[2:4]
    assert {text for text, _ in made} <= {f"{x} {y}" for x in drinks for y in salads} | {
        f"{y} {x}" for x in drinks for y in salads
    }


def test_a_mark_between_what_are_no_labels_makes_no_compound() -> None:
    assert joined_texts(TEXTS, ["drink", "drink", "salad", "salad", "q+a"]) == []


def test_a_compound_with_texts_enough_is_left_alone() -> None:
    assert joined_texts(["x", "y", *["x y"] * 8], ["a", "b", *["a+b"] * 8]) == []


def test_the_same_texts_are_joined_again() -> None:
    labels = ["drink", "drink", "salad", "salad", "drink+salad"]
    assert joined_texts(TEXTS, labels) == joined_texts(TEXTS, labels)
