"""Counts of which older calls are a smaller part: exponential decay, kept so that adding to one costs nothing more.

A weight is kept as it would stand at a fixed time, the landmark: what comes later is added as more than one, by
``2 ** (time since the landmark / half life)``. Only who reads weights scales them to now. Source: Cormode,
Shkapenyuk, Srivastava and Xu, "Forward decay", ICDE 2009.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

MOST_HALVINGS: Final = 60.0
"""Half lives after a landmark that weights may be kept by it: a double holds 2 ** 1023, and sums of such are added."""
_DAY_S: Final = 86_400.0


def halvings(since: datetime, until: datetime, half_life_days: float) -> float:
    """How many half lives lie between two times; below 0 where ``until`` is the earlier one."""
    return (until - since).total_seconds() / (half_life_days * _DAY_S)


def growth(since: datetime, until: datetime, half_life_days: float) -> float:
    """What one count of ``until`` is, as it stands at ``since``; its inverse is what is left of one of ``since``.

    Times so far apart that a double could not hold it count as ``MOST_HALVINGS`` * 16 half lives.
    """
    most = MOST_HALVINGS * 16
    return float(2.0 ** max(-most, min(most, halvings(since, until, half_life_days))))
