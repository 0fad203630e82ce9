"""Sensitive words, thousands of them in one pass over a text (Aho and Corasick, 1975)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from pipeline.extract.findings import evidence_of
from pipeline.extract.words import letters, spelled_out
from pipeline.scenarios.model import SensitiveWords
from schemas.insight import ComplianceHit, ComplianceKind, Evidence
from schemas.transcript import Segment

Span = tuple[int, int]

_BORDER: Final = " "


def find_sensitive(segments: Iterable[Segment], rules: tuple[SensitiveWords, ...]) -> list[ComplianceHit]:
    """A hit for each rule of which a word was said, in order of the rules, with every place where one was.

    Words are found whole, Chinese ones by their letters; case, width and punctuation do not matter, and contractions
    are read in full.
    """
    return sensitive_hits(segments, rules, finder_of(rules))


def sensitive_hits(
    segments: Iterable[Segment],
    rules: tuple[SensitiveWords, ...],
    finder: Any,  # noqa: ANN401 - pyahocorasick has no types
) -> list[ComplianceHit]:
    """The same, with the ``finder_of`` these rules at hand."""
    said: dict[int, list[Evidence]] = {}
    for segment in segments if finder else ():
        for rule, spans in _in_text(segment.text, finder).items():
            said.setdefault(rule, []).extend(evidence_of(segment, segment.text[start:end]) for start, end in spans)
    return [
        ComplianceHit(kind=ComplianceKind.SENSITIVE_WORD, name=rules[rule].name, evidence=tuple(said[rule]))
        for rule in sorted(said)
    ]


def _in_text(text: str, finder: Any) -> dict[int, list[Span]]:  # noqa: ANN401 - pyahocorasick has no types
    """Where the words of each rule stand; of those of one rule that overlap the longest."""
    finds = list(finder.iter(_joined(text)))
    if not finds:  # as in most turns
        return {}
    places, found = _places(text), dict[int, list[Span]]()
    for last, (length, numbers) in finds:
        # Between its two borders.
        span = places[last - length + 2][0], places[last - 1][1]
        for rule in numbers:
            _keep_longest(found.setdefault(rule, []), span)
    return found


def _keep_longest(spans: list[Span], new: Span) -> None:
    """Add a find that ends last of all; it takes the place of those that lie in it."""
    while spans and spans[-1][0] >= new[0] and spans[-1][1] <= new[1]:
        spans.pop()
    if not spans or spans[-1][1] <= new[0]:
        spans.append(new)


def _joined(text: str) -> str:
    """The words of a text with a border at each side."""
    return _BORDER + "".join(spelled_out(word.text) + _BORDER for word in letters(text))


def _places(text: str) -> list[Span]:
    """For each character of ``_joined`` where its word stands in the text."""
    places = [(0, 0)]
    for word in letters(text):
        places += [(word.start, word.end)] * len(spelled_out(word.text) + _BORDER)
    return places


@lru_cache(maxsize=64)
def finder_of(rules: tuple[SensitiveWords, ...]) -> Any:  # noqa: ANN401 - pyahocorasick has no types
    """An automaton of all words of these rules, None of none; it gives the length of a find, and whose word it is."""
    import ahocorasick

    numbers: dict[str, set[int]] = {}
    for number, rule in enumerate(rules):
        for wording in rule.any_of:
            if (joined := _joined(wording)) != _BORDER:
                numbers.setdefault(joined, set()).add(number)
    if not numbers:
        return None
    finder = ahocorasick.Automaton()
    for joined, of in numbers.items():
        finder.add_word(joined, (len(joined), tuple(of)))
    finder.make_automaton()
    return finder
