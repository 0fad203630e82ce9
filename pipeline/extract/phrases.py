"""Finding a phrase in what was said, with a little give for recognition errors; Chinese must match to the letter.

A number or a negation is no recognition error: "is not recorded" does not say "is recorded", however alike they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain
from typing import Final

from pipeline.extract.spoken import Kind, tokens
from pipeline.extract.words import Word, is_han, letters

# Of 100, by the normalised edit distance of rapidfuzz. A required phrase may be misheard; an accusation must be sure.
LENIENT: Final = 85.0
STRICT: Final = 92.0
_EQUAL: Final = 100.0
# A single short word has other words too close to it ("sue you", "see you"), so it must match exactly.
_SHORT: Final = 8


@dataclass(frozen=True, slots=True)
class Line:
    """A text as it is compared: its words, in one string as well, and whether it is written without spaces."""

    words: tuple[Word, ...]
    whole: str
    has_han: bool


@lru_cache(maxsize=4_096)
def line(text: str) -> Line:
    """The text as it is compared; each turn of a call is, with every phrase of the word lists."""
    found = letters(text)
    return Line(found, _joined(found), any(is_han(word.text) for word in found))


def together(lines: Iterable[Line]) -> Line:
    """Several texts as one; each word keeps the place that it has in its own."""
    told = [one for one in lines if one.words]
    return Line(
        tuple(chain.from_iterable(one.words for one in told)),
        " ".join(one.whole for one in told),
        any(one.has_han for one in told),
    )


def find_span(wanted: Line, said: Line, *, at_least: float) -> tuple[int, int] | None:
    """Where the best match begins and ends, as offsets into the text that ``said`` is; None where nothing is so alike.

    Args:
        wanted: a phrase, compared without case and punctuation.
        said: where to look.
        at_least: likeness from 0 to 100; 100 is equal.
    """
    found = find_words(wanted, said, at_least=at_least)
    return None if found is None else (said.words[found[0]].start, said.words[found[1]].end)


def find_words(wanted: Line, said: Line, *, at_least: float) -> tuple[int, int] | None:
    """The first and the last word of the best match, by their numbers."""
    target, words = wanted.whole, said.words
    if not target or not words:
        return None
    at_least = _as_strict_as_must_be(wanted, at_least)
    slack = 0 if at_least >= _EQUAL else 1
    # Most phrases are in most turns not at all, and that is quickly seen.
    if target not in said.whole and (not slack or not any(map(said.whole.__contains__, _parts(target, at_least)))):
        return None
    from rapidfuzz import fuzz

    if target not in said.whole and fuzz.partial_ratio(target, said.whole, score_cutoff=at_least - 10) == 0:
        return None
    turning = _turning(target)
    starts = list(accumulate((len(word.text) + 1 for word in words), initial=0))
    best: tuple[float, int, int] | None = None
    for size in range(max(1, len(wanted.words) - slack), len(wanted.words) + slack + 1):
        for first in range(len(words) - size + 1):
            here = said.whole[starts[first] : starts[first + size] - 1]
            score = fuzz.ratio(target, here, score_cutoff=at_least)
            if score and (best is None or score > best[0]) and _turning(here) == turning:
                best = score, first, first + size - 1
    return None if best is None else best[1:]


def pieces(wanted: Line, at_least: float) -> tuple[str, ...]:
    """Pieces of a phrase of which one at least stands in all texts (``Line.whole``) in which it is found."""
    return _parts(wanted.whole, _as_strict_as_must_be(wanted, at_least)) if wanted.words else ()


def _as_strict_as_must_be(wanted: Line, at_least: float) -> float:
    return _EQUAL if len(wanted.whole) < _SHORT or wanted.has_han else at_least


@lru_cache(maxsize=4_096)
def _parts(target: str, at_least: float) -> tuple[str, ...]:
    """Pieces of a phrase, of which one at least stands unchanged in all that is so much like it.

    A likeness of r leaves room for 2n(1 - r)/r letters put in or left out, where n are the phrase's; in one piece more
    than that, one is untouched.
    """
    count = int(2 * len(target) * (100 - at_least) / at_least) + 1
    size = max(1, len(target) // count)
    return tuple(target[place * size : (place + 1) * size] for place in range(count))


def _turning(text: str) -> list[str]:
    """The words on which the sense turns."""
    return [token.text for token in tokens(text) if token.kind in {Kind.NUMBER, Kind.NEGATION}]


def _joined(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)
