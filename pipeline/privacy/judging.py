"""What a run of digits is, from its digits and from the words around it: a card, a phone, an amount that may stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Final

from pipeline.privacy.checks import (
    card_at_start,
    is_account_card,
    is_card,
    is_chinese_id,
    is_iban,
    is_insurance_number,
    is_phone,
)
from pipeline.privacy.context import Context, Hint
from pipeline.privacy.digits import Piece, Run, Said
from pipeline.privacy.letters import Mixed, Part
from pipeline.privacy.placeholders import Placeholder
from pipeline.privacy.tokens import Token, plain

_SHORTEST_NUMBER: Final = 7
_SHORTEST_REFERENCE: Final = 5
_LONGEST_PHONE: Final = 12
_SHORTEST_BESIDE_AMOUNT: Final = 5
_SHORTEST_WITH_AMOUNT: Final = 10
_LONGEST_ROUND: Final = 4
_LONGEST_PLAIN: Final = 16
_CARD_LENGTHS: Final = range(13, 20)
_CODE_LENGTHS: Final = range(3, 7)
_CARD_CODE_LENGTHS: Final = range(3, 5)
_FEWEST_DIGITS: Final = 4
_FEWEST_DIGITS_OF_REFERENCE: Final = 2
_NATIONAL_ID_GROUPS: Final = (3, 2, 4)
_ANSWER_CHARS: Final = 12
_SAID_ONE_BY_ONE: Final = frozenset({Said.DIGIT, Said.WRITTEN, Said.WEAK})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Tokens ``first`` up to ``after`` are this; ``may_keep`` unless a card verification code may be among them."""

    placeholder: Placeholder
    first: int
    after: int
    may_keep: bool = True


