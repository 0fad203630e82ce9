"""What next steps are predicted with, fitted to the graph's sample: each path is predicted without itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np

from pipeline.flow.counts import LONGEST
from pipeline.flow.next_steps import Fitted, Floats, NextSteps, calibrated, lifts, normalised, smoothed
from pipeline.flow.table import Codes

ENOUGH: Final = 40
"""Predictions below which nothing is fitted: what is usual does better."""
_MOST: Final = 1_200
"""Predictions that are fitted to, and of labels times predictions ``_MOST_CELLS``: bounds the time it takes, to some
0.1 s.
"""
_MOST_CELLS: Final = 120_000
_DISCOUNTS: Final = (0.0, 0.3, 0.6, 0.9)
_STRENGTHS: Final = (0.2, 1.0, 4.0, 16.0)
_BEFORE: Final = (0.0, 0.05, 0.1)
_SHARPNESS: Final = (0.7, 0.8, 0.9, 1.0, 1.1)
_BEST: Final = 3
"""Of each prediction so many steps are brought to what comes true: those that are shown."""
_PRIOR: Final = 10.0
"""How firmly slope 1 and shift 0 are held to, in predictions."""
_LEAST: Final = 1e-9


@dataclass(frozen=True, slots=True)
class _Cases:
    """For each prediction: the weights by length of the context, what came before as a lift, and what came true."""

    weights: Sequence[Floats]
    lifts: Floats
    true: Floats


def fit(model: NextSteps, paths: Sequence[Sequence[int]]) -> Fitted:
    """The best by likelihood of these paths' steps, each path taken out of the counts before it is predicted.

    Args:
        model: of counts that have these paths in them.
        paths: from start to end, by the numbers of labels.
    """
    cases = _cases(model, paths)
    if cases is None or len(cases.true) < ENOUGH:
        return Fitted()
    rows, true = np.arange(len(cases.true)), cases.true.astype(np.int64)
    shares = np.full((len(true), model.size), 1 / model.size)
    chosen: list[tuple[float, float]] = []
    for weights in cases.weights:
        tried = {one: smoothed(weights, shares, *one) for one in product(_DISCOUNTS, _STRENGTHS)}
        best = max(tried, key=lambda one: _likelihood(tried[one][rows, true]))
        chosen.append(best)
        shares = tried[best]
    logs = np.log(np.maximum(shares, _LEAST))
    logs[:, model.start] = -np.inf
    options = list(product(_BEFORE, _SHARPNESS))
    made = {one: normalised(one[1] * logs + one[0] * cases.lifts) for one in options}
    before, sharpness = max(options, key=lambda one: _likelihood(made[one][rows, true]))
    fitted = Fitted(smoothing=tuple(chosen), before=before, sharpness=sharpness)
    return _brought_true(fitted, made[before, sharpness], true)


def _cases(model: NextSteps, paths: Sequence[Sequence[int]]) -> _Cases | None:
    most = min(_MOST, _MOST_CELLS // model.size)
    weights: list[list[Floats]] = [[] for _ in range(LONGEST + 1)]
    before: list[Floats] = []
    true: list[int] = []
    for path in reversed(paths):
        if len(true) + len(path) > most and true:
            break
        own = _Own(model, path)
        for at in range(1, len(path)):
            for length in range(LONGEST + 1):
                weights[length].append(own.left(path[:at], length))
            before.append(own.lift(path[:at]))
            true.append(path[at])
    if not true:
        return None
    return _Cases([np.stack(one) for one in weights], np.stack(before), np.array(true, np.float64))


class _Own:
    """Counts without one path."""

    def __init__(self, model: NextSteps, path: Sequence[int]) -> None:
        self._model = model
        self._own = Counter(
            tuple(path[first : at + 1]) for at in range(1, len(path)) for first in range(max(0, at - LONGEST), at + 1)
        )
        steps = sorted(set(path[1:-1]))
        earlier = model.earlier[steps].copy()
        for row, step in enumerate(steps):
            np.subtract.at(earlier[row], list(path[path.index(step, 1) + 1 :]), 1.0)
        self._rows = {step: row for row, step in enumerate(steps)}
        frequent = model.frequent.copy()
        np.subtract.at(frequent, list(path[1:]), 1.0)
        self._frequent = np.maximum(frequent, 0.0)
        self._lifts = lifts(np.maximum(earlier, 0.0), self._frequent)

    def left(self, walk: Sequence[int], length: int) -> Floats:
        """What followed the last so many steps in other paths; nothing where a shorter context was not seen either."""
        if not length:
            return np.asarray(self._frequent)
        context = self._model.context(walk, length)
        if context is None:
            return np.zeros(self._model.size)
        steps = tuple(walk[len(walk) - length :])
        own = [float(self._own[*steps, number]) for number in context.next.tolist()]
        weights = np.zeros(self._model.size)
        weights[context.next] = np.maximum(context.weights - own, 0.0)
        return np.asarray(weights)

    def lift(self, walk: Sequence[int]) -> Floats:
        return np.asarray(self._lifts[[self._rows[step] for step in set(walk[1:])]].sum(axis=0))


def _brought_true(fitted: Fitted, shares: Floats, true: Codes) -> Fitted:
    """Slope and shift by Newton's method, for the most probable steps of each prediction."""
    best = np.argsort(-shares, axis=1, kind="stable")[:, :_BEST]
    odds = np.clip(np.take_along_axis(shares, best, axis=1).ravel(), _LEAST, 1 - _LEAST)
    logits, hits = np.log(odds / (1 - odds)), (best == true[:, None]).ravel().astype(np.float64)
    found = np.array([1.0, 0.0])
    inputs = np.stack((logits, np.ones_like(logits)), axis=1)
    for _ in range(10):
        said = calibrated(odds, replace(fitted, slope=float(found[0]), shift=float(found[1])))
        slope = inputs.T @ (said - hits) + _PRIOR * (found - (1.0, 0.0))
        curve = (inputs * (said * (1 - said))[:, None]).T @ inputs + _PRIOR * np.eye(2)
        found = found - np.linalg.solve(curve, slope)
    return replace(fitted, slope=max(0.2, float(found[0])), shift=float(found[1]))


def _likelihood(shares: Floats) -> float:
    return float(np.log(np.maximum(shares, _LEAST)).mean())
