"""How decided calls ended that had come the same way: longer ways rest on shorter ones, all on how calls end.

What was seen is not what causes what: a step that is followed by lost calls may be what one does in lost calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lgamma
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.flow.counts import LONGEST, Counts
from pipeline.flow.graph import START
from pipeline.flow.table import BITS, LAST, code_of
from schemas.flow import Odds

SUPPORT: Final = 5.0
"""Decided calls, decayed, from which on a way is told as seen; and without which nothing is told at all."""
_FIRMNESS: Final = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
_FITTED_TO: Final = 300
"""Ways of each length, the most frequent ones, by which firmness is fitted: bounds the time it takes."""


class Outcomes:
    """How calls ended, by the last one to four steps.

    The share of a way is shrunk to that of the way without its first step, by as many calls' worth as explains best how
    much such ways differ (empirical Bayes of a beta-binomial, by its marginal likelihood on a grid).
    """

    def __init__(self, counts: Counts) -> None:
        one_step = counts.after[0]
        by_last = np.zeros((len(counts.labels), 2))
        np.add.at(by_last, one_step.codes & LAST, one_step.sums[:, 1:])
        self._ways: list[dict[int, tuple[float, float]]] = [
            {number: (won, lost) for number, (won, lost) in enumerate(by_last.tolist()) if won + lost},
            *(_decided(table.codes, table.sums) for table in counts.after),
        ]
        start = counts.labels.index(START)
        won, lost = one_step.sums[one_step.codes >> BITS == start][:, 1:].sum(axis=0).tolist()
        self._won, self._decided = won, won + lost
        self._firmness = [_FIRMNESS[-1]] * (LONGEST + 1)
        for length in range(1, LONGEST + 2):
            self._firmness[length - 1] = self._fitted(length)

    def odds(self, walk: Sequence[int]) -> Odds | None:
        """How calls ended that had come this way; None where too few decided ones were seen at all.

        Args:
            walk: the last steps by number, the newest last; -1 for one that was never seen.
        """
        if self._decided < SUPPORT:
            return None
        share, calls = self._at_all, self._decided
        for length in range(1, LONGEST + 2):
            if length > len(walk) or min(walk[len(walk) - length :]) < 0:
                break
            won, lost = self._ways[length - 1].get(code_of(walk[len(walk) - length :]), (0.0, 0.0))
            share = self._shrunk(won, won + lost, share, length)
            if won + lost >= SUPPORT:
                calls = won + lost
        return Odds(won=round(share, 4), calls=round(calls, 2))

    @property
    def _at_all(self) -> float:
        """The share of decided calls that was won, by Laplace's rule."""
        return float((self._won + 1) / (self._decided + 2))

    def _shrunk(self, won: float, decided: float, share: float, length: int) -> float:
        firmness = self._firmness[length - 1]
        return (won + firmness * share) / (decided + firmness)

    def _fitted(self, length: int) -> float:
        """How firmly ways of this length are held to the shares of those that are a step shorter."""
        ways = sorted(self._ways[length - 1].items(), key=lambda way: (-sum(way[1]), way[0]))[:_FITTED_TO]
        cases = [(won, lost, self._shorter(code, length)) for code, (won, lost) in ways]
        return max(_FIRMNESS, key=lambda firmness: sum(_likelihood(*case, firmness) for case in cases))

    def _shorter(self, code: int, length: int) -> float:
        share = self._at_all
        for shorter in range(1, length):
            won, lost = self._ways[shorter - 1].get(code & (1 << BITS * shorter) - 1, (0.0, 0.0))
            share = self._shrunk(won, won + lost, share, shorter)
        return share


def _decided(codes: npt.NDArray[np.int64], sums: npt.NDArray[np.float64]) -> dict[int, tuple[float, float]]:
    there = sums[:, 1] + sums[:, 2] > 0
    return {
        code: (won, lost) for code, (won, lost) in zip(codes[there].tolist(), sums[there, 1:].tolist(), strict=True)
    }


def _likelihood(won: float, lost: float, share: float, firmness: float) -> float:
    """The logarithm of how likely so many won and lost calls are, up to what does not depend on firmness."""
    yes, no = firmness * share, firmness * (1 - share)
    return _log_beta(won + yes, lost + no) - _log_beta(yes, no)


def _log_beta(one: float, other: float) -> float:
    return lgamma(one) + lgamma(other) - lgamma(one + other)
