"""Many partitions of the same texts, and how often any two of them stand together."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.discovery.k_means import Labels, Weights, k_means
from pipeline.ports import Vectors

_SEEDS: Final = 5
_AT_ONCE: Final = 2
"""Runs of k-means at the same time; how many does not change what they find."""
_NUMBERS: Final = 7
"""Numbers of clusters that are tried, spread evenly by their ratio."""
_MOST_BY_ROOT: Final = 2.5
"""The most clusters are this times the root of how many texts there are; the root itself is the rule of thumb for an
upper bound, and evidence needs partitions finer than the result (Fred and Jain, 2005).
"""
_FEWEST_TEXTS: Final = 3
"""Different texts of a cluster of the finest partition, on average."""
_SPREAD: Final = 8
"""The finest partition has so many times the clusters of the coarsest."""


def partitions(representations: Sequence[Vectors], weights: Weights) -> list[Labels]:
    """A partition by k-means for each representation, number of clusters and seed.

    Args:
        representations: matrices with a row a text, at least four.
        weights: how often each text was said.

    Raises:
        Config: scikit-learn is not installed.
    """
    from threadpoolctl import threadpool_limits

    numbers = numbers_of_clusters(int(weights.sum()), len(weights))
    runs = [(rows, number, weights, seed) for rows in representations for number in numbers for seed in range(_SEEDS)]
    # Each run in one thread: sums of several come in any order, and the last digit can move a text elsewhere.
    with ThreadPoolExecutor(_AT_ONCE, initializer=threadpool_limits, initargs=(1,)) as pool:
        return list(pool.map(lambda run: k_means(*run), runs))


def numbers_of_clusters(said: int, texts: int) -> list[int]:
    """The numbers of clusters to try, rising: of so much that was ``said`` in so many different ``texts``."""
    most = min(_MOST_BY_ROOT * said**0.5, texts / _FEWEST_TEXTS)
    tried = np.geomspace(max(2.0, most / _SPREAD), max(2.0, most), _NUMBERS)
    return sorted({round(number) for number in tried})


def together(found: Sequence[Labels]) -> npt.NDArray[np.float32]:
    """In what share of the partitions two texts stand together: shape (texts, texts), from 0 to 1.

    Source: Fred and Jain, "Combining multiple clusterings using evidence accumulation", IEEE TPAMI 27 (2005).
    """
    size = len(found[0])
    shares = np.zeros((size, size), np.float32)
    for labels in found:
        shares += labels[:, None] == labels[None, :]
    return shares / np.float32(len(found))
