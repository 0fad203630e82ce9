"""What is rising and what is falling: the share of calls that have it, period by period, with its slope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.ports import Where
from pipeline.questions.counts.periods import is_period, unbroken
from pipeline.questions.differences.comparing import FEW, asks_outcome
from pipeline.questions.differences.statistics import SURE, Slope, benjamini_hochberg, slope
from pipeline.questions.fields import NoField, OutcomeSource, countable
from pipeline.questions.narrowing import Asking, combined, emptied_by, narrowed
from pipeline.questions.question import Trend
from pipeline.store.collections import CALLS
from pipeline.store.filters import both
from pipeline.store.points import started

Direction = Literal["rising", "falling", "steady"]

_FEWEST_CALLS: Final = 10
"""Calls that a name must be in to have a trend."""
_MOST_PERIODS: Final = 120
"""The latest so many are looked at: each is one facet."""
_FEWEST_PERIODS: Final = 3
_MOST_KNOWN: Final = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """One name: in how many calls of each period, the share a period (None where it had no calls), and the trend.

    ``steady`` is what is neither surely rising nor surely falling: ``adjusted_p`` (Benjamini and Hochberg) is 0.05 or
    more.
    """

    name: str
    calls: tuple[int, ...]
    shares: tuple[float | None, ...]
    slope: Slope
    adjusted_p: float
    direction: Direction


@dataclass(frozen=True, slots=True)
class Trends:
    """Shares of calls over whole periods, strongest trend first.

    ``calls`` are those of each period. ``unfinished`` is the period that still runs, which is left out. ``too_few`` are
    how many names stand in too few calls, or in all of them, and have none. ``outcomes`` is who said how calls ended,
    where that is what was asked. ``notes`` are what a reader has to know, a sentence each.
    """

    by: str
    periods: tuple[str, ...]
    calls: tuple[int, ...]
    rows: tuple[Row, ...] = ()
    unfinished: str | None = None
    too_few: int = 0
    outcomes: OutcomeSource | None = None
    notes: tuple[str, ...] = ()
    emptied_by: str | None = None


async def trend(asking: Asking, question: Trend) -> Trends:
    """What is rising and what is falling.

    Raises:
        NoField: calls are not counted by this field, or a condition cannot be asked.
        Unknown: a name that was asked for is not in the store.
        TooWide: a condition matches too many calls for one filter.
    """
    place = place_of(question)
    narrowings = await narrowed(asking, CALLS, question.where, question.outcomes)
    where = combined(asking.asker, narrowings)
    by_period = f"started_{question.period}"
    totals = await asking.store.values(CALLS, by_period, where, limit=_MOST_KNOWN)
    outcomes = question.outcomes if question.by == "outcome" or asks_outcome(question.where) else None
    if not totals:
        return Trends(question.by, (), (), outcomes=outcomes, emptied_by=await emptied_by(asking, CALLS, narrowings))
    running = started(asking.now)[by_period]
    ended = [name for name in totals if name < running]
    periods = tuple(unbroken(ended, question.period, _MOST_PERIODS))
    held = [await _held(asking, where, by_period, name, place) if name in totals else {} for name in periods]
    calls = tuple(totals.get(name, 0) for name in periods)
    rows, too_few = _rows(held, calls)
    return Trends(
        question.by,
        periods,
        calls,
        tuple(rows[: question.limit]),
        running if running in totals else None,
        too_few,
        outcomes,
        tuple(_notes(question.period, calls, left_out=len(set(ended).difference(periods)))),
    )


def place_of(question: Trend) -> str:
    """The field of a call's payload whose names have trends.

    Raises:
        NoField: calls are not counted by this field, or trends run over it.
    """
    if is_period(question.by):
        raise NoField(f"{question.by} is what a trend runs over", hint=f"as --period {question.by}")
    return countable(question.by, CALLS, question.outcomes)


async def _held(asking: Asking, where: Where, by_period: str, name: str, place: str) -> Mapping[str, int]:
    return await asking.store.values(CALLS, place, both(where, Where(equal={by_period: name})))


def _rows(held: Sequence[Mapping[str, int]], calls: Sequence[int]) -> tuple[list[Row], int]:
    """The rows, strongest first, and how many names are in too few calls."""
    found: list[tuple[str, tuple[int, ...], Slope]] = []
    names = list(dict.fromkeys(name for one in held for name in one))
    for name in names:
        counts = tuple(one.get(name, 0) for one in held)
        trend_of = slope(counts, calls, range(len(calls))) if sum(counts) >= _FEWEST_CALLS else None
        if trend_of is not None:
            found.append((name, counts, trend_of))
    adjusted = benjamini_hochberg([one.p for _, _, one in found])
    rows = [_row(name, counts, calls, one, p) for (name, counts, one), p in zip(found, adjusted, strict=True)]
    rows.sort(key=lambda row: (row.direction == "steady", -row.slope.strength))
    return rows, len(names) - len(found)


def _row(name: str, counts: tuple[int, ...], calls: Sequence[int], of: Slope, p: float) -> Row:
    shares = tuple(count / total if total else None for count, total in zip(counts, calls, strict=True))
    is_sure = p < SURE
    return Row(name, counts, shares, of, p, "steady" if not is_sure else "rising" if of.points > 0 else "falling")


def _notes(period: str, calls: Sequence[int], *, left_out: int) -> Iterator[str]:
    with_calls = [count for count in calls if count]
    if len(with_calls) < _FEWEST_PERIODS:
        yield f"a trend needs {_FEWEST_PERIODS} whole {period}s with calls, there are {len(with_calls)}"
    elif min(with_calls) < FEW:
        few = sum(count < FEW for count in with_calls)
        yield f"{few} of {len(with_calls)} {period}s have fewer than {FEW} calls: only a steep trend can be seen"
    if left_out:
        yield f"only the last {_MOST_PERIODS} {period}s are looked at; {left_out} before them are left out"
