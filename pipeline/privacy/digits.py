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
    """Pieces that follow one another; ``before`` and ``behind`` are misheard digits at the edges, which may belong."""

    pieces: tuple[Piece, ...]
    before: tuple[Piece, ...] = ()
    behind: tuple[Piece, ...] = ()

    @property
    def digits(self) -> str:
        """All digits in order; an amount inside the run is there with its first digits and zeros only."""
        return "".join(piece.digits for piece in self.pieces)

    @property
    def sure(self) -> int:
        """How many digits were not said as an amount."""
        return sum(len(piece.digits) for piece in self.pieces if piece.said is not Said.CARDINAL)


def runs(tokens: Sequence[Token], misheard: Mapping[str, str]) -> Iterator[Run]:
    """The runs of a stream: amounts, and misheard words that are no digits, are left out at their edges.

    ``misheard`` has the words that recognition makes of a digit; they are believed between sure digits only.
    """
    for pieces, before_amount in _strings(tokens, misheard):
        whole = _without_amounts(pieces, tokens, before_amount=before_amount)
        for run in _parted(whole):
            pieces_left = _trimmed(run.pieces)
            if pieces_left:
                yield replace(run, pieces=tuple(pieces_left))


def _strings(tokens: Sequence[Token], misheard: Mapping[str, str]) -> Iterator[tuple[list[Piece], bool]]:
    """Pieces with nothing but soft marks, pauses and a few fillers between, and whether a unit follows at once."""
    pieces: list[Piece] = []
    fillers = index = 0
    while index < len(tokens):
        token = tokens[index]
        if (piece := _piece(tokens, index, misheard)) is not None:
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
        values = [int(piece.digits or "0") for piece in pieces]
        rising = all(left < right for left, right in pairwise(values)) and max(values) >= 10  # noqa: PLR2004 - two digits
        return [] if rising else pieces[:-1]
    return pieces


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


def _trimmed(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """Without amounts at the edges; nothing if no digit is sure."""
    places = [place for place, piece in enumerate(pieces) if piece.said is not Said.CARDINAL]
    if all(pieces[place].said is Said.WEAK for place in places):
        return ()
    return pieces[places[0] : places[-1] + 1]


def _piece(tokens: Sequence[Token], index: int, misheard: Mapping[str, str]) -> Piece | None:
    """The piece that begins at this token, or None where none does."""
    token = tokens[index]
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
    """``double seven``, ``triple oh``, 双八, 三个八."""
    text = tokens[index].text
    times, at = REPEATS.get(text), index + 1
    if times is None and text in COUNTED and _text(tokens, at) in {"个", "個"}:
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
    value, after = piece.digits, piece.after
    said = piece.said
    while _text(tokens, after) in SCALES:
        said, value, after = Said.CARDINAL, value + "0" * SCALES[tokens[after].text], after + 1
        rest = after
        while _text(tokens, rest) in {"and", "零"}:
            rest += 1
        if rest < len(tokens) and (small := _below_hundred(tokens, rest)) is not None:
            after = small.after
    return Piece(said, value, piece.first, after)


def _text(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].text if index < len(tokens) else ""
