"""Margins to probabilities: one temperature, from margins of texts that were not learnt from (Guo et al., 2017).

A small share of labels is taken to be mistaken, whatever the margins are. Without it a few texts of which the
classifier is wrongly sure raise the temperature until it doubts all others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.extract.features import Floats

Truth = npt.NDArray[np.intp]
_FACTORS: Final = np.geomspace(0.3, 30.0, 80)
# Of 0, 3, 6 and 10 % the best for MultiDoGO with eight examples a label; 2 % of its texts have another label than most
# texts of the same words.
_MISTAKEN: Final = 0.03
# The standard deviation of what factor is usual, in its logarithm: 0.2 over MultiDoGO's domains, and some room.
_SPREAD: Final = 0.3


def probabilities(scores: Floats) -> Floats:
    """Each row as probabilities that add up to 1, none of them below a small share."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = raised * ((1 - _MISTAKEN) / raised.sum(axis=1, keepdims=True)) + _MISTAKEN / scores.shape[1]
    return result


def best_factor(held_out: Iterable[tuple[Floats, Truth]], *, usual: float | None = None) -> float:
    """The factor on the margins under which the truth is most likely.

    Args:
        held_out: margins of shape (texts, labels), and the column of each text's label.
        usual: the factor to expect before any text is seen, which few texts do not outweigh; without either it is 1.
    """
    gathered = list(held_out)
    if not gathered:
        return usual or 1.0

    def surprise(factor: float) -> float:
        unusual = 0.0 if usual is None else (np.log(factor / usual) / _SPREAD) ** 2 / 2
        return float(unusual + sum(_surprise(margins * factor, truth) for margins, truth in gathered))

    return float(min(_FACTORS, key=surprise))


def folds(labels: npt.NDArray[np.str_], count: int) -> Truth:
    """A fold for each text, dealt out within each label, so that a label is missing from as few folds as can be."""
    fold_of = np.zeros(len(labels), dtype=np.intp)
    shuffle = np.random.default_rng(0)
    for label in np.unique(labels):
        members = shuffle.permutation(np.flatnonzero(labels == label))
        fold_of[members] = np.arange(len(members)) % count
    return fold_of


def _surprise(scores: Floats, truth: Truth) -> float:
    return float(-np.log(probabilities(scores)[np.arange(len(truth)), truth]).sum())
