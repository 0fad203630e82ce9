"""How agents talk in two sets of calls: the mean of each figure of ``schemas.insight.SideTalk``, where it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from pipeline.ports import Where
from pipeline.questions.differences.sampling import MOST_READ
from pipeline.questions.differences.statistics import mean_difference
from pipeline.questions.narrowing import Asking
from pipeline.store.collections import CALLS
from schemas.wire import Role

FIGURES: Final[Mapping[str, str]] = {
    "share": "of all that was spoken",
    "longest_ms": "ms, longest stretch",
    "units_per_minute": "words or characters a minute",
    "interruptions": "interruptions a call",
    "response_ms": "ms until the answer, as a rule",
}
"""Each with its unit."""


@dataclass(frozen=True, slots=True)
class TalkFigure:
    """The mean over so many calls of a and of b, and the difference a less b with its 95 % interval."""

    name: str
    unit: str
    a: float
    of_a: int
    b: float | None
    of_b: int
    difference: float | None
    low: float | None
    high: float | None


async def talk_figures(asking: Asking, a: Where, b: Where | None) -> tuple[TalkFigure, ...]:
    """Those that a has; from a sample of the calls."""
    own = await _sides(asking, a)
    others = await _sides(asking, b) if b is not None else []
    return tuple(_figure(name, _values(own, name), _values(others, name)) for name in FIGURES if _values(own, name))


async def _sides(asking: Asking, where: Where) -> list[Mapping[str, Any]]:
    hits, _ = await asking.store.page(CALLS, where, MOST_READ, fields=["talk"])
    talks = (hit.payload.get("talk") or {} for hit in hits)
    return [side for talk in talks for side in talk.get("sides", ()) if side["role"] == Role.AGENT]


def _values(sides: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [float(side[name]) for side in sides if name in side]


def _figure(name: str, a: Sequence[float], b: Sequence[float]) -> TalkFigure:
    apart, low, high = mean_difference(a, b) or (None, None, None)
    return TalkFigure(name, FIGURES[name], fmean(a), len(a), fmean(b) if b else None, len(b), apart, low, high)
