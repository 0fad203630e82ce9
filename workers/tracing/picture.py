"""A trace as SVG, drawn without any library, for light and dark: a row a span, time from left to right."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from workers.tracing.time_axis import TimeAxis, time_axis
from workers.tracing.waterfall import Row, Waterfall, told

_ROW: Final = 20
_LABELS: Final = 360
"""Width of the column of names."""
_BARS: Final = 620
_INDENT: Final = 12
_PAD: Final = 16
_TOP: Final = 104
_THINNEST: Final = 2.0
"""A span of 1 ms in a call of 10 s is still to be seen."""
_ROOM: Final = 70
"""What a time beside its bar takes."""
_APART: Final = 56
"""Between the times of the axis that are written out."""
_STYLE: Final = """
  .trace { --paper: #ffffff; --ink: #27272a; --soft: #71717a; --line: #e4e4e7; --bad: #b91c1c; color-scheme: light dark;
    font: 12px system-ui, sans-serif; }
  @media (prefers-color-scheme: dark) { .trace { --paper: #18181b; --ink: #e4e4e7; --soft: #a1a1aa; --line: #3f3f46;
    --bad: #f87171; } }
  .trace .sheet { fill: var(--paper); }
  .trace text { fill: var(--ink); }
  .trace .soft { fill: var(--soft); font-size: 11px; }
  .trace .title { font-size: 15px; }
  .trace .tick { stroke: var(--line); }
  .trace .cut { fill: var(--line); fill-opacity: 0.45; }
  .trace .failed { stroke: var(--bad); stroke-width: 2px; }
"""
_COLOURS: Final = ("#71717a", "#0b6fb8", "#c2410c", "#15803d", "#7c3aed", "#b45309", "#0f766e", "#be185d", "#4d7c0f")


def svg(drawn: Waterfall, title: str) -> str:
    """The whole file."""
    width, height = 2 * _PAD + _LABELS + _BARS, _TOP + _ROW * len(drawn.rows) + _PAD
    colours = {stage: _COLOURS[at % len(_COLOURS)] for at, stage in enumerate(drawn.stages)}
    axis = time_axis(time for row in drawn.rows for time in (row.at_ms, row.at_ms + row.ms))
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    about = f"{len(drawn.rows)} spans in {told(drawn.ms)}: {', '.join(drawn.stages)}"
    return "\n".join(
        [
            f'<svg class="trace" xmlns="http://www.w3.org/2000/svg" role="img" {size}>',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(about)}</desc>",
            f"<style>{_STYLE}</style>",
            f'<rect class="sheet" width="{width}" height="{height}"/>',
            f'<text class="title" x="{_PAD}" y="26">{escape(title)}</text>',
            *_legend(colours),
            *_axis(axis, height),
            *(line for at, row in enumerate(drawn.rows) for line in _row(row, at, axis, colours[row.stage])),
            "</svg>",
            "",
        ]
    )


def _legend(colours: dict[str, str]) -> Iterator[str]:
    x = _PAD
    for stage, colour in colours.items():
        yield f'<rect x="{x}" y="40" width="10" height="10" rx="2" fill="{colour}"/>'
        yield f'<text x="{x + 15}" y="49">{escape(stage)}</text>'
        x += 30 + 7 * len(stage)


def _axis(axis: TimeAxis, height: int) -> Iterator[str]:
    for piece in axis.pieces:
        if piece.is_cut:
            x, wide = _x(piece.start), _x(piece.end) - _x(piece.start)
            y, high = _TOP - 8, height - _TOP + 8 - _PAD
            yield f'<rect class="cut" x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{high}"/>'
            yield _soft(x + wide / 2, _TOP - 14, f"… {told(piece.to_ms - piece.from_ms)}")
    taken: float = -_APART
    for at_ms in axis.ticks():
        x = _x(axis.place(at_ms))
        yield f'<path class="tick" d="M{x:.1f} {_TOP - 8}V{height - _PAD}"/>'
        if x - taken >= _APART:
            yield _soft(x, _TOP - 28, _tick(at_ms))
            taken = x


def _row(row: Row, at: int, axis: TimeAxis, colour: str) -> Iterator[str]:
    y, x = _TOP + at * _ROW, _x(axis.place(row.at_ms))
    wide = max(_THINNEST, _x(axis.place(row.at_ms + row.ms)) - x)
    bad = ' class="failed"' if row.failed else ""
    faint = ' fill-opacity="0.55"' if row.kind in {"client", "producer"} else ""
    tries = f", {row.retries + 1} attempts" * bool(row.retries)
    time = f"{told(row.ms)}{tries}"
    name_x = _PAD + min(row.depth, 12) * _INDENT
    yield f'<text x="{name_x}" y="{y + 14}">{escape(row.name)}</text>'
    yield f'<rect x="{x:.1f}" y="{y + 4}" width="{wide:.1f}" height="{_ROW - 8}" rx="2" fill="{colour}"{faint}{bad}/>'
    fits = x + wide + _ROOM < _PAD + _LABELS + _BARS
    time_x, anchor = (x + wide + 5, "start") if fits else (x - 5, "end")
    yield f'<text class="soft" x="{time_x:.1f}" y="{y + 14}" text-anchor="{anchor}">{time}</text>'


def _x(place: float) -> float:
    return _PAD + _LABELS + place * (_BARS - _PAD)


def _soft(x: float, y: float, text: str) -> str:
    return f'<text class="soft" x="{x:.1f}" y="{y}" text-anchor="middle">{text}</text>'


def _tick(ms: float) -> str:
    return f"{ms / 1_000:g} s" if ms >= 1_000 else f"{ms:g} ms"  # noqa: PLR2004 - a second
