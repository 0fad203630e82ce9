"""Where a quote stands in what was said: the same words, with what a recogniser and a model that copies change.

Case, punctuation, contractions, how a number is written, fillers, repeated and split words do not matter, nor does one
misheard letter of a long word. A number, a negation or another word do. Chinese is compared letter by letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.extract.spoken import Kind, Token, tokens
from pipeline.extract.words import clause_ends

# A shorter word has other words too close to it (plan, plane), a shorter quote as well (sue you, see you).
_LONG_WORD: Final = 5
_VERY_LONG_WORD: Final = 7
_LONG_QUOTE: Final = 8
# One misheard word of so many; at least one.
_MISHEARD_OF: Final = 6
_PARTS: Final = 4
_NEGATES_NEXT: Final = frozenset(("not", "never", "without", *"不没别未"))
_NEGATES_LAST: Final = frozenset(("not", "never"))
_BE_DO_HAVE: Final = "am is are was were do does did have has had"
_MODAL: Final = "can could will would shall should may might must need"
_AUXILIARIES: Final = frozenset(f"{_BE_DO_HAVE} {_MODAL}".split())


def find_quote(quote: str, text: str, *, mention: bool = False) -> str | None:
    """The words of ``text`` that the quote repeats, as they stand there, or None.

    Args:
        quote: compared as ``pipeline.extract.spoken.tokens``.
        text: where to look.
        mention: whether it is only the name of something. A claim is not where a negation stands right beside it: "want
            to cancel" does not quote "I do not want to cancel", nor "I will" quote "I will not".
    """
    wanted, said = tokens(quote), tokens(text)
    if all(token.kind is Kind.FILLER for token in wanted):
        return None
    long = sum(len(token.text) for token in wanted) >= _LONG_QUOTE
    for misheard in (0, max(1, len(wanted) // _MISHEARD_OF))[: 1 + long]:
        for first in range(len(said)):
            if not misheard and _begins_otherwise(wanted[0], said[first]):
                continue
            end = _end(wanted, said, first, misheard)
            if end is not None and (mention or not _negated(said, first, end, text)):
                return text[said[first].start : max(token.end for token in said[first:end])]
    return None


def _begins_otherwise(wanted: Token, here: Token) -> bool:
    """Whether a quote cannot begin here, seen by one letter: neither word is the other one or a part of it."""
    return wanted.kind is not Kind.FILLER and wanted.text[0] != here.text[0]


def _end(wanted: Sequence[Token], said: Sequence[Token], first: int, misheard: int) -> int | None:
    """Where the quote ends that begins here: behind the last of its tokens; None where it does not stand here."""
    i, j, end = 0, first, first
    while i < len(wanted):
        token = wanted[i]
        here = said[j] if j < len(said) else None
        if here is not None and token.text == here.text:
            i, j = i + 1, j + 1
        elif token.kind is Kind.FILLER:
            i += 1
            continue
        elif here is None:
            return None
        elif j > first and (here.kind is Kind.FILLER or _stutters(said[j - 1], here)):
            j += 1
            continue
        elif parts := _parts(token, said, j):
            i, j = i + 1, j + parts
        elif parts := _parts(here, wanted, i):
            i, j = i + parts, j + 1
        elif misheard and _alike(token, here):
            i, j, misheard = i + 1, j + 1, misheard - 1
        else:
            return None
        end = j
    return end


def _stutters(before: Token, here: Token) -> bool:
    return here.kind is Kind.WORD and before.text == here.text


def _parts(whole: Token, among: Sequence[Token], at: int) -> int:
    """How many words, from here on, are this one in parts ("wi fi", "s i m"); 0 where they are not."""
    if whole.kind is not Kind.WORD or not whole.text.startswith(among[at].text):
        return 0
    joined = ""
    for count, token in enumerate(among[at : at + _PARTS], 1):
        joined += token.text
        if token.kind in {Kind.HAN, Kind.NUMBER, Kind.NEGATION} or not whole.text.startswith(joined):
            return 0
        if joined == whole.text:
            return count
    return 0


def _alike(one: Token, other: Token) -> bool:
    """One letter of a long word: not its first, unless all others of a very long one are the same."""
    a, b = one.text, other.text
    if not one.kind is other.kind is Kind.WORD or min(len(a), len(b)) < _LONG_WORD:
        return False
    if abs(len(a) - len(b)) > 1 or (a[0] != b[0] and not len(a) == len(b) >= _VERY_LONG_WORD):
        return False
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(a, b, score_cutoff=1) <= 1


def _negated(said: Sequence[Token], first: int, end: int, text: str) -> bool:
    before = next((token for token in reversed(said[:first]) if token.kind is not Kind.FILLER), None)
    if before is not None and before.text in _NEGATES_NEXT and _one_clause(text, before.end, said[first].start):
        return True
    after = next((token for token in said[end:] if token.kind is not Kind.FILLER), None)
    last = said[end - 1]
    return (
        after is not None
        and after.text in _NEGATES_LAST
        and last.text in _AUXILIARIES
        and _one_clause(text, last.end, after.start)
    )


def _one_clause(text: str, start: int, end: int) -> bool:
    return not clause_ends(text[start:end])
