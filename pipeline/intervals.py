"""Stretches of time, as pairs of whole numbers: from a start up to, not including, an end."""

from __future__ import annotations

from collections.abc import Iterable

Stretch = tuple[int, int]


def joined(stretches: Iterable[Stretch], gap: int = 1) -> list[Stretch]:
    """Those joined that lie less than ``gap`` apart; in order and disjoint. A gap of 1 joins what touches or overlaps.

    Args:
        stretches: in any order.
        gap: in the unit of the stretches, at least 1.
    """
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start - found[-1][1] < gap:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
