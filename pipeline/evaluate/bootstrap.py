"""How far an error rate can be trusted: percentile bootstrap over recordings.

Method: Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation" (ICASSP 2004).
Recordings are drawn, not words, because the errors of one recording hang together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

_DRAWN_AT_ONCE: Final = 1_000_000
"""Recordings drawn in one step, which bounds the memory (16 MB)."""


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
    recordings = len(edits)
    if recordings < 2 or rounds < 1:  # noqa: PLR2004 - one recording says nothing about others
        return None
    wrong, asked = np.asarray(edits, dtype=np.float64), np.asarray(lengths, dtype=np.float64)
    random = np.random.default_rng(seed)
    step = max(1, _DRAWN_AT_ONCE // recordings)
    rates = []
    for first in range(0, rounds, step):
        drawn = random.integers(recordings, size=(min(step, rounds - first), recordings))
        rates.append(wrong[drawn].sum(axis=1) / np.maximum(asked[drawn].sum(axis=1), 1.0))
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(np.concatenate(rates), [tail, 1.0 - tail])
    return float(low), float(high)
