"""Curves over one axis as an SVG, written by hand: no plotting library is needed for a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

Point = tuple[float, float]

_WIDTH: Final = 760
_HEIGHT: Final = 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 30, 60, 60
_COLOURS: Final = ("#0b6fb8", "#c2410c", "#15803d", "#7c3aed")
_INK: Final = "#3f3f46"
_NICE: Final = (1, 2, 2.5, 5, 10)
_TICKS: Final = 6


@dataclass(frozen=True, slots=True)
class Plot:
    """What is shown: ``curves`` by name, each in order of x; both axes begin at 0."""

    title: str
    x_label: str
    y_label: str
    curves: Mapping[str, Sequence[Point]]

    def svg(self) -> str:
        """The whole file."""
        x_ticks = ticks(max(x for points in self.curves.values() for x, _ in points))
        y_ticks = ticks(max(y for points in self.curves.values() for _, y in points))
        return "\n".join([*self._frame(x_ticks, y_ticks), *self._curves(x_ticks[-1], y_ticks[-1]), "</svg>", ""])

    def _frame(self, x_ticks: Sequence[float], y_ticks: Sequence[float]) -> Iterator[str]:
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            f'aria-label="{escape(self.title)}" font-family="sans-serif" font-size="12">'
        )
        yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
        yield f'<text x="{_LEFT}" y="24" fill="{_INK}" font-size="15">{escape(self.title)}</text>'
        for x in x_ticks:
            at, _ = _place((x, 0), x_ticks[-1], y_ticks[-1])
            yield _text(at, _HEIGHT - _BOTTOM + 18, f"{x:,g}")
        for y in y_ticks:
            _, at = _place((0, y), x_ticks[-1], y_ticks[-1])
            yield f'<path d="M{_LEFT} {at:g}H{_WIDTH - _RIGHT}" stroke="#d4d4d8"/>'
            yield _text(_LEFT - 8, at + 4, f"{y:,.0f}", "end")
        yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 16, self.x_label)
        yield _text(_LEFT, 44, self.y_label, "start")

    def _curves(self, x_most: float, y_most: float) -> Iterator[str]:
        for number, (name, points) in enumerate(self.curves.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            places = [_place(point, x_most, y_most) for point in points]
            yield (
                f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}" '
                f'fill="none" stroke="{colour}" stroke-width="2"/>'
            )
            yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
            x, y = places[-1]
            yield _text(x, y - 10, name, "end", colour)


def ticks(most: float) -> list[float]:
    """Round numbers from 0 to the first that is not below ``most``, which is at least 1; at most eight."""
    size: float = 1.0
    while size * _NICE[-1] * _TICKS < most:
        size *= 10
    while size * _TICKS >= most:
        size /= 10
    step = next(nice * size for nice in _NICE if nice * size * _TICKS >= most)
    count = -int(-most // step)
    return [step * number for number in range(count + 1)]


def _place(point: Point, x_most: float, y_most: float) -> Point:
    x = _LEFT + point[0] / x_most * (_WIDTH - _LEFT - _RIGHT)
    y = _HEIGHT - _BOTTOM - point[1] / y_most * (_HEIGHT - _TOP - _BOTTOM)
    return x, y


def _text(x: float, y: float, text: str, anchor: str = "middle", colour: str = _INK) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
