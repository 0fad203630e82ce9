"""Two passages that say different amounts or dates of the same thing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.knowledge.amounts import Stated, stated
from pipeline.knowledge.stored import Quote, quote
from schemas.suggestion import Passage

SAME: Final = 0.6
"""Share of the words that say of what, weighed by how rare they are, that two clauses have together.

Below it lie those of one table with another row's name, above it the same thing in other words; tried on the pages of
the scenarios that ship, which contradict each other nowhere, and on changed copies of their clauses.
"""
_FEWEST_WORDS: Final = 2
_COMMON: Final = 100


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The two clauses with their passages, the unit, the amounts (or dates), and the words that both are about."""

    one: Quote
    other: Quote
    unit: str
    amounts: tuple[str, ...]
    other_amounts: tuple[str, ...]
    about: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    passage: Passage
    what: Stated


def contradictions(passages: Sequence[Passage]) -> list[Contradiction]:
    """Pairs of clauses of different passages, about the same thing, whose amounts of one unit have none in common.

    It is a list to look at: that two clauses are about the same is told from their words alone.
    """
    said = [_Said(passage, what) for passage in passages for what in stated(passage.text)]
    said = [one for one in said if len(one.what.about) >= _FEWEST_WORDS]
    counts = Counter(word for one in said for word in one.what.about)
    weights = {word: math.log(1 + len(said) / count) for word, count in counts.items()}
    found: dict[tuple[str, str, str], Contradiction] = {}
    for one, other in _pairs(said, counts):
        if not _differ(one, other) or _likeness(one.what, other.what, weights) < SAME:
            continue
        key = (one.what.quote, other.what.quote, one.what.unit)
        found.setdefault(key, _contradiction(one, other))
    return sorted(found.values(), key=lambda it: (it.one.source, it.one.passage_id, it.other.source, it.unit))


def _pairs(said: Sequence[_Said], counts: Mapping[str, int]) -> list[tuple[_Said, _Said]]:
    """Those that share a word which is not said everywhere."""
    having: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, one in enumerate(said):
        for word in one.what.about:
            if counts[word] <= _COMMON:
                having[one.what.unit, word].append(place)
    places = {(one, other) for own in having.values() for at, one in enumerate(own) for other in own[at + 1 :]}
    return [(said[one], said[other]) for one, other in sorted(places)]


def _differ(one: _Said, other: _Said) -> bool:
    return one.passage.passage_id != other.passage.passage_id and one.what.amounts.isdisjoint(other.what.amounts)


def _likeness(one: Stated, other: Stated, weights: Mapping[str, float]) -> float:
    """Jaccard's, of words by their weight; 0 where they share fewer than two."""
    shared = one.about & other.about
    if len(shared) < _FEWEST_WORDS:
        return 0.0
    return sum(weights[word] for word in shared) / sum(weights[word] for word in one.about | other.about)


def _contradiction(one: _Said, other: _Said) -> Contradiction:
    return Contradiction(
        quote(one.passage, one.what.quote),
        quote(other.passage, other.what.quote),
        one.what.unit,
        _shown(one.what),
        _shown(other.what),
        tuple(sorted(one.what.about & other.what.about)),
    )


def _shown(what: Stated) -> tuple[str, ...]:
    return tuple(sorted(f"{it:g}" if isinstance(it, float) else it.isoformat() for it in what.amounts))
