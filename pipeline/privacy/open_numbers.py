"""Whether a segment of a live call ends inside a number or an address, of which the rest is still to be said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pipeline.privacy.checks import is_card, is_chinese_id, is_phone, regions_of
from pipeline.privacy.digits import Piece, Said, piece_at
from pipeline.privacy.letters import spelled
from pipeline.privacy.lexicon import FILLERS
from pipeline.privacy.tokens import Kind, Token, tokens_of
from schemas.transcript import Segment

_LAST_CHARS: Final = 200
_FEWEST_DIGITS: Final = 3
_FEWEST_LETTERS: Final = 3
_WHOLE_CARD_LENGTHS: Final = frozenset({15, 16, 19})
_JOINS: Final = frozenset({"dot", "underscore", "hyphen", "dash", "点", "點", "线"})
_AFTER_LATIN: Final = "\u0250"
_SPEAKS_OF_A_NUMBER: Final = re.compile(
    r"\b(?:number|card|phone|mobile|cell|account|code|pin|social|passport|zip|postcode|reference|e-?mail|it'?s|it is)\b"
    r"|[号號码碼]|电话|電話|手机|手機|账户|邮箱",
    re.IGNORECASE | re.ASCII,
)


def is_open(segment: Segment, language: str | None) -> bool:
    """Whether what is said next may belong to a number or an e-mail address that this segment ends in.

    That is where its last words are three digits or more, or fewer where it speaks of a number or holds nothing else,
    and they are no amount and no whole number yet (a card or a Chinese identity number with its check digit, a
    telephone number that can be called); where it ends in letters that were spelled; or in ``dot``, ``underscore`` or
    the like. Only the last 200 characters count, so the time is the same for every segment.

    Args:
        segment: as it was recognised, or masked.
        language: BCP 47, None if unknown; decides which telephone numbers are whole.
    """
    tokens = list(tokens_of(segment.text[-_LAST_CHARS:]))
    while tokens and (tokens[-1].kind is Kind.SOFT or _is_filler(tokens)):
        tokens.pop()
    if not tokens:
        return False
    if _ends_in_join(tokens):
        return True
    tokens = [token for token in tokens if token.text not in FILLERS]
    pieces, first = _last_pieces(tokens)
    digits = "".join(piece.digits for piece in pieces)
    if not digits:
        return _last_letters(tokens) >= _FEWEST_LETTERS
    is_alone = first == 0 and len(segment.text) <= _LAST_CHARS
    is_spoken_of = _SPEAKS_OF_A_NUMBER.search(segment.text[-_LAST_CHARS:]) is not None
    if len(digits) < _FEWEST_DIGITS and not (is_alone or is_spoken_of):
        return False
    return not _is_whole(digits, language)


def _is_filler(tokens: Sequence[Token]) -> bool:
    return tokens[-1].text in FILLERS and not _ends_in_join(tokens)


def _ends_in_join(tokens: Sequence[Token]) -> bool:
    """``john dot`` or ``john dot smith at``, which something has to follow; 三点 is a time of day."""
    last, before = tokens[-1].text, tokens[-2] if len(tokens) > 1 else None
    if before is None:
        return False
    is_latin = before.kind is Kind.NUMBER or before.text < _AFTER_LATIN or last == "线"
    if last in _JOINS:
        return is_latin
    return (last in {"at", "@"} or (before.text, last) == ("艾", "特")) and any(
        token.text in _JOINS for token in tokens
    )


def _last_pieces(tokens: Sequence[Token]) -> tuple[list[Piece], int]:
    """The digits that the tokens end with, amounts at their end left out, and the first token of them."""
    pieces: list[Piece] = []
    index = first = 0
    while index < len(tokens):
        piece = piece_at(tokens, index, {})
        if piece is not None and piece.said is not Said.CARDINAL:
            first = first if pieces else index
            pieces.append(piece)
            index = piece.after
            continue
        if tokens[index].kind is not Kind.SOFT:
            pieces = []
        index = index + 1 if piece is None else max(piece.after, index + 1)
    return pieces, first


def _last_letters(tokens: Sequence[Token]) -> int:
    """How many letters were spelled at the end."""
    count, index = 0, 0
    while index < len(tokens):
        letter = spelled(tokens, index)
        if letter is not None:
            count, index = count + 1, letter.after
            continue
        count = count if tokens[index].kind is Kind.SOFT else 0
        index += 1
    return count


def _is_whole(digits: str, language: str | None) -> bool:
    if len(digits) in _WHOLE_CARD_LENGTHS and is_card(digits):
        return True
    return is_chinese_id(digits) or is_phone(digits, regions_of(language), international=False)