@dataclass(frozen=True, slots=True)
class Judge:
    """Tells what numbers are.

    Args:
        context: the words around them.
        regions: where the speakers may have a telephone (ISO 3166), the likeliest first.
    """

    context: Context
    regions: tuple[str, ...]

    def run(
        self, run: Run, tokens: Sequence[Token], *, after_card: bool, last: Placeholder | None
    ) -> Iterator[Verdict]:
        """What a run of digits is, in order; nothing for a number that may stay.

        Args:
            run: the digits.
            tokens: those that the run was found in.
            after_card: whether the speaker gave a card number just before.
            last: what was found last in the same segment.
        """
        if (card := _card(run)) is not None:
            yield self._checked_card(card, tokens)
            return
        pieces = run.pieces
        if (count := _pieces_of_card(pieces)) > 0:
            yield _verdict(Placeholder.CARD, pieces[:count])
            if len(_digits(pieces[count:])) >= min(_CODE_LENGTHS):
                yield _verdict(Placeholder.CODE, pieces[count:], may_keep=False)
            return
        if (whole := self._phone_with_amounts(run)) is not None:
            yield whole
            return
        placeholder = self._kind(run, tokens, after_card=after_card, last=last)
        if placeholder is not None:
            yield _verdict(placeholder, pieces, may_keep=self._may_keep(placeholder, run, tokens))

    def mixed(self, found: Mixed, tokens: Sequence[Token]) -> Verdict | None:
        """What a number with letters is; None for one that may stay, of which the digits are to be looked at alone."""
        parts = self._without_named_letters(found.parts, tokens)
        for some in (parts, parts[1:], parts[:-1]):
            text = Mixed(some).text
            if not text.isdecimal() and (proved := _proved(text)) is not None:
                return Verdict(proved, some[0].first, some[-1].after)
        if not parts or all(part.text.isdecimal() for part in parts):
            return None
        if (card := _card_among(parts)) is not None:
            beside = (Mixed(rest) for rest in (parts[card.stop :], parts[: card.start]) if rest)
            return next(filter(None, (self.mixed(rest, tokens) for rest in beside)), None)
        first, end = tokens[parts[0].first], tokens[parts[-1].after - 1]
        if (placeholder := self._mixed_kind(Mixed(parts), first)) is None:
            return None
        return Verdict(placeholder, parts[0].first, parts[-1].after, may_keep=not self._in_code_zone(first, end))

    def _mixed_kind(self, found: Mixed, first: Token) -> Placeholder | None:
        digits, length = len(found.digits), len(found.text)
        if self._in_code_zone(first, first):
            return Placeholder.CODE if digits >= _FEWEST_DIGITS_OF_REFERENCE and length >= _FEWEST_DIGITS else None
        hints = self.context.hints(first.segment, first.start)
        is_named = self.context.is_reference(first.segment, first.start) or Hint.ID in hints[-1:]
        if is_named and length >= _SHORTEST_REFERENCE and digits >= _FEWEST_DIGITS_OF_REFERENCE:
            return _named(hints, Placeholder.NUMBER)
        if length < _SHORTEST_NUMBER or digits < _FEWEST_DIGITS or self._is_number_beside_letters(found):
            return None
        return _named(hints, Placeholder.NUMBER)

    def _is_number_beside_letters(self, found: Mixed) -> bool:
        """A phone number, and a letter of the words around it."""
        letters = [part for part in found.parts if not part.text.isdecimal()]
        beside = len(letters) == 1 and letters[0] in {found.parts[0], found.parts[-1]} and not letters[0].glued
        return beside and is_phone(found.digits, self.regions, international=False)

    def _without_named_letters(self, parts: tuple[Part, ...], tokens: Sequence[Token]) -> tuple[Part, ...]:
        """Without what is part of a word that names a number, as the letters of ``c v v one two three`` are.

        Nothing is left where such a word stands in the middle: the digits around it are two numbers.
        """
        named = [not part.text.isdecimal() and self.context.is_in_word(tokens[part.first]) for part in parts]
        first, after = 0, len(parts)
        while first < after and named[first]:
            first += 1
        while first < after and named[after - 1]:
            after -= 1
        return () if any(named[first:after]) else parts[first:after]

    def _checked_card(self, pieces: tuple[Piece, ...], tokens: Sequence[Token]) -> Verdict:
        """A number with a card's check digit, which one in ten of other long numbers has, too."""
        digits, first = _digits(pieces), tokens[pieces[0].first]
        hints = self.context.hints(first.segment, first.start)
        if is_chinese_id(digits):
            return _verdict(Placeholder.ID, pieces)
        if Hint.DEVICE in hints[-1:]:
            return _verdict(Placeholder.NUMBER, pieces)
        if Hint.CARD not in hints and self._is_called_abroad(digits, first):
            return _verdict(Placeholder.PHONE, pieces)
        return _verdict(Placeholder.CARD, pieces, may_keep=not card_at_start(digits))

    def _kind(
        self, run: Run, tokens: Sequence[Token], *, after_card: bool, last: Placeholder | None
    ) -> Placeholder | None:
        digits, first, end = run.digits, tokens[run.pieces[0].first], tokens[run.pieces[-1].after - 1]
        if not run.sure:
            return Placeholder.CODE if self._is_amount_for_code(digits, first, end) else None
        if len(digits) in _CODE_LENGTHS:
            if self.context.is_id_tail(first.segment, first.start):
                return Placeholder.ID
            if self._in_code_zone(first, end):
                return Placeholder.CODE
            one_by_one = all(piece.said in _SAID_ONE_BY_ONE for piece in run.pieces) and not are_years(run.pieces)
            if after_card and one_by_one and len(digits) in _CARD_CODE_LENGTHS:
                return Placeholder.CODE
        is_reference = self.context.is_reference(first.segment, first.start)
        if run.sure < (_SHORTEST_REFERENCE if is_reference else _SHORTEST_NUMBER) or are_years(run.pieces):
            return None
        return self._long_number(run, first, last)

    def _is_amount_for_code(self, digits: str, first: Token, end: Token) -> bool:
        """``one hundred and twenty three`` right behind the words that ask for a code, or as all of an answer."""
        since = self.context.codes.get(first.segment, first.start + 1)
        is_near = 0 <= first.start - since <= _ANSWER_CHARS
        return is_near and len(digits) in _CARD_CODE_LENGTHS and self._in_code_zone(first, end)

    def _in_code_zone(self, first: Token, end: Token) -> bool:
        return self.context.is_code(first.segment, first.start, end.end)

    def _long_number(self, run: Run, first: Token, last: Placeholder | None) -> Placeholder:
        digits = run.digits
        hints = self.context.hints(first.segment, first.start)
        groups = tuple(len(piece.digits) for piece in run.pieces if piece.said is Said.WRITTEN)
        if is_chinese_id(digits) or groups == _NATIONAL_ID_GROUPS:
            return Placeholder.ID
        if self._is_called_abroad(digits, first):
            return Placeholder.PHONE
        if hints[-1:] == (Hint.ACCOUNT,) and last is Placeholder.BANK:
            return Placeholder.BANK
        usual = Placeholder.PHONE if len(digits) <= _LONGEST_PHONE else Placeholder.NUMBER
        if len(digits) in _CARD_LENGTHS and hints[-1:] in {(), (Hint.CARD,)}:
            return Placeholder.BANK if is_account_card(digits) else Placeholder.NUMBER
        return _named(hints, usual)

    def _phone_with_amounts(self, run: Run) -> Verdict | None:
        """``eight hundred five five five one two one two``, ``two one two, seven three six, five thousand``."""
        if not run.head and not run.tail:
            return None
        for amount, pieces in (
            *((amount, (amount, *run.pieces)) for amount in run.head[-1:]),
            *((amount, (*run.pieces, amount)) for amount in run.tail[:1]),
        ):
            is_round = amount.digits.endswith("00") and len(amount.digits) <= _LONGEST_ROUND
            is_long = run.sure >= _SHORTEST_BESIDE_AMOUNT and len(_digits(pieces)) >= _SHORTEST_WITH_AMOUNT
            if is_round and is_long and is_phone(_digits(pieces), self.regions, international=False):
                return _verdict(Placeholder.PHONE, pieces)
        return None

    def _is_called_abroad(self, digits: str, first: Token) -> bool:
        """With a plus, ``plus`` or 加 before it, or 00 and 011 as they are dialled; also 86 and a mobile of China."""
        before = self.context.segments[first.segment].text[max(0, first.start - 8) : first.start]
        if re.search(r"(?:\+|\bplus|加)\W*$", plain(before), re.IGNORECASE):
            return len(digits) <= _LONGEST_PLAIN
        for prefix in ("00", "011", ""):
            whole = prefix or digits.startswith("861")
            if whole and digits.startswith(prefix) and is_phone(digits[len(prefix) :], (), international=True):
                return True
        return False

    def _may_keep(self, placeholder: Placeholder, run: Run, tokens: Sequence[Token]) -> bool:
        """Not what was asked for as a code, nor what is too long for one number and proves nothing."""
        first, end = tokens[run.pieces[0].first], tokens[run.pieces[-1].after - 1]
        if placeholder is Placeholder.CODE:
            return False
        is_proved = _proved(run.digits) is not None
        return is_proved or not (
            self._in_code_zone(first, end) or card_at_start(run.digits) or len(run.digits) > _LONGEST_PLAIN
        )


