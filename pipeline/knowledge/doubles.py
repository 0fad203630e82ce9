"""Passages that say the same twice: word for word, or nearly so."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from pipeline.knowledge.stored import Quote, quote
from pipeline.store.sparse import tokens
from schemas.suggestion import Passage

NEAR: Final = 0.6
"""Share of their shingles that two passages have together, above which one is a copy of the other with changes.

Broder, "On the resemblance and containment of documents", 1997, has 0.5 for "roughly the same"; price lists of the same
form and other prices lie below 0.6.
"""
_SHINGLE: Final = 3
_COMMON: Final = 50
"""Passages with a shingle above which it says nothing, as a line that stands under every page."""


@dataclass(frozen=True, slots=True)
class Double:
    """Two passages with the same words; ``likeness`` is 1 where they are the same, word for word."""

    one: Quote
    other: Quote
    likeness: float


def doubles(passages: Sequence[Passage]) -> list[Double]:
    """Pairs of passages that say the same, the most alike first."""
    shingles = [_shingles(passage.text) for passage in passages]
    having: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, own in enumerate(shingles):
        for shingle in own:
            having[shingle].append(place)
    shared: Counter[tuple[int, int]] = Counter()
    for places in having.values():
        if len(places) <= _COMMON:
            shared.update(combinations(places, 2))
    found = []
    for (one, other), count in shared.items():
        if (likeness := count / (len(shingles[one]) + len(shingles[other]) - count)) >= NEAR:
            found.append(Double(quote(passages[one]), quote(passages[other]), round(likeness, 2)))
    return sorted(found, key=lambda it: (-it.likeness, it.one.source, it.one.passage_id, it.other.passage_id))


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Each three words of it that follow one another; of fewer words all of them."""
    words = [token.term for token in tokens(text)]
    if not words:
        return frozenset()
    return frozenset(tuple(words[at : at + _SHINGLE]) for at in range(max(1, len(words) - _SHINGLE + 1)))
