"""Numbers with letters in them, written (``AB123456C``) and said (``A B one two``, ``b as in bravo``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from pipeline.privacy.digits import INSIDE, Said, may_begin, piece_at
from pipeline.privacy.lexicon import CODE_ALPHABET, CURRENCIES, FILLERS, NO_LETTERS, UNITS, UNITS_OF_AMOUNTS, WEAK
from pipeline.privacy.tokens import Kind, Token
from schemas.transcript import Segment

_FILLERS_IN_A_ROW: Final = 2
_LONGEST_WRITTEN: Final = 6
_LONGEST_CAPITALS: Final = 5
_AT_THE_EDGE: Final = 2
_AFTER_LATIN: Final = "\u0250"
_YEAR_LENGTH: Final = 4
_NAMES_A_LETTER: Final = frozenset({"for", "like"})
_BEFORE_A_NAME: Final = _NAMES_A_LETTER | {"in"}
_GOES_ON: Final = FILLERS | INSIDE | _BEFORE_A_NAME | {"as"}
"""Words that may stand inside a number with letters: ``b as in bravo``."""


class Part(NamedTuple):
    """Letters or digits of one, from the token ``first`` up to ``after``; ``glued`` to a digit as they are written.

    An amount or a year has no ``text``: it is no part of a number with letters.
    """

    text: str
    first: int
    after: int
    glued: bool = False


class Mixed(NamedTuple):
    """Parts that follow one another, some of them letters and some digits."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """All letters, in capitals, and digits."""
        return "".join(part.text for part in self.parts)

    @property
    def digits(self) -> str:
        return "".join(part.text for part in self.parts if part.text.isdecimal())

    @property
    def first(self) -> int:
        return self.parts[0].first

    @property
    def after(self) -> int:
        return self.parts[-1].after


def mixed(tokens: Sequence[Token], segments: Sequence[Segment]) -> Iterator[Mixed]:
    """What could be a number with letters in it; they do not overlap, and a letter that is a word is no part of one."""
    for first, after in _near_digits(tokens, segments):
        yield from _mixed_within(tokens, first, after, segments)


def _near_digits(tokens: Sequence[Token], segments: Sequence[Segment]) -> Iterator[tuple[int, int]]:
    """From what ends a number to what ends the next, wherever there are digits between: most of a text is left out."""
    done = 0
    for place, token in enumerate(tokens):
        if place < done or not may_begin(token):
            continue
        first, after = place, place + 1
        while first > done and not _is_end(tokens, first - 1, segments):
            first -= 1
        while after < len(tokens) and not _is_end(tokens, after, segments):
            after += 1
        yield first, after
        done = after


def _is_end(tokens: Sequence[Token], index: int, segments: Sequence[Segment]) -> bool:
    """Whether no number goes on across this token, whatever stands before it."""
    token = tokens[index]
    if token.kind is not Kind.WORD:
        return token.kind is Kind.STOP
    if may_begin(token) or token.text in _GOES_ON or (index and tokens[index - 1].text in _BEFORE_A_NAME):
        return False
    return _part(tokens, index, segments) is None


def _mixed_within(tokens: Sequence[Token], index: int, end: int, segments: Sequence[Segment]) -> Iterator[Mixed]:
    parts: list[Part] = []
    fillers = 0
    while index < end:
        if (part := _part(tokens, index, segments)) is not None:
            if part.text:
                parts.append(part)
            else:
                yield from _found(parts, tokens, segments)
                parts = []
            index, fillers = part.after, 0
            continue
        token = tokens[index]
        fillers += token.kind is Kind.WORD
        if token.kind is Kind.STOP or (token.kind is Kind.WORD and _ends(token, fillers)):
            yield from _found(parts, tokens, segments)
            parts, fillers = [], 0
        index += 1
    yield from _found(parts, tokens, segments)


def spelled(tokens: Sequence[Token], index: int) -> Part | None:
    """One letter: ``b``, ``b as in bravo``, ``b for bravo``, ``bravo``."""
    token = tokens[index]
    if token.kind is not Kind.WORD or token.text >= _AFTER_LATIN:
        return None
    if (letter := CODE_ALPHABET.get(token.text)) is not None:
        return Part(letter.upper(), index, index + 1)
    if len(token.text) != 1:
        return None
    name = index + 1
    if _text(tokens, name) in _NAMES_A_LETTER:
        name += 1
    elif _text(tokens, name) == "as" and _text(tokens, name + 1) == "in":
        name += 2
    is_named = name > index + 1 and _text(tokens, name).startswith(token.text) and len(_text(tokens, name)) > 1
    return Part(token.text.upper(), index, name + 1 if is_named else index + 1)


def _found(parts: list[Part], tokens: Sequence[Token], segments: Sequence[Segment]) -> Iterator[Mixed]:
    first, after = 0, len(parts)
    while first < after and _is_no_beginning(parts, first, tokens, segments):
        first += 1
    while first < after and _is_no_end(parts[after - 1], tokens, segments):
        after -= 1
    has_digits = any(part.text.isdecimal() for part in parts[first:after])
    if has_digits and not all(part.text.isdecimal() for part in parts[first:after]):
        yield Mixed(tuple(parts[first:after]))


def _is_no_beginning(parts: Sequence[Part], place: int, tokens: Sequence[Token], segments: Sequence[Segment]) -> bool:
    """An article, a word in capitals or a word of the radio alphabet that digits follow."""
    part = parts[place]
    if part.text.isdecimal() or part.glued:
        return False
    if len(part.text) > _AT_THE_EDGE:
        return True
    is_alone = place + 1 == len(parts) or parts[place + 1].text.isdecimal()
    return is_alone and (_is_small_word(part, tokens, segments) or tokens[part.first].text in CODE_ALPHABET)


def _is_no_end(part: Part, tokens: Sequence[Token], segments: Sequence[Segment]) -> bool:
    if part.text.isdecimal() or part.glued:
        return False
    return len(part.text) > _AT_THE_EDGE or _is_small_word(part, tokens, segments)


def _is_small_word(part: Part, tokens: Sequence[Token], segments: Sequence[Segment]) -> bool:
    """``a`` and ``I``: the one is a letter of a number in capitals only, the other never is at its edge."""
    token = tokens[part.first]
    return part.text == "I" or (part.text == "A" and _source(token, segments) == "a")


def _part(tokens: Sequence[Token], index: int, segments: Sequence[Segment]) -> Part | None:
    token = tokens[index]
    if token.kind is not Kind.NUMBER and token.kind is not Kind.WORD:
        return None
    piece = piece_at(tokens, index, _NOTHING_MISHEARD)
    if piece is not None:
        is_part = piece.said is not Said.CARDINAL and not _is_amount_or_year(tokens, index, piece.after)
        return Part(piece.digits if is_part else "", index, max(piece.after, index + 1))
    if token.kind is not Kind.WORD or token.text >= _AFTER_LATIN or _is_time_of_day(tokens, index):
        return None
    if _touches_digits(tokens, index):
        is_unit = token.text in UNITS_OF_AMOUNTS and not _is_number(tokens, index + 1)
        is_long = len(token.text) > _LONGEST_WRITTEN
        return None if is_unit or is_long else Part(token.text.upper(), index, index + 1, glued=True)
    return spelled(tokens, index) or _capitals(token, index, segments)


def _capitals(token: Token, index: int, segments: Sequence[Segment]) -> Part | None:
    """``JG`` of ``JG 10 37 59 A``."""
    source = _source(token, segments)
    is_capitals = 1 < len(source) <= _LONGEST_CAPITALS and source.isupper() and source.isascii()
    is_word = token.text in NO_LETTERS or token.text in UNITS_OF_AMOUNTS or token.text in FILLERS
    return Part(source, index, index + 1) if is_capitals and not is_word else None


_NOTHING_MISHEARD: Final[Mapping[str, str]] = {}


def _is_amount_or_year(tokens: Sequence[Token], index: int, after: int) -> bool:
    """A number with a unit, a currency before it, or a year that is written alone."""
    behind = _text(tokens, after)
    if behind in UNITS_OF_AMOUNTS and not (after < len(tokens) and _is_number(tokens, after + 1)):
        return True
    if index and tokens[index - 1].text in CURRENCIES:
        return True
    token = tokens[index]
    is_glued = token.glued or (after < len(tokens) and tokens[after].glued)
    return (
        token.kind is Kind.NUMBER
        and len(token.text) == _YEAR_LENGTH
        and token.text[:2] in {"19", "20"}
        and not is_glued
    )


def _is_time_of_day(tokens: Sequence[Token], index: int) -> bool:
    """``p m`` behind a number."""
    if tokens[index].text in {"a", "p"} and _text(tokens, index + 1) == "m":
        return index > 0 and _is_digit_word(tokens[index - 1])
    return (
        tokens[index].text == "m"
        and index > 1
        and tokens[index - 1].text in {"a", "p"}
        and _is_digit_word(tokens[index - 2])
    )


def _is_digit_word(token: Token) -> bool:
    return token.kind is Kind.NUMBER or token.text in UNITS or token.text in WEAK


def _touches_digits(tokens: Sequence[Token], index: int) -> bool:
    before = tokens[index].glued and index > 0 and tokens[index - 1].kind is Kind.NUMBER
    return before or (_is_number(tokens, index + 1) and tokens[index + 1].glued)


def _is_number(tokens: Sequence[Token], index: int) -> bool:
    return index < len(tokens) and tokens[index].kind is Kind.NUMBER


def _ends(token: Token, fillers: int) -> bool:
    return token.text not in FILLERS or fillers > _FILLERS_IN_A_ROW


def _source(token: Token, segments: Sequence[Segment]) -> str:
    return segments[token.segment].text[token.start : token.end]


def _text(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].text if index < len(tokens) else ""
