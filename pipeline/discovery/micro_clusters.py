"""Many texts as a few thousand small groups of near-equal ones, so that any two groups can be compared."""

from __future__ import annotations

from typing import Final

import numpy as np

from pipeline.discovery.k_means import Labels, Weights, k_means
from pipeline.ports import Vectors

MOST: Final = 2_000
"""Texts, or groups of them, that are compared each with each: 16 MB of shares, and seconds of linkage."""
_ROUNDS: Final = 10
"""Of k-means: near-equal texts are together after a few."""


def micro_clusters(rows: Vectors, weights: Weights) -> Labels:
    """The group of each text, at most ``MOST``; a group each where there are no more texts than that.

    k-means of k-means: coarse groups first, each then divided by its size, which takes the root of the time. Source:
    Nister and Stewenius, "Scalable recognition with a vocabulary tree", CVPR 2006.
    """
    if len(rows) <= MOST:
        return np.arange(len(rows), dtype=np.intp)
    coarse = _divided(rows, round(MOST**0.5), weights)
    groups = np.zeros(len(rows), dtype=np.intp)
    first = 0
    for one in np.unique(coarse):
        members = np.flatnonzero(coarse == one)
        number = max(1, len(members) * (MOST - 1) // len(rows))
        groups[members] = first + _divided(rows[members], number, weights[members])
        first += number
    return np.unique(groups, return_inverse=True)[1]


def means(rows: Vectors, groups: Labels, weights: Weights) -> Vectors:
    """The weighted mean of each group's rows, of shape (groups, dimension)."""
    sums = np.zeros((int(groups.max()) + 1, rows.shape[1]), np.float32)
    np.add.at(sums, groups, rows * weights[:, None])
    return np.asarray(sums / np.bincount(groups, weights)[:, None], dtype=np.float32)


def _divided(rows: Vectors, number: int, weights: Weights) -> Labels:
    if number < 2:  # noqa: PLR2004 - one group needs no search
        return np.zeros(len(rows), dtype=np.intp)
    return k_means(rows, number, weights, seed=0, rounds=_ROUNDS)
