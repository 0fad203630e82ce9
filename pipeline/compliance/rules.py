"""The word lists of an edition, made ready once: a live call asks them about every segment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

from pipeline.extract.phrases import STRICT, line, pieces
from pipeline.extract.sensitive import finder_of
from pipeline.scenarios.model import ForbiddenPhrase, WordLists
from schemas.compliance import ChecklistItem

_MOST: Final = 64
"""Editions that are held ready; a desk has some scenarios in some languages."""


@dataclass(frozen=True, slots=True)
class Rules:
    """``checklist`` has every item open; ``sensitive`` finds sensitive words, ``piece_finder`` pieces of phrases.

    ``reach_words`` are the words of the longest required wording, and one that may be put in.
    """

    lists: WordLists
    checklist: tuple[ChecklistItem, ...]
    reach_words: int
    sensitive: Any
    piece_finder: Any

    @classmethod
    def of(cls, lists: WordLists) -> Self:
        """Takes some ms for thousands of words."""
        wordings = (line(wording) for phrase in lists.required_phrases for wording in phrase.any_of)
        return cls(
            lists=lists,
            checklist=tuple(
                ChecklistItem(
                    name=phrase.name,
                    title=phrase.title,
                    role=phrase.role,
                    due_ms=None if phrase.within_s is None else phrase.within_s * 1_000,
                    when_outcome=phrase.when_outcome,
                )
                for phrase in lists.required_phrases
            ),
            reach_words=1 + max((len(one.words) for one in wordings), default=0),
            sensitive=finder_of(lists.sensitive_words),
            piece_finder=_piece_finder(lists.forbidden_phrases),
        )

    def may_be_said(self, text: str) -> Iterator[ForbiddenPhrase]:
        """The forbidden phrases of which a piece stands in a text; none of the others is in it."""
        if self.piece_finder is None:
            return
        numbers = {number for _, found in self.piece_finder.iter(line(text).whole) for number in found}
        for number in sorted(numbers):
            yield self.lists.forbidden_phrases[number]


def remembering() -> Callable[[WordLists], Rules]:
    """``Rules.of``, which makes those of the same lists once; lists are compared by identity, as they are long."""
    made: dict[int, Rules] = {}

    def rules_of(lists: WordLists) -> Rules:
        known = made.get(id(lists))
        if known is None or known.lists is not lists:
            if len(made) >= _MOST:
                made.clear()
            known = made[id(lists)] = Rules.of(lists)
        return known

    return rules_of


def _piece_finder(phrases: tuple[ForbiddenPhrase, ...]) -> Any:  # noqa: ANN401 - pyahocorasick has no types
    import ahocorasick

    numbers: dict[str, set[int]] = {}
    for number, phrase in enumerate(phrases):
        for wording in phrase.any_of:
            for piece in pieces(line(wording), STRICT):
                numbers.setdefault(piece, set()).add(number)
    if not numbers:
        return None
    finder = ahocorasick.Automaton()
    for piece, of in numbers.items():
        finder.add_word(piece, tuple(of))
    finder.make_automaton()
    return finder
