"""A flow as SVG, drawn without any library: for light and dark, what comes from calls always text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import sqrt
from typing import Final
from unicodedata import east_asian_width

from pipeline.flow.drawing import Arrow, Box, Picture
from pipeline.flow.drawing_layers import Layout, laid_out
from pipeline.flow.graph import END, START

Point = tuple[float, float]

_MARGIN: Final = 16.0
_LETTER: Final = 7.3
"""Pixels of a letter at 13 px, generously; a wide one, as of Chinese, takes two."""
_LINE: Final = 17.0
_PAD: Final = 10.0
_WIDEST: Final = 22
"""Letters of a line of a label; longer ones are broken at ``_``, ``-`` and spaces."""
_MOST_LINES: Final = 3
_THICKEST: Final = 6.0
STYLE: Final = """
  .flow { --paper: #ffffff; --ink: #27272a; --soft: #71717a; --box: #f4f4f5; --rim: #a1a1aa; --edge: #71717a;
    --mark: #0b6fb8; color-scheme: light dark; font: 13px system-ui, "PingFang SC", "Noto Sans CJK SC",
    "Microsoft YaHei", sans-serif; }
  @media (prefers-color-scheme: dark) { .flow { --paper: #18181b; --ink: #e4e4e7; --soft: #a1a1aa; --box: #27272a;
    --rim: #52525b; --edge: #a1a1aa; --mark: #5eb1ef; } }
  .flow .sheet { fill: var(--paper); }
  .flow text { fill: var(--ink); text-anchor: middle; }
  .flow .figures, .flow .share { fill: var(--soft); font-size: 11px; }
  .flow .share { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; }
  .flow rect.step { fill: var(--box); stroke: var(--rim); }
  .flow .mark rect.step { stroke: var(--mark); stroke-width: 2px; }
  .flow .mark .name { fill: var(--mark); font-weight: 600; }
  .flow .edge { fill: none; stroke: var(--edge); stroke-opacity: 0.75; }
  .flow .noise { stroke-dasharray: 3 4; stroke-opacity: 0.5; }
  .flow .head { fill: var(--edge); }
  .flow .box:focus-visible { outline: none; }
  .flow .box:focus-visible rect.step { stroke: var(--mark); stroke-width: 3px; }
"""


@dataclass(frozen=True, slots=True)
class _Sized:
    """A box with its label in lines, in pixels."""

    lines: tuple[str, ...]
    width: float
    height: float


def svg(picture: Picture, *, is_read_box_by_box: bool = False) -> str:
    """One ``<svg>`` element with a style of its own.

    Args:
        picture: what is drawn.
        is_read_box_by_box: whether boxes can be reached by keyboard and are read aloud one by one, as in a page;
            otherwise it is one picture with a title and a description.
    """
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
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    corner = f"{-_MARGIN:.0f} {-_MARGIN:.0f}"
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="{corner} {width:.0f} {height:.0f}"'
    role = 'role="group" aria-label="steps and what follows them"' if is_read_box_by_box else 'role="img"'
    return "\n".join(
        [
            f'<svg class="flow" xmlns="http://www.w3.org/2000/svg" {role} {size}>',
            *([] if is_read_box_by_box else _told(picture)),
            f"<style>{STYLE}</style>",
            f'<rect class="sheet" x="{-_MARGIN:.0f}" y="{-_MARGIN:.0f}" width="{width:.0f}" height="{height:.0f}"/>',
            *_edges(arrows, layout, sized),
            *(
                _drawn_box(box, size, middle, can_be_reached=is_read_box_by_box)
                for box, size, middle in zip(picture.boxes, sized, layout.middles, strict=True)
            ),
            "</svg>",
            "",
        ]
    )


def _told(picture: Picture) -> list[str]:
    return [f"<title>{escape(picture.title)}</title>", f"<desc>{escape('; '.join(picture.notes))}</desc>"]


def _sized(box: Box) -> _Sized:
    lines = _broken(box.label)
    letters = max(_letters(line) for line in lines)
    small = max((_letters(line) for line in box.lines), default=0) * 0.86  # of 11 px
    height = (len(lines) + len(box.lines)) * _LINE + 2 * _PAD
    return _Sized(lines, max(letters, small, 6) * _LETTER + 2 * _PAD, height)


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


def _drawn_box(box: Box, size: _Sized, middle: Point, *, can_be_reached: bool) -> str:
    x, y = middle
    top = y - size.height / 2
    kind = "box mark" if box.is_mark else "box"
    reached = f' tabindex="0" role="img" aria-label="{escape(box.about)}"' if can_be_reached else ""
    radius = size.height / 2 if box.is_mark else 6
    texts = [("name", line) for line in size.lines] + [("figures", line) for line in box.lines]
    written = "".join(
        f'<text class="{kind_of}" x="{x:.1f}" y="{top + _PAD + (at + 0.76) * _LINE:.1f}">{escape(line)}</text>'
        for at, (kind_of, line) in enumerate(texts)
    )
    return (
        f'<g class="{kind}"{reached}><title>{escape(box.about)}</title><rect class="step" x="{x - size.width / 2:.1f}"'
        f' y="{top:.1f}" width="{size.width:.1f}" height="{size.height:.1f}" rx="{radius:.0f}"/>{written}</g>'
    )


def _edges(arrows: Sequence[Arrow], layout: Layout, sized: Sequence[_Sized]) -> Iterator[str]:
    """Each edge with its figure; those that are taken most are drawn last, on top."""
    most = max((arrow.count for arrow in arrows), default=1)
    ways = _moored(arrows, layout, sized)
    for arrow, way in reversed(list(zip(arrows, ways, strict=True))):
        thickness = 1 + (_THICKEST - 1) * sqrt(arrow.count / most)
        *before, tip = way
        short = _shortened(before[-1], tip)
        kind = "edge" if arrow.kept else "edge noise"
        x, y = _between(way[0], way[1])
        yield (
            f'<g class="link" data-share="{arrow.share:.4f}" data-ends="{arrow.source} {arrow.target}">'
            f"<title>{escape(arrow.about)}</title>"
            f'<path class="{kind}" stroke-width="{thickness:.1f}" d="{_curve([*before, short])}"/>'
            f'<path class="head" d="{_head(before[-1], tip, thickness)}"/>'
            f'<text class="share" x="{x:.1f}" y="{y + 4:.1f}">{arrow.words}</text></g>'
        )


def _moored(arrows: Sequence[Arrow], layout: Layout, sized: Sequence[_Sized]) -> list[list[Point]]:
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


def _curve(way: Sequence[Point]) -> str:
    """Level at every point, so that pieces meet smoothly."""
    (x, y), *rest = way
    pieces = [f"M{x:.1f} {y:.1f}"]
    for next_x, next_y in rest:
        bend = (next_x - x) / 2
        pieces.append(f"C{x + bend:.1f} {y:.1f} {next_x - bend:.1f} {next_y:.1f} {next_x:.1f} {next_y:.1f}")
        x, y = next_x, next_y
    return "".join(pieces)


def _between(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def _shortened(before: Point, tip: Point) -> Point:
    """Where the line ends, inside the arrow's head."""
    return tip[0] - (6 if tip[0] > before[0] else -6), tip[1]


def _head(before: Point, tip: Point, thickness: float) -> str:
    back = -8 - thickness / 2 if tip[0] > before[0] else 8 + thickness / 2
    half = 3.5 + thickness / 2
    return f"M{tip[0]:.1f} {tip[1]:.1f}l{back:.1f} {-half:.1f}v{2 * half:.1f}z"
