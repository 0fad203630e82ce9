"""Finding the digits that were written or said one after the other, as runs that could be a personal number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import groupby, pairwise
from typing import Final

from pipeline.privacy.lexicon import (
    COUNTED,
    CURRENCIES,
    FILLERS,
    PLURALS,
    REPEATS,
    SCALES,
    TEENS,
    TENS,
    UNITS,
    UNITS_OF_AMOUNTS,
    WEAK,
)
from pipeline.privacy.tokens import Kind, Token

_FILLERS_IN_A_ROW: Final = 3
_MISHEARD_IN_A_ROW: Final = 3
_LONGEST_AMOUNT: Final = 9
_DIGITS_OF_A_YEAR: Final = 4
_SCALES_IN_A_ROW: Final = 8
_LARGEST_AMOUNT: Final = 10**15
_BEGINNINGS: Final = frozenset({*UNITS, *TEENS, *TENS, *SCALES, *REPEATS, *COUNTED, *WEAK})
_COUNTERS: Final = frozenset({"个", "個"})
INSIDE: Final = _COUNTERS | PLURALS.keys()
"""Words of a piece that none begins with."""


class Said(Enum):
    """How the digits of a piece came."""

    WRITTEN = auto()
    DIGIT = auto()
    PAIR = auto()
    CARDINAL = auto()
    """With hundred, thousand, 十, 百 …: how people say an amount."""
    WEAK = auto()
    MISHEARD = auto()


@dataclass(frozen=True, slots=True)
class Piece:
    """One reading of digits: the tokens from ``first`` up to, not including, ``after`` of its stream."""

    said: Said
    digits: str
    first: int
    after: int


@dataclass(frozen=True, slots=True)
class Run:
    """Pieces that follow one another, and at the edges what may belong to them.

    ``before`` and ``behind`` are misheard digits; ``head`` and ``tail`` amounts (``eight hundred`` of a phone number).
    A run of nothing but amounts has them as ``pieces``; its ``sure`` is 0.
    """

    pieces: tuple[Piece, ...]
    before: tuple[Piece, ...] = ()
    behind: tuple[Piece, ...] = ()
    head: tuple[Piece, ...] = ()
    tail: tuple[Piece, ...] = ()

    @property
    def digits(self) -> str:
        """All digits in order, those of amounts as the amount is written."""
        return "".join(piece.digits for piece in self.pieces)

    @property
    def sure(self) -> int:
        """How many digits were not said as an amount."""
        return sum(len(piece.digits) for piece in self.pieces if piece.said is not Said.CARDINAL)


def holds_digits(tokens: Iterable[Token]) -> bool:
    """Whether there is anything that a piece could begin with; misheard words alone make no run."""
    return any(map(may_begin, tokens))


def may_begin(token: Token) -> bool:
    """Whether a piece could begin with this token, if it is not misheard."""
    return token.kind is Kind.NUMBER or token.text in _BEGINNINGS


def runs(tokens: Sequence[Token], misheard: Mapping[str, str]) -> Iterator[Run]:
    """The runs of a stream: amounts, and misheard words that are no digits, are left out at their edges.

    ``misheard`` has the words that recognition makes of a digit; they are believed between sure digits only.
    """
    for pieces, before_amount in _strings(tokens, misheard):
        whole = _without_amounts(pieces, tokens, before_amount=before_amount)
        for run in _parted(whole):
            if (trimmed := _trimmed(run)) is not None:
                yield trimmed


def _strings(tokens: Sequence[Token], misheard: Mapping[str, str]) -> Iterator[tuple[list[Piece], bool]]:
    """Pieces with nothing but soft marks, pauses and a few fillers between, and whether a unit follows at once."""
    pieces: list[Piece] = []
    fillers = index = 0
    while index < len(tokens):
        token = tokens[index]
        if not pieces and token.text not in misheard and not may_begin(token):  # as most of a text
            index += 1
            continue
        if (piece := piece_at(tokens, index, misheard)) is not None:
            pieces.append(piece)
            index, fillers = piece.after, 0
            continue
        if token.kind is Kind.WORD and token.text in FILLERS:
            fillers += 1
        if token.kind is Kind.STOP or _ends(token, fillers):
            if pieces:
                yield pieces, token.text in UNITS_OF_AMOUNTS and pieces[-1].after == index
            pieces, fillers = [], 0
        index += 1
    if pieces:
        yield pieces, False


def _ends(token: Token, fillers: int) -> bool:
    return token.kind is Kind.WORD and (token.text not in FILLERS or fillers > _FILLERS_IN_A_ROW)


def _without_amounts(pieces: list[Piece], tokens: Sequence[Token], *, before_amount: bool) -> list[Piece]:
    """Leave out a number right after a currency or right before a unit, and a rising list of such numbers."""
    first = pieces[0].first
    if first and tokens[first - 1].text in CURRENCIES and len(pieces[0].digits) <= _LONGEST_AMOUNT:
        pieces = pieces[1:]
    if before_amount and pieces and len(pieces[-1].digits) <= _LONGEST_AMOUNT:
        return [] if _is_rising_list(pieces) else pieces[: -_of_amount(pieces, tokens)]
    return pieces


def _is_rising_list(pieces: Sequence[Piece]) -> bool:
    """``5, 10, 20, 50`` of ``5, 10, 20, 50 GB``."""
    if any(len(piece.digits) > _LONGEST_AMOUNT for piece in pieces):
        return False
    values = [int(piece.digits) for piece in pieces]
    return all(left < right for left, right in pairwise(values)) and max(values) >= 10  # noqa: PLR2004 - two digits


def _of_amount(pieces: Sequence[Piece], tokens: Sequence[Token]) -> int:
    """How many of the last pieces are the amount: four where single digits are followed by 年, else one."""
    year = pieces[-_DIGITS_OF_A_YEAR:]
    is_year = tokens[pieces[-1].after].text == "年" and all(piece.said is Said.DIGIT for piece in year)
    return min(_DIGITS_OF_A_YEAR, len(pieces)) if is_year else 1


def _parted(pieces: Iterable[Piece]) -> Iterator[Run]:
    """Part a string of pieces where a misheard word does not stand between sure digits."""
    blocks = [(is_odd, tuple(block)) for is_odd, block in groupby(pieces, key=lambda p: p.said is Said.MISHEARD)]
    joined: list[Piece] = []
    before: tuple[Piece, ...] = ()
    for place, (is_odd, block) in enumerate(blocks):
        if not is_odd:
            joined.extend(block)
            continue
        inside = 0 < place < len(blocks) - 1 and len(block) <= _MISHEARD_IN_A_ROW
        if inside and _is_digit(joined[-1]) and _is_digit(blocks[place + 1][1][0]):
            joined.extend(block)
            continue
        if joined:
            yield Run(tuple(joined), before, block)
        joined, before = [], block
    if joined:
        yield Run(tuple(joined), before)


def _is_digit(piece: Piece) -> bool:
    return piece.said in {Said.DIGIT, Said.WEAK} or (piece.said is Said.WRITTEN and len(piece.digits) == 1)


def _trimmed(run: Run) -> Run | None:
    """With the amounts at the edges set apart; None if no digit is sure and it is no amount."""
    pieces = run.pieces
    places = [place for place, piece in enumerate(pieces) if piece.said is not Said.CARDINAL]
    if not places:
        return run
    if all(pieces[place].said is Said.WEAK for place in places):
        return None
    first, last = places[0], places[-1]
    return replace(run, pieces=pieces[first : last + 1], head=pieces[:first], tail=pieces[last + 1 :])


def piece_at(tokens: Sequence[Token], index: int, misheard: Mapping[str, str]) -> Piece | None:
    """The piece that begins at this token, or None where none does."""
    token = tokens[index]
    if not may_begin(token) and token.text not in misheard:
        return None
    if token.kind is Kind.NUMBER:
        piece = Piece(Said.WRITTEN, token.text, index, index + 1)
    elif token.kind is not Kind.WORD:
        return None
    elif (repeated := _repeated(tokens, index)) is not None:
        return repeated
    elif (small := _below_hundred(tokens, index)) is not None:
        piece = small
    elif token.text in SCALES:
        piece = Piece(Said.CARDINAL, "1", index, index)
    elif (digit := WEAK.get(token.text)) is not None:
        piece = Piece(Said.WEAK, digit, index, index + 1)
    elif (digit := misheard.get(token.text)) is not None:
        return Piece(Said.MISHEARD, digit, index, index + 1)
    else:
        return None
    return _cardinal(tokens, piece)


def _repeated(tokens: Sequence[Token], index: int) -> Piece | None:
    """``double seven``, ``triple oh``, ``three sevens``, 双八, 三个八."""
    text = tokens[index].text
    times, at = REPEATS.get(text), index + 1
    if times is None and text in COUNTED and _text(tokens, at) in PLURALS:
        return Piece(Said.DIGIT, PLURALS[tokens[at].text] * COUNTED[text], index, at + 1)
    if times is None and text in COUNTED and _text(tokens, at) in _COUNTERS:
        times, at = COUNTED[text], index + 2
    if times is None or at >= len(tokens):
        return None
    digit = UNITS.get(tokens[at].text) or WEAK.get(tokens[at].text)
    if tokens[at].kind is Kind.NUMBER and len(tokens[at].text) == 1:
        digit = tokens[at].text
    if digit is None or _text(tokens, at + 1) in SCALES:
        return None
    return Piece(Said.DIGIT, digit * times, index, at + 1)


def _below_hundred(tokens: Sequence[Token], index: int) -> Piece | None:
    """``seven``, ``eleven``, ``forty``, ``forty one``, ``forty-one``, 七."""
    text = tokens[index].text
    if (digit := UNITS.get(text)) is not None:
        return Piece(Said.DIGIT, digit, index, index + 1)
    if (pair := TEENS.get(text)) is not None:
        return Piece(Said.PAIR, pair, index, index + 1)
    if (ten := TENS.get(text)) is None:
        return None
    after = index + 1
    if _text(tokens, after) == "-":
        after += 1
    unit = UNITS.get(_text(tokens, after), "0")
    if unit != "0":
        return Piece(Said.PAIR, ten + unit, index, after + 1)
    return Piece(Said.PAIR, ten + "0", index, index + 1)


def _cardinal(tokens: Sequence[Token], piece: Piece) -> Piece:
    """Go on over ``hundred``, ``thousand five hundred and twenty``, 千二百五十, if that is how it goes on."""
    if _text(tokens, piece.after) not in SCALES or len(piece.digits) > _LONGEST_AMOUNT:
        return piece
    parts: list[int] = []
    pending, after = int(piece.digits) if piece.first < piece.after else 0, piece.after
    for _ in range(_SCALES_IN_A_ROW):
        scale = 10 ** SCALES.get(_text(tokens, after), 0)
        if scale == 1:
            break
        below = pending + sum(part for part in parts if part < scale)
        parts = [*(part for part in parts if part >= scale), (below or 1) * scale]
        pending, after = _small_behind(tokens, after + 1)
    return Piece(Said.CARDINAL, str(min(sum(parts) + pending, _LARGEST_AMOUNT)), piece.first, after)


def _small_behind(tokens: Sequence[Token], start: int) -> tuple[int, int]:
    """The number below a hundred that an amount goes on with, and the token after it; 0 and ``start`` for none.

    The ``five`` of ``eight hundred five five five`` is a digit on its own.
    """
    rest = start
    while _text(tokens, rest) in {"and", "零"}:
        rest += 1
    if rest >= len(tokens):
        return 0, start
    if (small := _below_hundred(tokens, rest)) is not None:
        is_next_digit = rest == start and small.said is Said.DIGIT and _text(tokens, small.after) in UNITS
        return (0, start) if is_next_digit else (int(small.digits), small.after)
    if tokens[rest].text in {"两", "兩"} and _text(tokens, rest + 1) in SCALES:
        return 2, rest + 1
    return 0, start


def _text(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].text if index < len(tokens) else ""
