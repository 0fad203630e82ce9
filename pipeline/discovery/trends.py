"""Whether a cluster is rising or falling: the share of calls that have it, week by week."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.questions.counts.periods import unbroken
from pipeline.questions.differences.statistics import SURE, Slope, benjamini_hochberg, slope
from pipeline.questions.differences.trending import Direction

_FEWEST_CALLS: Final = 10
"""Calls that a cluster must be in to have a trend, as for intents (``pipeline.questions.differences.trending``)."""
_MOST_WEEKS: Final = 120

CallsByWeek = Mapping[str, set[str]]
"""Ids of calls by the ISO week in which they began."""


@dataclass(frozen=True, slots=True)
class ClusterTrend:
    """In how many calls of each week a cluster is, of how many, and whether that share is rising."""

    weeks: tuple[str, ...]
    calls: tuple[int, ...]
    of: tuple[int, ...]
    slope: Slope
    adjusted_p: float
    direction: Direction


def trends_of(clusters: Sequence[CallsByWeek], everything: CallsByWeek, running: str) -> list[ClusterTrend | None]:
    """The trend of each cluster; None of one in too few calls, or over fewer than three whole weeks.

    Args:
        clusters: the calls in which each is.
        everything: all calls that were looked at.
        running: the week that has not ended, which is left out.
    """
    ended = [week for week in everything if week < running]
    weeks = tuple(unbroken(ended, "week", _MOST_WEEKS)) if ended else ()
    totals = _counts(everything, weeks)
    counts = [_counts(one, weeks) for one in clusters]
    slopes = [slope(one, totals, range(len(weeks))) if sum(one) >= _FEWEST_CALLS else None for one in counts]
    adjusted = iter(benjamini_hochberg([one.p for one in slopes if one is not None]))
    return [
        None if one is None else _trend(weeks, calls, totals, one, next(adjusted))
        for one, calls in zip(slopes, counts, strict=True)
    ]


def _counts(calls: CallsByWeek, weeks: Iterable[str]) -> tuple[int, ...]:
    return tuple(len(calls.get(week, ())) for week in weeks)


def _trend(
    weeks: tuple[str, ...], calls: tuple[int, ...], totals: tuple[int, ...], of: Slope, p: float
) -> ClusterTrend:
    direction: Direction = "steady" if p >= SURE else "rising" if of.points > 0 else "falling"
    return ClusterTrend(weeks, calls, totals, of, p, direction)
