"""Where in an utterance which intent stands: the cut into pieces that are, together, the most probable.

Recognised speech has no punctuation and several sentences in a segment, so every run of words is classified and a
Viterbi search picks the runs that cover the segment with the highest sum of log-probabilities, each piece at a cost.
Where there is punctuation, pieces end at it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, log
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.extract.words import Word, clause_ends, words

NONE: Final = "-"
_LONGEST: Final = 16
# In nats. Chosen by cross-validation on the taxonomy's own examples strung together, and on the sample calls that are
# not held out.
_PIECE: Final = 1.0
_NONE_PIECE: Final = 1.5
_LONE_WORD: Final = 1.0
# When a piece is divided: how sure both parts must be, and how many words each must have.
_SURE: Final = 0.9
_LEAST_PART: Final = 3

_Span = tuple[int, int]
_Chosen = Mapping[_Span, tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words (``text[start:end]``) with its label, ``-`` for none of the intents."""

    label: str
    probability: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lattice:
    """The runs of one text that may become a piece: first word, word after the last, and the words themselves."""

    found: tuple[Word, ...]
    spans: tuple[tuple[int, int], ...]

    @property
    def texts(self) -> list[str]:
        return [" ".join(word.text for word in self.found[first:after]) for first, after in self.spans]


def lattice(text: str) -> Lattice:
    """All runs of up to 16 words; where there is punctuation, only those that begin and end at it.

    A clause that is longer than that by itself is one run, too.
    """
    found = tuple(words(text))
    borders = _borders(text, found)
    if len(borders) == 2:  # noqa: PLR2004 - only the two ends: there is no punctuation to go by
        borders = list(range(len(found) + 1))
    spans = tuple(
        (first, after)
        for place, first in enumerate(borders)
        for after in borders[place + 1 :]
        if after - first <= _LONGEST or after == borders[place + 1]
    )
    return Lattice(found, spans)


def best_cut(runs: Lattice, labels: Sequence[str], probabilities: npt.NDArray[np.float64]) -> list[Piece]:
    """The most probable pieces, in order; ``probabilities`` has a row a span and a column a label.

    A linear classifier is sure of a run that holds two intents, too, so a piece in which two parts are surely of
    different intents is divided.
    """
    tops, surest = probabilities.argmax(axis=1).tolist(), probabilities.max(axis=1).tolist()
    chosen = {span: (labels[top], probability) for span, top, probability in zip(runs.spans, tops, surest, strict=True)}
    return [
        Piece(*chosen[first, after], runs.found[first].start, runs.found[after - 1].end)
        for whole in _cheapest(len(runs.found), chosen)
        for first, after in _divided(whole, chosen)
    ]


def _cheapest(count: int, chosen: _Chosen) -> list[_Span]:
    """The spans that cover all words at the least cost (Viterbi)."""
    best = [0.0] + [inf] * count
    came = [0] * (count + 1)
    for (first, after), (label, probability) in chosen.items():  # in the order of where they begin
        value = best[first] - log(probability) + _cost(label, after - first, count)
        if value < best[after]:
            best[after], came[after] = value, first
    spans: list[_Span] = []
    while count:
        spans.append((came[count], count))
        count = came[count]
    return spans[::-1]


def _divided(span: _Span, chosen: _Chosen) -> list[_Span]:
    """The span, or its surest two parts, divided further."""
    first, after = span
    best: tuple[float, int] | None = None
    if chosen[span][0] != NONE:
        for border in range(first + _LEAST_PART, after - _LEAST_PART + 1):
            left, right = chosen.get((first, border)), chosen.get((border, after))
            if left is None or right is None or left[0] == right[0] or NONE in {left[0], right[0]}:
                continue
            if min(left[1], right[1]) >= _SURE and (best is None or left[1] * right[1] > best[0]):
                best = left[1] * right[1], border
    if best is None:
        return [span]
    return _divided((first, best[1]), chosen) + _divided((best[1], after), chosen)


def _cost(label: str, length: int, count: int) -> float:
    """What a piece costs; an intent is seldom one word out of many."""
    if label == NONE:
        return _NONE_PIECE
    return _PIECE + (_LONE_WORD if length == 1 < count else 0.0)


def _borders(text: str, found: Sequence[Word]) -> list[int]:
    if not found:
        return []
    starts = [word.start for word in found]
    inner = {bisect_right(starts, end) for end in clause_ends(text)}  # no mark stands inside a word
    return sorted({0, *inner, len(found)})
