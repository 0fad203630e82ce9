"""How large the boxes of a flow are, and which way its arrows go: what a drawing has before it has any colour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final
from unicodedata import east_asian_width

from pipeline.flow.drawing import Arrow, Box, Picture
from pipeline.flow.drawing_layers import Layout, laid_out
from pipeline.flow.graph import END, START

Point = tuple[float, float]

LINE: Final = 17.0
"""Pixels from one line of a box to the next."""
PAD: Final = 10.0
"""Pixels between the rim of a box and its words."""
_LETTER: Final = 7.3
"""Pixels of a letter at 13 px, generously; a wide one, as of Chinese, takes two."""
_WIDEST: Final = 22
"""Letters of a line of a label; longer ones are broken at ``_``, ``-`` and spaces."""
_MOST_LINES: Final = 3
_THICKEST: Final = 6.0


@dataclass(frozen=True, slots=True)
class Sized:
    """A box with its label in lines, in pixels."""

    lines: tuple[str, ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture with the place of all that is in it, in pixels from the upper left.

    Args:
        boxes: the size of each box, as the picture has them.
        middles: where the middle of each is.
        arrows: those of the picture, kept ones first, the heaviest first.
        ways: for each arrow the points that it goes through, from rim to rim.
        width: of the whole.
        height: of the whole.
    """

    boxes: tuple[Sized, ...]
    middles: tuple[Point, ...]
    arrows: tuple[Arrow, ...]
    ways: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def placed(picture: Picture) -> Placed:
    """Where everything stands."""
    sized = [_sized(box) for box in picture.boxes]
    number = {box.label: at for at, box in enumerate(picture.boxes)}
    arrows = sorted(picture.arrows, key=lambda arrow: (not arrow.kept, -arrow.count, arrow.source, arrow.target))
    layout = laid_out(
        [(one.width, one.height) for one in sized],
        [(arrow.source, arrow.target) for arrow in arrows],
        start=number[START],
        end=number[END],
        firm=sum(arrow.kept for arrow in arrows),
    )
    ways = tuple(map(tuple, _moored(arrows, layout, sized)))
    return Placed(tuple(sized), layout.middles, tuple(arrows), ways, layout.width, layout.height)


def thickness_of(arrow: Arrow, most: int) -> float:
    """Pixels of a line, by how often the arrow is taken; ``most`` is the count of the heaviest."""
    return 1 + (_THICKEST - 1) * sqrt(arrow.count / most)


def curve(way: Sequence[Point]) -> str:
    """Level at every point, so that pieces meet smoothly."""
    (x, y), *rest = way
    pieces = [f"M{x:.1f} {y:.1f}"]
    for next_x, next_y in rest:
        bend = (next_x - x) / 2
        pieces.append(f"C{x + bend:.1f} {y:.1f} {next_x - bend:.1f} {next_y:.1f} {next_x:.1f} {next_y:.1f}")
        x, y = next_x, next_y
    return "".join(pieces)


def shortened(before: Point, tip: Point) -> Point:
    """Where a line ends, inside the arrow's head."""
    return tip[0] - (6 if tip[0] > before[0] else -6), tip[1]


def head(before: Point, tip: Point, thickness: float) -> str:
    """The head of an arrow, as a path."""
    back = -8 - thickness / 2 if tip[0] > before[0] else 8 + thickness / 2
    half = 3.5 + thickness / 2
    return f"M{tip[0]:.1f} {tip[1]:.1f}l{back:.1f} {-half:.1f}v{2 * half:.1f}z"


def _sized(box: Box) -> Sized:
    lines = _broken(box.label)
    letters = max(_letters(line) for line in lines)
    small = max((_letters(line) for line in box.lines), default=0) * 0.86  # of 11 px
    height = (len(lines) + len(box.lines)) * LINE + 2 * PAD
    return Sized(lines, max(letters, small, 6) * _LETTER + 2 * PAD, height)


def _letters(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _broken(label: str) -> tuple[str, ...]:
    """A label in at most three lines, the last of them cut where it is longer still."""
    lines, line = [], ""
    for letter in label:
        if _letters(line + letter) > _WIDEST:
            at = max(line.rfind(mark) for mark in "_- ") + 1
            at = at if at > _WIDEST // 3 else len(line)
            lines.append(line[:at])
            line = line[at:]
        line += letter
    lines.append(line)
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1][: _WIDEST - 1] + "…"]
    return tuple(lines)


def _moored(arrows: Sequence[Arrow], layout: Layout, sized: Sequence[Sized]) -> list[list[Point]]:
    """The ways with their ends on the sides of the boxes, spread in the order in which the edges come."""
    sides: defaultdict[tuple[int, bool], list[tuple[float, int, bool]]] = defaultdict(list)
    for at, (arrow, route) in enumerate(zip(arrows, layout.routes, strict=True)):
        leads_right = at not in layout.turned
        sides[arrow.source, leads_right].append((route[1][1], at, True))
        sides[arrow.target, not leads_right].append((route[-2][1], at, False))
    ways = [list(route) for route in layout.routes]
    for (box, is_right), ends in sides.items():
        x, y = layout.middles[box]
        x += sized[box].width / 2 * (1 if is_right else -1)
        apart = min(16.0, sized[box].height * 0.7 / max(1, len(ends) - 1))
        for number, (_, at, is_first) in enumerate(sorted(ends)):
            ways[at][0 if is_first else -1] = (x, y + (number - (len(ends) - 1) / 2) * apart)
    return ways
