from __future__ import annotations

import numpy as np
import pytest

from pipeline.extract.calibration import best_factor, folds, softmax


def test_margins_that_were_scaled_are_scaled_back() -> None:
    draw = np.random.default_rng(0)
    honest = draw.normal(size=(4_000, 3)) * 2
    truth = np.array([draw.choice(3, p=row) for row in softmax(honest)])
    assert best_factor([(honest / 4, truth)]) == pytest.approx(4, rel=0.12)


def test_without_texts_to_learn_it_from_the_margins_are_left_alone() -> None:
    assert best_factor([]) == 1


def test_a_label_is_dealt_out_to_as_many_folds_as_it_has_texts() -> None:
    dealt = folds(np.array(["a"] * 10 + ["b"] * 3), 5)
    assert np.bincount(dealt[:10]).tolist() == [2] * 5
    assert len(set(dealt[10:])) == 3
