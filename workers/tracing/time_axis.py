"""From times to places, with long stretches in which nothing begins or ends cut short: they would be all one sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_SHARE: Final = 0.08
"""The most that a stretch without a beginning or an end takes of the width: recognising speech takes half a minute,
and the seven stages after it take less than a second.
"""
_WORTH: Final = 2.0
"""How many times longer than what may be drawn a stretch must be to be cut: a cut that saves little only disturbs."""
_NICE: Final = (1, 2, 5, 10)
_TICKS: Final = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of time in ms and where it lies, from 0 to 1; ``is_cut`` where it is drawn shorter than it was."""

    from_ms: float
    to_ms: float
    start: float
    end: float
    is_cut: bool

    def place(self, at_ms: float) -> float:
        """Where a time of this stretch lies."""
        took = self.to_ms - self.from_ms
        return self.start + (at_ms - self.from_ms) / took * (self.end - self.start) if took else self.start


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Pieces one after the other, from 0 ms on."""

    pieces: tuple[Piece, ...]

    def place(self, at_ms: float) -> float:
        """Where a time lies, from 0 to 1."""
        found = next((piece for piece in self.pieces if at_ms <= piece.to_ms), None)
        return 1.0 if found is None else found.place(max(at_ms, found.from_ms))

    def ticks(self) -> list[float]:
        """Round times that are not in a cut, so far apart that eight or fewer would fill the width."""
        whole = [piece for piece in self.pieces if not piece.is_cut]
        step = _step(sum(piece.to_ms - piece.from_ms for piece in whole))
        times = (step * n for one in whole for n in range(int(one.from_ms / step), int(one.to_ms / step) + 1))
        return sorted({at for at in times if any(one.from_ms <= at <= one.to_ms for one in whole)})


def time_axis(times_ms: Iterable[float]) -> TimeAxis:
    """The axis for spans that begin and end at these times."""
    at = sorted({0.0, *times_ms})
    lengths = [after - before for before, after in pairwise(at)]
    return TimeAxis(tuple(_pieces(at, lengths, _longest(lengths))))


def _longest(lengths: list[float]) -> float:
    """The most that any stretch is drawn with: its share of all that is drawn then.

    With ``k`` stretches cut and ``rest`` the sum of the others, ``m = share * (rest + k * m)``.
    """
    ordered = sorted(lengths, reverse=True)
    for cut in range(int(1 / _SHARE)):
        rest = sum(ordered[cut:])
        most = _SHARE * rest / (1 - _SHARE * cut)
        if cut >= len(ordered) or ordered[cut] <= most:
            return most
    return ordered[0]


def _pieces(at: list[float], lengths: list[float], longest: float) -> Iterator[Piece]:
    longest = longest or max(lengths, default=0.0)
    cuts = [length > _WORTH * longest for length in lengths]
    shown = [longest if is_cut else length for length, is_cut in zip(lengths, cuts, strict=True)]
    drawn, done = sum(shown) or 1.0, 0.0
    for (before, after), here, is_cut in zip(pairwise(at), shown, cuts, strict=True):
        yield Piece(before, after, done / drawn, (done + here) / drawn, is_cut=is_cut)
        done += here


def _step(ms: float) -> float:
    size = 0.001
    while size * _NICE[-1] * _TICKS < ms:
        size *= 10
    return next((nice * size for nice in _NICE if nice * size * _TICKS >= ms), size)
