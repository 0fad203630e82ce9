"""What is drawn of a flow: boxes and arrows with their words, whatever they are drawn with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pipeline.flow.graph import END, START
from pipeline.flow.mining import Ended, MinedEdge, MinedFlow, MinedStep

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Characters that XML has no place for, or that would turn the direction of what comes after them."""


@dataclass(frozen=True, slots=True)
class Box:
    """A step: its label, a line or two of figures, and all that is known of it as a sentence."""

    label: str
    lines: tuple[str, ...]
    about: str

    @property
    def is_mark(self) -> bool:
        return self.label in {START, END}


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge between two boxes, by their numbers; ``share`` is of what follows the first, 0 to 1."""

    source: int
    target: int
    count: int
    share: float
    kept: bool
    about: str

    @property
    def words(self) -> str:
        return percent(self.share)


@dataclass(frozen=True, slots=True)
class Picture:
    """A flow as it is drawn; ``notes`` are what a reader has to know, a sentence each."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    notes: tuple[str, ...]


def picture(flow: MinedFlow, title: str, *, everything: bool = False, notes: tuple[str, ...] = ()) -> Picture:
    """The kept edges and the steps between them, or ``everything``; closing labels are in the end's box."""
    edges = [edge for edge in flow.edges if everything or edge.kept]
    drawn = {START, END}.union(*({edge.source, edge.target} for edge in edges))
    steps = [step for step in flow.steps if step.label in drawn]
    number = {step.label: at for at, step in enumerate(steps)}
    return Picture(
        _shown(title),
        tuple(_box(step, flow.closing) for step in steps),
        tuple(_arrow(edge, number) for edge in edges),
        tuple(map(_shown, (*notes, *_notes(flow, len(edges))))),
    )


def percent(share: float) -> str:
    """A share as a whole number of percent; what is there at all is not told as 0%."""
    return "<1%" if 0 < share < 0.01 else f"{share * 100:.0f}%"  # noqa: PLR2004 - one percent


def _shown(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text)


def _box(step: MinedStep, closing: tuple[str, ...]) -> Box:
    if step.label == START:
        return Box(START, (f"{step.calls:,} calls",), f"{START}: {step.calls:,} calls begin here")
    if step.label == END:
        said = f", with {', '.join(closing)}" if closing else ""
        return Box(END, tuple(map(_shown, closing[:2])), _shown(f"{END}: {step.calls:,} calls end here{said}"))
    won = step.ended.rate
    figures = f"{percent(step.share)} of calls" + ("" if won is None else f" · won {percent(won)}")
    again = f"; {step.again:,} come back to it" if step.again else ""
    about = f"{step.label}: in {step.calls:,} calls ({percent(step.share)}){again}{_ended(step.ended)}"
    return Box(_shown(step.label), (figures,), _shown(about))


def _arrow(edge: MinedEdge, number: dict[str, int]) -> Arrow:
    after = "" if edge.median_ms is None else f", {_time(edge.median_ms)} later in the median"
    what = f"{edge.source} → {edge.target}: {edge.count:,} times, {percent(edge.probability)} of what follows"
    noise = "" if edge.kept else "; not part of the flow"
    return Arrow(
        number[edge.source],
        number[edge.target],
        edge.count,
        edge.probability,
        edge.kept,
        _shown(f"{what}{after}{_ended(edge.ended)}{noise}"),
    )


def _ended(ended: Ended) -> str:
    if ended.rate is None or ended.low is None or ended.high is None:
        return ""
    span = f"{percent(ended.low)} to {percent(ended.high)}"
    return f"; {percent(ended.rate)} won of {ended.won + ended.lost:,} won or lost ({span})"


def _time(milliseconds: int) -> str:
    seconds = round(milliseconds / 1_000)
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"  # noqa: PLR2004 - two minutes


def _notes(flow: MinedFlow, drawn: int) -> list[str]:
    notes = [f"{flow.calls:,} calls; {drawn:,} of {len(flow.edges):,} edges are drawn"]
    if flow.closing:
        notes.append(f"part of (end), as they close calls: {', '.join(flow.closing)}")
    return notes
