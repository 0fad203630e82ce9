"""How far a rate over recordings, or over calls, can be trusted: percentile bootstrap.

Method: Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation" (ICASSP 2004).
Recordings are drawn, not words, because the errors of one recording hang together. Two systems are compared on the same
draws (their section 3): the interval is that of the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Sums = npt.NDArray[np.float64]

_DRAWN_AT_ONCE: Final = 1_000_000
"""Recordings drawn in one step, which bounds the memory (16 MB a count)."""


def interval(
    edits: Sequence[int], lengths: Sequence[int], *, rounds: int, seed: int, confidence: float = 0.95
) -> tuple[float, float] | None:
    """The interval of the rate ``sum(edits) / sum(lengths)``; None of fewer than two recordings.

    Args:
        edits: errors of each recording.
        lengths: words, or characters, of each recording's reference.
        rounds: how often as many recordings are drawn, with replacement.
        seed: the same one gives the same interval.
        confidence: share of the rates that lie in it.
    """

    def rate(sums: Sums) -> Sums:
        return np.asarray(sums[:, 0] / np.maximum(sums[:, 1], 1.0))

    counts = np.column_stack([edits, lengths]) if len(edits) else np.empty((0, 2))
    return interval_of(counts, rate, rounds=rounds, seed=seed, confidence=confidence)


def interval_of(
    counts: npt.ArrayLike, figure: Callable[[Sums], Sums], *, rounds: int, seed: int, confidence: float = 0.95
) -> tuple[float, float] | None:
    """The interval of a figure that is worked out from counts that are added up over recordings.

    Args:
        counts: of shape (recordings, kinds).
        figure: from sums of shape (rounds, kinds) to the figures, of shape (rounds); NaN where there is none.
        rounds: how often as many recordings are drawn, with replacement.
        seed: the same one gives the same interval.
        confidence: share of the figures that lie in it; draws without one are left out.

    Returns:
        None of fewer than two recordings, and where no draw has a figure.
    """
    rows = np.asarray(counts, dtype=np.float64)
    recordings = len(rows)
    if recordings < 2 or rounds < 1:  # noqa: PLR2004 - one recording says nothing about others
        return None
    random = np.random.default_rng(seed)
    step = max(1, _DRAWN_AT_ONCE // recordings)
    drawn = []
    for first in range(0, rounds, step):
        chosen = random.integers(recordings, size=(min(step, rounds - first), recordings))
        sums = np.stack([kind[chosen].sum(axis=1) for kind in rows.T], axis=1)
        drawn.append(figure(sums))
    figures = np.concatenate(drawn)
    figures = figures[~np.isnan(figures)]
    if not len(figures):
        return None
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(figures, [tail, 1.0 - tail])
    return float(low), float(high)
