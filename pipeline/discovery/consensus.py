"""One partition of many: average linkage of what stands together, cut where little does."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.discovery.k_means import Labels, Weights
from pipeline.extract.features import sklearn

Shares = npt.NDArray[np.float32]
Tree = npt.NDArray[np.float64]
"""What is joined step by step, as scipy has it: two nodes, their distance, and the size."""

CUT: Final = 0.7
"""Two clusters are one where their texts stand together in more than 30 % of the partitions, on average. The best of
0.6 to 0.8 over the insurance calls of NatCS and parts of banking77 with 12 to 60 intents, as they are and with
greetings and names put in; from 0.65 to 0.75 accuracy changes by about 0.03.
"""
_SMALL_BY_ROOT: Final = 1 / 6
"""A cluster with fewer texts than this times the root of all is no theme: of 1,000 fewer than 5, of 20,000 fewer than
24. Its texts go, one by one, to the cluster that they stand together with most.
"""
_LOOKED_AT: Final = 4
"""Of a number that is asked for, at most so many times as many are divided, to find as many that are large enough."""


def consensus(shares: Shares, weights: Weights, number: int | None = None) -> Labels:
    """The cluster of each text, from 0; the same for the same shares.

    Args:
        shares: in what share of the partitions two texts stand together.
        weights: how often each text was said.
        number: of clusters; chosen by itself where it is None.
    """
    tree = _tree(shares)
    fewest = max(2.0, _SMALL_BY_ROOT * float(weights.sum()) ** 0.5)
    if number is None:
        number_of_joins = int(np.searchsorted(tree[:, 2], CUT, side="right"))
        return _absorbed(_divided(tree, len(weights) - number_of_joins), shares, weights, fewest)
    return _of_number(tree, shares, weights, min(number, len(weights)), fewest)


def _of_number(tree: Tree, shares: Shares, weights: Weights, number: int, fewest: float) -> Labels:
    """So many clusters that are large enough, where the tree has them; else so many of whatever size."""
    for leaves in range(number, min(len(weights), _LOOKED_AT * number) + 1):
        labels = _divided(tree, leaves)
        if (np.bincount(labels, weights) >= fewest).sum() == number:
            return _absorbed(labels, shares, weights, fewest)
    return _divided(tree, number)


def _divided(tree: Tree, number: int) -> Labels:
    """The last so many that are left to be joined; ``fcluster`` gives fewer where several are equally far apart."""
    size = len(tree) + 1
    top = np.arange(2 * size - 1)
    for step in reversed(range(size - number)):
        top[tree[step, :2].astype(np.intp)] = top[size + step]
    return np.unique(top[:size], return_inverse=True)[1]


def _tree(shares: Shares) -> Tree:
    sklearn("cluster")  # scipy comes with it
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    apart = 1 - shares
    np.fill_diagonal(apart, 0)
    return np.asarray(linkage(squareform(apart, checks=False), "average"))


def _absorbed(labels: Labels, shares: Shares, weights: Weights, fewest: float) -> Labels:
    sizes = np.bincount(labels, weights)
    large = np.flatnonzero(sizes >= fewest)
    if not len(large):
        return labels
    strays = np.flatnonzero(sizes[labels] < fewest)
    if not len(strays):
        return labels
    nearness = np.stack([shares[np.ix_(strays, np.flatnonzero(labels == one))].mean(axis=1) for one in large], axis=1)
    kept = labels.copy()
    kept[strays] = large[nearness.argmax(axis=1)]
    return np.unique(kept, return_inverse=True)[1]
