"""Phrases of one to three words that many calls have, each counted once a call: pure functions over texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pipeline.store.sparse import Token, tokens

Terms = tuple[str, ...]
_MOST_WORDS: Final = 3
_WITHIN: Final = 0.9
"""So many of the rarer phrase's calls have the other one, too, where the two are parts of one and the same sentence."""
_WITHIN_ALIKE: Final = 0.8
"""So many where they share a word."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """The terms of a phrase, and the numbers of the calls that have it."""

    terms: Terms
    calls: frozenset[int]

    def is_like(self, other: Phrase) -> bool:
        """Whether the two are parts of one longer phrase, or one is part of the other, as far as calls tell."""
        within = len(self.calls & other.calls) / min(len(self.calls), len(other.calls))
        return within >= (_WITHIN_ALIKE if set(self.terms) & set(other.terms) else _WITHIN)


def phrases_of(calls: Sequence[Sequence[str]], fewest: int) -> list[Phrase]:
    """The phrases that at least so many calls have.

    A phrase is looked for only where its parts are in as many calls (Agrawal and Srikant, "Fast algorithms for mining
    association rules", VLDB 1994), so that memory holds what is frequent, not all that was said.

    Args:
        calls: the texts of each call, each text one utterance.
        fewest: calls, at least 1.
    """
    cut = [[[token.term for token in words_of(text)] for text in texts] for texts in calls]
    found: list[Phrase] = []
    frequent: set[Terms] = set()
    for length in range(1, _MOST_WORDS + 1):
        holding: dict[Terms, set[int]] = {}
        for number, texts in enumerate(cut):
            for terms in texts:
                for phrase in _of_length(terms, length):
                    if length == 1 or (phrase[:-1] in frequent and phrase[1:] in frequent):
                        holding.setdefault(phrase, set()).add(number)
        kept = [Phrase(phrase, frozenset(held)) for phrase, held in holding.items() if len(held) >= fewest]
        frequent = {phrase.terms for phrase in kept}
        found += kept
    return found


def words_of(text: str) -> list[Token]:
    """The terms of a text one after the other: of Chinese words that hold others only the longest."""
    cut = tokens(text)
    ordered = sorted(cut, key=lambda token: (token.start, -token.end))
    kept: list[Token] = []
    for token in ordered:
        if not kept or token.start >= kept[-1].end:
            kept.append(token)
    return kept


def as_said(terms: Terms, text: str) -> str | None:
    """The phrase as it stands in the text; None where it does not."""
    words = words_of(text)
    for at in range(len(words) - len(terms) + 1):
        if all(word.term == term for word, term in zip(words[at:], terms, strict=False)):
            return text[words[at].start : words[at + len(terms) - 1].end]
    return None


def _of_length(terms: Sequence[str], length: int) -> Iterator[Terms]:
    if length == 1:
        yield from ((term,) for term in terms)
    elif length == 2:  # noqa: PLR2004 - pairs are most of the work
        yield from pairwise(terms)
    else:
        yield from zip(*(terms[at:] for at in range(length)), strict=False)
