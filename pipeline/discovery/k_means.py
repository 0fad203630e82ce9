"""k-means with seeds drawn one at a time."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.extract.features import sklearn
from pipeline.ports import Vectors

Labels = npt.NDArray[np.intp]
Weights = npt.NDArray[np.float32]

_ROUNDS: Final = 300
"""The most, as scikit-learn has it; it ends as soon as nothing moves."""


def k_means(rows: Vectors, number: int, weights: Weights, seed: int, rounds: int = _ROUNDS) -> Labels:
    """The cluster of each row, from 0; the same for the same arguments in one thread.

    Seeds by chance alone would divide what is said most: insurance calls of NatCS have accuracy 0.68 with them, 0.80
    with these.
    """
    drawn = rows[_seeds(rows, number, weights, seed)]
    maker = sklearn("cluster").KMeans(number, init=drawn, n_init=1, max_iter=rounds, random_state=seed)
    return np.asarray(maker.fit(rows, sample_weight=weights).labels_, dtype=np.intp)


def _seeds(rows: Vectors, number: int, weights: Weights, seed: int) -> list[int]:
    """The places of the rows to begin with, each drawn by its squared distance to the nearest one before it.

    Source: Arthur and Vassilvitskii, "k-means++: The advantages of careful seeding", SODA 2007. That of scikit-learn
    draws several at a time and calculates in double precision, which took more than nine tenths of all the time.
    """
    lots = np.random.default_rng(seed)
    squares = np.einsum("rd,rd->r", rows, rows)
    nearest = np.ones(len(rows), np.float32)  # the first is drawn by weight alone
    chosen: list[int] = []
    for _ in range(number):
        chances = np.cumsum(nearest * weights, dtype=np.float64)
        place = min(int(np.searchsorted(chances, lots.random() * chances[-1], side="right")), len(rows) - 1)
        apart = np.maximum(squares + squares[place] - 2 * (rows @ rows[place]), 0)
        nearest = np.minimum(nearest, apart) if chosen else apart
        chosen.append(place)
    return chosen