def are_years(pieces: Sequence[Piece]) -> bool:
    """Nothing but years: ``2024-2025``, ``twenty twenty five``, 二零二四 with another one."""
    if all(piece.said is Said.WRITTEN and len(piece.digits) == 4 for piece in pieces):  # noqa: PLR2004 - a year's digits
        years = [piece.digits for piece in pieces]
    elif all(piece.said is Said.PAIR for piece in pieces) and len(pieces) % 2 == 0:
        years = [left.digits + right.digits for left, right in zip(pieces[::2], pieces[1::2], strict=True)]
    else:
        return False
    return len(years) < 4 and all(year[:2] in {"19", "20"} for year in years)  # noqa: PLR2004 - 4 x 4 digits are a card


def _card(run: Run) -> tuple[Piece, ...] | None:
    """The pieces that are a card number, with what was misheard at the edges where only that makes one."""
    for pieces in (
        run.pieces,
        (*run.before[-1:], *run.pieces),
        (*run.pieces, *run.behind[:1]),
        (*run.before[-1:], *run.pieces, *run.behind[:1]),
        (*run.pieces, *run.tail[:1]),
    ):
        if run.sure and is_card(_digits(pieces)):
            return pieces
    return None


def _pieces_of_card(pieces: Sequence[Piece]) -> int:
    """How many of the first pieces are a card number that other digits follow; 0 where no piece ends with it."""
    if not (length := card_at_start(_digits(pieces))):
        return 0
    ends = list(accumulate(len(piece.digits) for piece in pieces))
    return ends.index(length) + 1 if length in ends else 0


def _card_among(parts: Sequence[Part]) -> slice | None:
    """Where the digits between two letters are, or begin with, a card number."""
    place = 0
    for is_digits, stretch in groupby(parts, key=lambda part: part.text.isdecimal()):
        texts = [part.text for part in stretch]
        digits = "".join(texts) if is_digits else ""
        if is_card(digits) or card_at_start(digits):
            return slice(place, place + len(texts))
        place += len(texts)
    return None


def _named(hints: Sequence[Hint], usual: Placeholder) -> Placeholder:
    """What the nearest word says that it is, or the usual one."""
    match hints[-1:]:
        case (Hint.ID,):
            return Placeholder.ID
        case (Hint.BANK,):
            return Placeholder.BANK
        case (Hint.ACCOUNT,):
            return Placeholder.BANK if Hint.BANK in hints else Placeholder.NUMBER
        case (Hint.CARD | Hint.REFERENCE | Hint.DEVICE,):
            return Placeholder.NUMBER
        case _:
            return usual


def _proved(text: str) -> Placeholder | None:
    """What a number is by its own form and check digits."""
    if is_iban(text):
        return Placeholder.BANK
    if is_insurance_number(text) or is_chinese_id(text):
        return Placeholder.ID
    return Placeholder.CARD if is_card(text) else None


def _digits(pieces: Sequence[Piece]) -> str:
    return "".join(piece.digits for piece in pieces)


def _verdict(placeholder: Placeholder, pieces: Sequence[Piece], *, may_keep: bool = True) -> Verdict:
    return Verdict(placeholder, pieces[0].first, pieces[-1].after, may_keep)
