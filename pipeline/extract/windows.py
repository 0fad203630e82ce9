"""Where in an utterance which intent stands: the cut into pieces that are, together, the most probable.

Recognised speech has no punctuation and several sentences in a segment, so every run of words is classified and a
Viterbi search picks the runs that cover the segment with the highest sum of log-probabilities, each piece at a cost.
Where there is punctuation, pieces end at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.extract.words import Word, clause_ends, words

NONE: Final = "-"
_LONGEST: Final = 16
# In nats. Chosen by cross-validation on the taxonomy's own examples strung together, and on the sample calls that are
# not held out.
_PIECE: Final = 1.0
_NONE_PIECE: Final = 2.0


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
    """The most probable pieces, in order; ``probabilities`` has a row a span and a column a label."""
    count = len(runs.found)
    best = [0.0] + [-np.inf] * count
    came: list[tuple[int, int] | None] = [None] * (count + 1)
    tops = probabilities.argmax(axis=1)
    for row in sorted(range(len(runs.spans)), key=lambda row: runs.spans[row]):
        first, after = runs.spans[row]
        top = tops[row]
        cost = _NONE_PIECE if labels[top] == NONE else _PIECE
        value = best[first] + float(np.log(probabilities[row, top])) - cost
        if value > best[after]:
            best[after], came[after] = value, (first, row)
    pieces = []
    while (step := came[count]) is not None:
        first, row = step
        pieces.append(
            Piece(
                labels[tops[row]],
                float(probabilities[row, tops[row]]),
                runs.found[first].start,
                runs.found[count - 1].end,
            )
        )
        count = first
    return pieces[::-1]


def _borders(text: str, found: Sequence[Word]) -> list[int]:
    ends = clause_ends(text)
    inner = [
        place for place in range(1, len(found)) if any(found[place - 1].end <= end < found[place].start for end in ends)
    ]
    return [0, *inner, len(found)] if found else []
