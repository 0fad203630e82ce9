"""Charts as values, and as lines for a terminal: bars, or a row of small columns for each series over time.

Nothing is said by colour, names take as many columns as they are wide (Chinese takes two), and each row has its figures
beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, set_cell_size

from workers.cli.output import plain

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_COLUMNS: Final = "▁▂▃▄▅▆▇█"
_NO_FIGURE: Final = "·"
_WIDEST_NAME: Final = 32
_NARROWEST: Final = 10


@dataclass(frozen=True, slots=True)
class Point:
    """One figure: of what, how much (None: there is none), how people read it, and its interval where it has one."""

    name: str
    value: float | None
    said: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Figures that belong together, in order."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is shown: one series of bars, or several series over the same points.

    Args:
        title: the question, for people.
        notes: what the figures are of and how far they go, a line each.
        unit: what the values are, such as ``calls`` or ``seconds``.
        series: where there are several, or ``is_time``, each has a row or a curve; all have the same names of points.
        is_time: the points are periods, in order.
        is_share: the values are shares, shown in percent.
    """

    title: str
    notes: tuple[str, ...]
    unit: str
    series: tuple[Series, ...]
    is_time: bool = False
    is_share: bool = False


def lines(chart: Chart, width: int) -> Iterator[str]:
    """The chart for a terminal that is ``width`` columns wide, without its title and notes."""
    if len(chart.series) == 1:
        return _bars(chart.series[0].points, width)
    return _rows(chart.series, width)


def _bars(points: Sequence[Point], width: int) -> Iterator[str]:
    """A bar a figure from the left; where some are below zero, from the middle."""
    name_width = _widest(point.name for point in points)
    said_width = _widest((point.said for point in points), most=width)
    most = max((abs(point.value or 0) for point in points), default=0) or 1
    space = max(_NARROWEST, width - name_width - said_width - 4)
    has_two_sides = any((point.value or 0) < 0 for point in points)
    for point in points:
        share = (point.value or 0) / most
        bar = _two_sided(share, space // 2) if has_two_sides else _bar(share, space)
        yield f"{_fit(point.name, name_width)}  {bar}  {plain(point.said)}".rstrip()


def _bar(share: float, space: int) -> str:
    """A bar of this share of the space, to an eighth of a column, with blanks behind it; never none of something."""
    eighths = max(round(share * space * 8), 1 if share > 0 else 0)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[part] if part else "")).ljust(space)


def _two_sided(share: float, space: int) -> str:
    """Whole columns, as a bar to the left cannot end within one."""
    bar = "█" * (max(1, round(abs(share) * space)) if share else 0)
    return f"{bar if share < 0 else '':>{space}}│{bar if share > 0 else '':<{space}}"


def _rows(series: Sequence[Series], width: int) -> Iterator[str]:
    """A row a series, each to its own scale, whose lowest and highest figures stand beside it.

    Where there are more points than columns, the last are shown.
    """
    name_width = _widest(one.name for one in series)
    ranges = [_range(one.points) for one in series]
    range_width = _widest(ranges, most=width)
    space = max(_NARROWEST, width - name_width - range_width - 4)
    names = [point.name for point in series[0].points]
    shown = names[-space:]
    left_out = len(names) - len(shown)
    for one, said in zip(series, ranges, strict=True):
        row = columns([point.value for point in one.points])[-space:]
        yield f"{_fit(one.name, name_width)}  {row}  {said}".rstrip()
    if shown:
        more = f", the last {len(shown)} of {len(names)}" if left_out else ""
        yield f"{' ' * name_width}  {plain(f'{shown[0]} to {shown[-1]}')}{more}"


def columns(values: Sequence[float | None]) -> str:
    """A row of small columns, the highest of which is the highest value; a point where there is none."""
    known = [value for value in values if value is not None]
    most = max(known, default=0) or 1
    return "".join(_NO_FIGURE if value is None else _COLUMNS[round(max(value, 0) / most * 7)] for value in values)


def _range(points: Sequence[Point]) -> str:
    known = sorted((point.value, point.said) for point in points if point.value is not None)
    return f"{known[0][1]} to {known[-1][1]}" if known else "no figure"


def _widest(texts: Iterable[str], most: int = _WIDEST_NAME) -> int:
    return min(most, max((cell_len(plain(text)) for text in texts), default=0))


def _fit(text: str, width: int) -> str:
    """The text in so many columns, cut with an ellipsis where it is wider."""
    shown = plain(text)
    if cell_len(shown) > width:
        return set_cell_size(shown, width - 1) + "…"
    return set_cell_size(shown, width)
