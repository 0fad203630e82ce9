"""Margins to probabilities: one temperature, from margins of texts that were not learnt from (Guo et al., 2017)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.extract.features import Floats

Truth = npt.NDArray[np.intp]
_FACTORS: Final = np.geomspace(0.3, 30.0, 80)


def softmax(scores: Floats) -> Floats:
    """Each row as probabilities that add up to 1."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = raised / raised.sum(axis=1, keepdims=True)
    return result


def best_factor(held_out: Iterable[tuple[Floats, Truth]]) -> float:
    """The factor on the margins under which the truth is most likely; 1 where there is nothing to learn it from.

    Args:
        held_out: margins of shape (texts, labels), and the column of each text's label.
    """
    gathered = list(held_out)
    if not gathered:
        return 1.0
    return float(min(_FACTORS, key=lambda factor: sum(_surprise(m * factor, truth) for m, truth in gathered)))


def folds(labels: npt.NDArray[np.str_], count: int) -> Truth:
    """A fold for each text, dealt out within each label, so that a label is missing from as few folds as can be."""
    fold_of = np.zeros(len(labels), dtype=np.intp)
    shuffle = np.random.default_rng(0)
    for label in np.unique(labels):
        members = shuffle.permutation(np.flatnonzero(labels == label))
        fold_of[members] = np.arange(len(members)) % count
    return fold_of


def _surprise(scores: Floats, truth: Truth) -> float:
    return float(-np.log(np.maximum(softmax(scores)[np.arange(len(truth)), truth], 1e-12)).sum())
