"""The answer to ``aggregate`` as a chart: its title, a figure a group, and what has to be known to read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from pipeline.moments import clock
from pipeline.questions.counts.periods import is_period
from pipeline.questions.question import Metric
from workers.cli.questions.charts import Chart, Point, Series

if TYPE_CHECKING:
    from pipeline.questions.counts.aggregating import Aggregated, Group
    from pipeline.questions.question import Aggregate

_METRICS: Final[Mapping[Metric, str]] = {
    "count": "{of}",
    "share": "share of {of}",
    "win_rate": "win rate",
    "avg_handle_time": "average handle time",
}
_UNITS: Final[Mapping[Metric, str]] = {**_METRICS, "avg_handle_time": "seconds"}


def chart_of(question: Aggregate, answer: Aggregated) -> Chart:
    """One series of bars by one field; by two a series for each value of the first, or of the one that is no time."""
    return Chart(
        title=title_of(question, answer),
        notes=tuple(_notes(question, answer)),
        unit=_UNITS[question.metric].format(of=question.of),
        series=_series(question, answer),
        is_time=any(map(is_period, question.by)),
        is_share=question.metric in {"share", "win_rate"},
    )


def title_of(question: Aggregate, answer: Aggregated) -> str:
    """The question in words."""
    said = _METRICS[question.metric].format(of=question.of)
    by = f" by {' and '.join(question.by)}" if question.by else ""
    where = f", where {' and '.join(map(str, question.where))}" if question.where else ""
    source = f" (outcomes {answer.outcomes})" if answer.outcomes else ""
    return f"{said}{by}{where}{source}"


def figure_of(group: Group, metric: Metric) -> str:
    """The figure of a group as people read it, with what it is made of."""
    return _FIGURES[metric](group)


def _series(question: Aggregate, answer: Aggregated) -> tuple[Series, ...]:
    if len(question.by) < 2:  # noqa: PLR2004 - by one field there is one series
        return (Series(question.metric, tuple(_bar(group, question.metric) for group in answer.groups)),)
    row, column = (1, 0) if is_period(question.by[0]) and not is_period(question.by[1]) else (0, 1)
    cells = {(group.names[row], group.names[column]): group for group in answer.groups}
    rows = dict.fromkeys(name for name, _ in cells)
    columns = dict.fromkeys(name for _, name in cells)
    return tuple(
        Series(name, tuple(_cell(each, cells.get((name, each)), question.metric) for each in columns)) for name in rows
    )


def _bar(group: Group, metric: Metric) -> Point:
    return Point(group.names[0], group.value, figure_of(group, metric), group.low, group.high)


def _cell(name: str, group: Group | None, metric: Metric) -> Point:
    """One of many, whose figure has to be short."""
    if group is None or group.value is None:
        return Point(name, None, "no figure")
    return Point(name, group.value, _SHORT[metric](group.value), group.low, group.high)


def _notes(question: Aggregate, answer: Aggregated) -> Iterator[str]:
    figure = "" if question.metric in {"count", "share"} else f": {figure_of(answer.total, question.metric)}"
    yield f"{answer.total.count:,} {question.of} in all{figure}"
    if answer.results:
        ended = ", ".join(f"{calls:,} {result}" for result, calls in answer.results.items())
        yield f"as {answer.outcomes}: {ended}; a win rate is of those decided, won or lost"
    if answer.share_of:
        yield f"shares are of the {question.of} of the same {answer.share_of}"
    for name in answer.overlapping:
        yield f"a call can have more than one {name}, so groups overlap and do not add up"
    for name, count in answer.nameless.items():
        yield f"{count:,} {question.of} have no {name}"
    for name, count in answer.left_out.items():
        yield f"left out: {count:,} more of {name}, beyond the limit of {question.limit:,}"
    if question.metric in {"share", "win_rate"}:
        yield "in brackets: the interval of 95 % (Wilson)"


def _count(group: Group) -> str:
    return f"{group.count:,}"


def _share(group: Group) -> str:
    return _rate(group, f"{group.count:,} of {group.n:,}")


def _win_rate(group: Group) -> str:
    undecided = f", {group.count - group.n:,} not" if group.count > group.n else ""
    return _rate(group, f"of {group.n:,} decided{undecided}")


def _handle_time(group: Group) -> str:
    if group.value is None:
        return "no figure"
    unknown = f", {group.count - group.n:,} of unknown length" if group.count > group.n else ""
    return f"{_minutes(group.value)} over {group.n:,}{unknown}"


def _minutes(seconds: float) -> str:
    return clock(round(seconds) * 1_000)


def _rate(group: Group, made_of: str) -> str:
    if group.value is None or group.low is None or group.high is None:
        return f"no figure, {made_of}"
    return f"{group.value:.1%} ({100 * group.low:.1f} to {100 * group.high:.1f}) {made_of}"


_FIGURES: Final[Mapping[Metric, Callable[[Group], str]]] = {
    "count": _count,
    "share": _share,
    "win_rate": _win_rate,
    "avg_handle_time": _handle_time,
}
_SHORT: Final[Mapping[Metric, Callable[[float], str]]] = {
    "count": "{:,.0f}".format,
    "share": "{:.1%}".format,
    "win_rate": "{:.1%}".format,
    "avg_handle_time": _minutes,
}
