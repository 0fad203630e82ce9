"""A chart as a figure of Matplotlib: bars, curves over time, or a grid where these would be too many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter
from rich.cells import cell_len, set_cell_size

from workers.cli.output import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from workers.cli.questions.charts import Chart, Point

Colours = Mapping[str, str]

_MOST_CURVES: Final = 6
_MOST_TICKS: Final = 9
_MOST_FIGURES: Final = 16
"""Columns of a grid whose cells have room for a figure."""
_WIDTH: Final = 9.6
"""Inches; the rest are, too."""
_COLUMN: Final = 0.08
"""A column of a terminal in print: half of a Chinese character, and more than most Latin letters."""
_ROW: Final = 0.3
_AXIS: Final = 0.6
_PAD: Final = 0.15
_LINE: Final = 0.2
_TITLE_LINE: Final = 0.26
_LONGEST: Final = 36
_LONGEST_FIGURE: Final = 48
_SMALL: Final = 9
_NOTE_WIDTH: Final = 130
_TITLE_WIDTH: Final = 85


def drawn(chart: Chart, colours: Colours, *, titled: bool) -> Figure:
    """The chart; its title and notes are in it where it is ``titled``."""
    title = wrap(plain(chart.title), _TITLE_WIDTH) if titled else []
    notes = [line for note in chart.notes for line in wrap(plain(note), _NOTE_WIDTH)] if titled else []
    is_curves = chart.is_time and len(chart.series) <= _MOST_CURVES
    is_grid = not is_curves and len(chart.series) > 1
    names = [one.name for one in chart.series] if is_grid else [point.name for point in chart.series[0].points]
    beside = _beside(chart, is_curves=is_curves, is_grid=is_grid)
    left = 0.8 if is_curves else _PAD + _inches(names)
    right = _PAD + 0.1 + max(map(cell_len, beside), default=0) * _COLUMN
    height = 3.6 if is_curves else max(2, len(names)) * _ROW
    above = _PAD + len(title) * _TITLE_LINE + (0.7 if is_grid else 0.1)
    below = _AXIS + len(notes) * _LINE
    whole = above + height + below
    figure = Figure(figsize=(_WIDTH, whole))
    axes = figure.add_axes((left / _WIDTH, below / whole, (_WIDTH - left - right) / _WIDTH, height / whole))
    _frame(axes, colours)
    draw = _curves if is_curves else _grid if is_grid else _bars
    draw(axes, chart, colours)
    _write(figure, [(_PAD + number * _TITLE_LINE, line, 12) for number, line in enumerate(title)], colours)
    first = whole - len(notes) * _LINE
    _write(figure, [(first + number * _LINE, line, _SMALL) for number, line in enumerate(notes)], colours)
    return figure


def _write(figure: Figure, lines: Iterable[tuple[float, str, int]], colours: Colours) -> None:
    """Lines of text, each so many inches below the top, and its size."""
    width, height = figure.get_size_inches()
    for below_top, line, size in lines:
        figure.text(_PAD / width, 1 - below_top / height, line, va="top", size=size, color=colours["ink"])


def _beside(chart: Chart, *, is_curves: bool, is_grid: bool) -> list[str]:
    """What stands to the right of the axes."""
    if is_grid:
        return []
    if is_curves:
        return [f"----- {one.name}" for one in chart.series] if len(chart.series) > 1 else []
    return [_short(point.said, _LONGEST_FIGURE) for point in chart.series[0].points]


def _bars(axes: Axes, chart: Chart, colours: Colours) -> None:
    points = chart.series[0].points
    places = range(len(points))
    values = [point.value or 0 for point in points]
    axes.barh(places, values, height=0.62, color=colours["curve-0"])
    for place, point in zip(places, points, strict=True):
        if point.low is not None and point.high is not None:
            axes.plot((point.low, point.high), (place, place), color=colours["ink"], linewidth=1.2)
        axes.text(
            1.01,
            place,
            _short(point.said, _LONGEST_FIGURE),
            transform=axes.get_yaxis_transform(),
            va="center",
            **_text(colours),
        )
    axes.set_yticks(places, [_short(point.name) for point in points])
    axes.set_ylim(len(points) - 0.4, -0.6)
    if min(values, default=0) >= 0:
        axes.set_xlim(left=0)
    axes.set_xlabel(chart.unit, **_text(colours))
    axes.xaxis.set_major_formatter(_figures(chart))
    axes.grid(axis="x", color=colours["faint"], linewidth=0.6)


def _curves(axes: Axes, chart: Chart, colours: Colours) -> None:
    for number, one in enumerate(chart.series):
        colour = colours[f"curve-{number}"]
        values = [float("nan") if point.value is None else point.value for point in one.points]
        axes.plot(range(len(values)), values, color=colour, marker="o", markersize=3.5, label=_short(one.name))
        if len(chart.series) == 1:
            _reach(axes, one.points, colour)
    names = [point.name for point in chart.series[0].points]
    step = -(-len(names) // _MOST_TICKS)
    axes.set_xticks(range(0, len(names), step), [_short(name) for name in names[::step]])
    if min(chain.from_iterable((p.value or 0 for p in one.points) for one in chart.series), default=0) >= 0:
        axes.set_ylim(bottom=0)
    axes.set_ylabel(chart.unit, **_text(colours))
    axes.yaxis.set_major_formatter(_figures(chart))
    axes.grid(axis="y", color=colours["faint"], linewidth=0.6)
    if len(chart.series) > 1:
        legend = axes.legend(
            loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=_SMALL, labelcolor=colours["ink"]
        )
        legend.set_in_layout(False)


def _reach(axes: Axes, points: Iterable[Point], colour: str) -> None:
    """The intervals around a curve."""
    for place, point in enumerate(points):
        if point.low is not None and point.high is not None:
            axes.plot((place, place), (point.low, point.high), color=colour, alpha=0.35, linewidth=4)


def _grid(axes: Axes, chart: Chart, colours: Colours) -> None:
    columns = [point.name for point in chart.series[0].points]
    most = max((p.value or 0 for one in chart.series for p in one.points), default=0) or 1
    for y, one in enumerate(chart.series):
        for x, point in enumerate(one.points):
            shade = 0.75 * max(point.value or 0, 0) / most
            axes.add_patch(Rectangle((x, y), 1, 1, facecolor=colours["curve-0"], alpha=shade, linewidth=0))
            if len(columns) <= _MOST_FIGURES:
                said = "-" if point.value is None else _figure(point.value, is_share=chart.is_share)
                axes.text(x + 0.5, y + 0.5, said, ha="center", va="center", **_text(colours))
    step = -(-len(columns) // (_MOST_TICKS if chart.is_time else len(columns)))
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(chart.series), 0)
    axes.xaxis.tick_top()
    axes.set_xticks([place + 0.5 for place in range(0, len(columns), step)], map(_short, columns[::step]))
    axes.set_yticks([place + 0.5 for place in range(len(chart.series))], [_short(one.name) for one in chart.series])
    axes.set_xlabel(chart.unit, **_text(colours))
    if sum(map(cell_len, columns)) * _COLUMN > _WIDTH / 2 and not chart.is_time:
        for label in axes.get_xticklabels():
            label.set(rotation=25, ha="left")


def _frame(axes: Axes, colours: Colours) -> None:
    axes.set_facecolor("none")
    axes.tick_params(colors=colours["ink"], labelsize=_SMALL, length=0)
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
    axes.set_axisbelow(True)


def _figures(chart: Chart) -> FuncFormatter:
    return FuncFormatter(lambda value, _: _figure(value, is_share=chart.is_share))


def _figure(value: float, *, is_share: bool) -> str:
    return f"{value:.0%}" if is_share else f"{value:,.10g}" if value == round(value) else f"{value:,.1f}"


def _text(colours: Colours) -> dict[str, Any]:
    return {"size": _SMALL, "color": colours["ink"]}


def _short(name: str, most: int = _LONGEST) -> str:
    shown = plain(name)
    return shown if cell_len(shown) <= most else set_cell_size(shown, most - 1) + "…"


def _inches(names: Iterable[str]) -> float:
    return max((cell_len(_short(name)) for name in names), default=0) * _COLUMN + 0.1
