"""How probable each next step is: what followed the last steps, longer contexts resting on shorter ones.

The weights of a context are smoothed by those of the one that is a step shorter, down to how frequent a step is at all:
from each weight a discount is taken, and what it adds up to, with a strength besides, goes to the shorter context
(interpolated; with strength 0 absolute discounting: Ney, Essen and Kneser 1994; with discount 0 as Witten and Bell
1991; both: Teh, "A hierarchical Bayesian language model based on Pitman-Yor processes", 2006). The steps that came
before those are a second opinion: how much more or less often a step comes next in calls in which another had come at
any time before, multiplied as if these did not depend on each other, with an exponent below 1 as they do. What that
makes is sharpened or flattened, and its probabilities brought to the share that comes true (Platt 1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.flow.counts import LONGEST, Counts
from pipeline.flow.graph import START
from pipeline.flow.table import BITS, LAST, Table, code_of

Floats = npt.NDArray[np.float64]

RESTS_ON: Final = 4.0
"""Calls' worth of how frequent a step is at all, that what came with a step before is added to; few say little."""
_UNSEEN: Final = 1e-4
"""Share of a step that was never seen next, so that it has a logarithm."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is fitted: see the module.

    Args:
        smoothing: for contexts of 0, 1, 2 and 3 steps the discount and the strength.
        before: exponent of the second opinion.
        sharpness: exponent of the probabilities.
        slope: of the logits of the probabilities, and ``shift``, what is added to them.
    """

    smoothing: tuple[tuple[float, float], ...] = ((0.3, 4.0), (0.3, 1.0), (0.3, 16.0), (0.3, 16.0))
    before: float = 0.1
    sharpness: float = 0.9
    slope: float = 1.0
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class Context:
    """What followed some steps: the labels' numbers and their weights."""

    next: npt.NDArray[np.int64]
    weights: Floats

    def dense(self, size: int) -> Floats:
        """A weight for each label."""
        weights = np.zeros(size)
        weights[self.next] = self.weights
        return weights


class NextSteps:
    """Probabilities of what comes next; ``labels`` by their numbers.

    Args:
        counts: of paths.
    """

    def __init__(self, counts: Counts) -> None:
        self.labels = tuple(counts.labels)
        self.size = len(self.labels)
        self.start = self.labels.index(START)
        self._numbers = {label: number for number, label in enumerate(self.labels)}
        self._contexts = {
            (length, context): Context(table.codes[where] & LAST, table.sums[where, 0])
            for length, table in enumerate(counts.after, 1)
            for context, where in table.rows()
        }
        self.frequent = _square(counts.after[0], self.size).sum(axis=0)
        self.earlier = _square(counts.earlier, self.size)
        self._lifts = lifts(self.earlier, self.frequent)

    def numbers(self, steps: Sequence[str]) -> list[int]:
        """The numbers of steps after the start of the call; -1 for one that was never seen."""
        return [self.start, *(self._numbers.get(step, -1) for step in steps)]

    def context(self, walk: Sequence[int], length: int) -> Context | None:
        """What followed the last so many steps; None where they were never seen."""
        if length > len(walk) or min(walk[len(walk) - length :], default=-1) < 0:
            return None
        return self._contexts.get((length, code_of(walk[len(walk) - length :])))

    def probabilities(self, walk: Sequence[int], fitted: Fitted) -> Floats:
        """Of each label, that it comes next; brought to what comes true, so that their sum is only about 1."""
        shares = np.full(self.size, 1 / self.size)
        for length in range(LONGEST + 1):
            weights = self.frequent
            if length:
                if (context := self.context(walk, length)) is None:
                    break
                weights = context.dense(self.size)
            shares = smoothed(weights, shares, *fitted.smoothing[length])
        seen = list({number for number in walk[1:] if number >= 0})
        scores = fitted.sharpness * np.log(np.maximum(shares, _UNSEEN))
        scores += fitted.before * self._lifts[seen].sum(axis=0)
        scores[self.start] = -np.inf
        return calibrated(normalised(scores), fitted)


def smoothed(weights: Floats, shorter: Floats, discount: float, strength: float) -> Floats:
    """Shares by weights, where ``shorter`` are those of the shorter context; of one or of many at once."""
    taken = np.minimum(weights, discount)
    total = weights.sum(axis=-1, keepdims=True)
    given = strength + taken.sum(axis=-1, keepdims=True)
    return np.where(total > 0, (weights - taken + given * shorter) / np.maximum(total + strength, 1e-12), shorter)


def lifts(earlier: Floats, frequent: Floats) -> Floats:
    """For a step before (row) and a next one, the logarithm of how much more often that comes than it does at all."""
    share = np.maximum(frequent, _UNSEEN) / max(frequent.sum(), 1.0)
    shares = (earlier + RESTS_ON * share) / (earlier.sum(axis=-1, keepdims=True) + RESTS_ON)
    return np.asarray(np.log(shares / share))


def normalised(scores: Floats) -> Floats:
    """Probabilities of scores that are logarithms, up to a constant."""
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def calibrated(shares: Floats, fitted: Fitted) -> Floats:
    """Probabilities brought to the share that comes true; their order stays."""
    odds = np.clip(shares, 1e-9, 1 - 1e-9)
    logits = fitted.slope * np.log(odds / (1 - odds)) + fitted.shift
    return np.asarray(1 / (1 + np.exp(-logits)))


def _square(table: Table, size: int) -> Floats:
    weights = np.zeros((size, size))
    weights[table.codes >> BITS, table.codes & LAST] = table.sums[:, 0]
    return weights
