"""Counts, shares, win rates and handle times by one field or two, from facets of the store: no call is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from pipeline.ports import Where
from pipeline.questions.counts.counting import Counting, Tally, for_each
from pipeline.questions.counts.periods import is_period, unbroken
from pipeline.questions.differences.comparing import asks_outcome
from pipeline.questions.differences.statistics import wilson
from pipeline.questions.fields import NoField, Of, OutcomeSource, countable
from pipeline.questions.narrowing import Asking, TooWide, combined, emptied_by, narrowed
from pipeline.questions.question import Aggregate, Metric
from pipeline.store.filters import both

Names = tuple[str, ...]

_SEVERAL: Final = frozenset({"intents", "topics", "objection_topics", "objections_open", "compliance"})
"""Fields of a call's payload that are lists."""
_OF_CALLS: Final[Mapping[Metric, str]] = {"win_rate": "win rates", "avg_handle_time": "handle times"}
_MOST_TIMED: Final = 2_000
"""Groups whose handle time one question may ask, as each is a question of its own to the store."""


@dataclass(frozen=True, slots=True)
class Group:
    """What matches and has these values of the fields, in the order in which they were asked.

    Args:
        names: the values; of all that match there are none.
        count: how many these are.
        value: the figure, None where there is none: a count, a share or a win rate (0 to 1), or mean seconds.
        n: what it is made of: of a share what it is the share of, of a win rate the calls that were won or lost, of a
            handle time those whose length is known.
        low: where the interval of 95 % of a share or a win rate begins.
        high: where it ends.
    """

    names: Names
    count: int
    value: float | None
    n: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Aggregated:
    """Groups, those of a time in its order and the others largest first, and what to know about them.

    Args:
        total: all that match.
        groups: periods without any call are among them.
        share_of: what shares are of: the field whose group, or None for all that match.
        overlapping: fields of which a call can have several values, so that its groups do not add up.
        nameless: by field, how many have no value of it, where that is known.
        left_out: by field, how many of its values are beyond the limit.
        results: of win rates, how many calls ended won, lost and open, and of how many it is unknown.
        outcomes: who said how calls ended, where that is in the question.
        emptied_by: of an empty answer, the condition that left nothing.
    """

    total: Group
    groups: tuple[Group, ...] = ()
    share_of: str | None = None
    overlapping: tuple[str, ...] = ()
    nameless: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    results: Mapping[str, int] = field(default_factory=dict)
    outcomes: OutcomeSource | None = None
    emptied_by: str | None = None


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the fields: its values in order, each with how many match, and those that are shown."""

    name: str
    place: str
    counts: Mapping[str, Tally]
    shown: Sequence[str]

    @property
    def is_time(self) -> bool:
        return is_period(self.name)


async def aggregate(asking: Asking, question: Aggregate) -> Aggregated:
    """The figure of each group, and of all.

    Raises:
        NoField: a condition or a field cannot be asked, or the figure is not of these.
        Unknown: a name that was asked for is not in the store.
        TooWide: a condition matches too many calls, or too many groups are asked for their handle time.
    """
    places = places_of(question)
    narrowings = await narrowed(asking, question.of, question.where, question.outcomes)
    where = combined(asking.asker, narrowings)
    counting = Counting(asking.store, question.of, question.metric, question.outcomes)
    whole = await counting.whole(where)
    total = _group((), whole, question.metric, whole.count)
    if not whole.count:
        emptied = await emptied_by(asking, question.of, narrowings)
        return Aggregated(total, outcomes=_outcomes(question), emptied_by=emptied)
    sides = [await _side(counting, where, name, place, question.limit) for name, place in places.items()]
    share_of = _share_of(question)
    cells = await _cells(counting, where, sides)
    return Aggregated(
        total,
        tuple(_group(names, cell, question.metric, _base(names, sides, share_of, whole)) for names, cell in cells),
        share_of,
        overlapping=tuple(side.name for side in sides if _has_several(side.place, question.of)),
        nameless=_nameless(sides, question.of, whole.count),
        left_out={side.name: beyond for side in sides if (beyond := len(set(side.counts) - set(side.shown)))},
        results=await _results(counting, where, whole.count),
        outcomes=_outcomes(question),
    )


def places_of(question: Aggregate) -> dict[str, str]:
    """The fields of the payload by the names that people use.

    Raises:
        NoField: a field cannot be counted by, or the figure is not of these.
    """
    if question.of != "calls" and question.metric in _OF_CALLS:
        raise NoField(f"{_OF_CALLS[question.metric]} are of calls, not of {question.of}", hint="count calls")
    if len(set(question.by)) < len(question.by):
        raise NoField(f"{question.by[0]} is named twice", hint="count by two different fields, or by one")
    return {name: countable(name, question.of, question.outcomes) for name in question.by}


def _outcomes(question: Aggregate) -> OutcomeSource | None:
    asks = question.metric == "win_rate" or "outcome" in question.by or asks_outcome(question.where)
    return question.outcomes if asks else None


async def _side(counting: Counting, where: Where, name: str, place: str, limit: int) -> _Side:
    counts = await counting.by(place, where)
    shown = unbroken(counts, name, limit) if is_period(name) else list(counts)[:limit]
    return _Side(name, place, counts, shown)


async def _cells(counting: Counting, where: Where, sides: Sequence[_Side]) -> Iterable[tuple[Names, Tally]]:
    if not sides:
        return []
    if counting.metric == "avg_handle_time":
        _check_timed(sides)
    if len(sides) == 1:
        (side,) = sides
        found = await counting.with_times(side.place, where, side.counts, side.shown)
        return [((name,), found.get(name, Tally())) for name in side.shown]
    first, second = sides

    async def row(name: str) -> Mapping[str, Tally]:
        within = both(where, Where(equal={first.place: name}))
        return await counting.with_times(second.place, within, await counting.by(second.place, within), second.shown)

    return _crossed(first, second, await for_each((name for name in first.shown if name in first.counts), row))


def _crossed(first: _Side, second: _Side, rows: Mapping[str, Mapping[str, Tally]]) -> Iterator[tuple[Names, Tally]]:
    """Each value of the one with each of the other; where neither is a time, only those that any call has."""
    is_dense = first.is_time or second.is_time
    for one, other in product(first.shown, second.shown):
        tally = rows.get(one, {}).get(other)
        if tally is not None or is_dense:
            yield (one, other), tally or Tally()


def _check_timed(sides: Sequence[_Side]) -> None:
    groups = 1
    for side in sides:
        groups *= len(side.shown)
    if groups > _MOST_TIMED:
        raise TooWide(
            f"the handle times of {groups:,} groups are more than one question may ask for ({_MOST_TIMED:,})",
            hint="lower the limit, or count by one field",
        )


def _share_of(question: Aggregate) -> str | None:
    """Of two fields, shares are of the period where one is a time, else of the group of the first."""
    if question.metric != "share" or len(question.by) < 2:  # noqa: PLR2004 - of one field they are of all
        return None
    return next(filter(is_period, question.by), question.by[0])


def _base(names: Names, sides: Sequence[_Side], share_of: str | None, whole: Tally) -> int:
    for name, side in zip(names, sides, strict=True):
        if side.name == share_of:
            return side.counts.get(name, Tally()).count
    return whole.count


def _group(names: Names, tally: Tally, metric: Metric, base: int) -> Group:
    return _FIGURES[metric](names, tally, base)


def _count(names: Names, tally: Tally, _: int) -> Group:
    return Group(names, tally.count, tally.count, tally.count)


def _share(names: Names, tally: Tally, base: int) -> Group:
    return _of_all(names, tally.count, tally.count, base)


def _win_rate(names: Names, tally: Tally, _: int) -> Group:
    return _of_all(names, tally.count, tally.won, tally.won + tally.lost)


def _handle_time(names: Names, tally: Tally, _: int) -> Group:
    return Group(names, tally.count, tally.seconds / tally.timed if tally.timed else None, tally.timed)


def _of_all(names: Names, count: int, part: int, n: int) -> Group:
    if not n:
        return Group(names, count, None, 0)
    low, high = wilson(part, n)
    return Group(names, count, part / n, n, low, high)


_FIGURES: Final[Mapping[Metric, Callable[[Names, Tally, int], Group]]] = {
    "count": _count,
    "share": _share,
    "win_rate": _win_rate,
    "avg_handle_time": _handle_time,
}


def _nameless(sides: Sequence[_Side], of: Of, count: int) -> dict[str, int]:
    single = [side for side in sides if not _has_several(side.place, of)]
    missing = {side.name: count - sum(each.count for each in side.counts.values()) for side in single}
    return {name: number for name, number in missing.items() if number}


async def _results(counting: Counting, where: Where, count: int) -> dict[str, int]:
    if counting.metric != "win_rate":
        return {}
    found = await counting.results(where)
    known = {result: found.get(result, 0) for result in ("won", "lost", "open")}
    return {**known, "unknown": count - sum(known.values())}


def _has_several(place: str, of: Of) -> bool:
    return of == "calls" and place in _SEVERAL
