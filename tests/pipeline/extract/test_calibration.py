from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.extract.calibration import best_factor, folds, probabilities


def test_margins_that_were_scaled_are_scaled_back_though_some_labels_are_mistaken() -> None:
    draw = np.random.default_rng(0)
    honest = draw.normal(size=(4_000, 3)) * 2
    truth = np.array([draw.choice(3, p=row) for row in probabilities(honest)])
    assert best_factor([(honest / 4, truth)]) == pytest.approx(4, rel=0.06)


def test_few_texts_do_not_outweigh_what_is_usual_and_many_do() -> None:
    margins, truth = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([0, 0, 1, 1])
    alone = best_factor([(margins, truth)])
    assert alone < 1.5 < best_factor([(margins, truth)], usual=3) < 3
    assert best_factor([(margins, truth)] * 500, usual=3) == pytest.approx(alone, rel=0.07)


@given(arrays(np.float64, (3, 4), elements=st.floats(-1e3, 1e3)))
def test_probabilities_add_up_and_none_is_certain(scores: np.ndarray) -> None:
    rows = probabilities(scores)
    assert rows.sum(axis=1) == pytest.approx(1)
    assert rows.min() > 0
    assert rows.max() < 1


def test_without_texts_to_learn_it_from_the_margins_are_left_alone() -> None:
    assert best_factor([]) == 1
    assert best_factor([], usual=1.5) == 1.5


def test_a_label_is_dealt_out_to_as_many_folds_as_it_has_texts() -> None:
    dealt = folds(np.array(["a"] * 10 + ["b"] * 3), 5)
    assert np.bincount(dealt[:10]).tolist() == [2] * 5
    assert len(set(dealt[10:])) == 3
