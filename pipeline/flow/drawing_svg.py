"""A flow as SVG, drawn without any library: for light and dark, what comes from calls always text."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from pipeline.flow.drawing import Box, Picture
from pipeline.flow.drawing_places import LINE, PAD, Placed, Point, Sized, curve, head, placed, shortened, thickness_of

_MARGIN: Final = 16.0
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


def svg(picture: Picture, *, is_read_box_by_box: bool = False) -> str:
    """One ``<svg>`` element with a style of its own.

    Args:
        picture: what is drawn.
        is_read_box_by_box: whether boxes can be reached by keyboard and are read aloud one by one, as in a page;
            otherwise it is one picture with a title and a description.
    """
    drawn = placed(picture)
    width, height = drawn.width + 2 * _MARGIN, drawn.height + 2 * _MARGIN
    corner = f"{-_MARGIN:.0f} {-_MARGIN:.0f}"
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="{corner} {width:.0f} {height:.0f}"'
    role = 'role="group" aria-label="steps and what follows them"' if is_read_box_by_box else 'role="img"'
    return "\n".join(
        [
            f'<svg class="flow" xmlns="http://www.w3.org/2000/svg" {role} {size}>',
            *([] if is_read_box_by_box else _told(picture)),
            f"<style>{STYLE}</style>",
            f'<rect class="sheet" x="{-_MARGIN:.0f}" y="{-_MARGIN:.0f}" width="{width:.0f}" height="{height:.0f}"/>',
            *_edges(drawn),
            *(
                _drawn_box(box, size, middle, can_be_reached=is_read_box_by_box)
                for box, size, middle in zip(picture.boxes, drawn.boxes, drawn.middles, strict=True)
            ),
            "</svg>",
            "",
        ]
    )


def _told(picture: Picture) -> list[str]:
    return [f"<title>{escape(picture.title)}</title>", f"<desc>{escape('; '.join(picture.notes))}</desc>"]


def _drawn_box(box: Box, size: Sized, middle: Point, *, can_be_reached: bool) -> str:
    x, y = middle
    top = y - size.height / 2
    kind = "box mark" if box.is_mark else "box"
    reached = f' tabindex="0" role="img" aria-label="{escape(box.about)}"' if can_be_reached else ""
    radius = size.height / 2 if box.is_mark else 6
    texts = [("name", line) for line in size.lines] + [("figures", line) for line in box.lines]
    written = "".join(
        f'<text class="{kind_of}" x="{x:.1f}" y="{top + PAD + (at + 0.76) * LINE:.1f}">{escape(line)}</text>'
        for at, (kind_of, line) in enumerate(texts)
    )
    return (
        f'<g class="{kind}"{reached}><title>{escape(box.about)}</title><rect class="step" x="{x - size.width / 2:.1f}"'
        f' y="{top:.1f}" width="{size.width:.1f}" height="{size.height:.1f}" rx="{radius:.0f}"/>{written}</g>'
    )


def _edges(drawn: Placed) -> Iterator[str]:
    """Each edge with its figure; those that are taken most are drawn last, on top."""
    most = max((arrow.count for arrow in drawn.arrows), default=1)
    for arrow, way in reversed(list(zip(drawn.arrows, drawn.ways, strict=True))):
        thickness = thickness_of(arrow, most)
        *before, tip = way
        short = shortened(before[-1], tip)
        kind = "edge" if arrow.kept else "edge noise"
        x, y = _between(way[0], way[1])
        yield (
            f'<g class="link" data-share="{arrow.share:.4f}" data-ends="{arrow.source} {arrow.target}">'
            f"<title>{escape(arrow.about)}</title>"
            f'<path class="{kind}" stroke-width="{thickness:.1f}" d="{curve([*before, short])}"/>'
            f'<path class="head" d="{head(before[-1], tip, thickness)}"/>'
            f'<text class="share" x="{x:.1f}" y="{y + 4:.1f}">{arrow.words}</text></g>'
        )


def _between(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2
