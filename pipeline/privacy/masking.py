"""Personal numbers and e-mail addresses in a conversation, written or spoken, give way to typed placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipeline.privacy.digits import Piece, Run, Said, runs
from pipeline.privacy.emails import emails
from pipeline.privacy.lexicon import MISHEARD
from pipeline.privacy.tokens import Kind, Token, in_time, plain, streams
from schemas.transcript import Segment

_SHORTEST_NUMBER: Final = 7
_LONGEST_PHONE: Final = 12
_CARD_LENGTHS: Final = range(13, 20)
_CODE_LENGTHS: Final = range(3, 7)
_CODE_REACH: Final = 3
"""A code is looked for in the segment that speaks of it and in so many after it, whoever says them."""
_CODE_WORDS: Final = re.compile(
    r"\b(?:security|verification|authentication|access|one[ -]time)[ -](?:code|number|value|password)\b"
    r"|\bc[ .]{0,2}v[ .]{0,2}[cv2]\b|\b(?:cid|otp|cvc2|cvv2)\b|\bpin(?: code| number)?\b"
    r"|\bpass(?:word|code)\b|\b(?:on|at) the back of (?:the|your|my) card\b"
    r"|安全码|安全碼|验证码|驗證碼|校验码|动态码|密码|密碼|背面.{0,4}三位|后三位|末三位",
    re.IGNORECASE,
)
_ACCOUNT_WORDS: Final = re.compile(
    r"\b(?:account|customer number|contract|order|invoice|policy|iban|routing|bank|reference|passport|licen[cs]e|serial"
    r"|social security|member|tracking|tax|i\.?d\.?|number of the card|card)\b"
    r"|账号|帐号|賬號|账户|帐户|身份证|身分證|护照|卡号|卡號|订单|訂單|合同|客户编号|编号|单号|保单",
    re.IGNORECASE,
)
_CONTEXT_CHARS: Final = 60
_NATIONAL_ID_GROUPS: Final = (3, 2, 4)


class Placeholder(StrEnum):
    """What stands where something personal was."""

    CARD = "[CARD]"
    PHONE = "[PHONE]"
    EMAIL = "[EMAIL]"
    NUMBER = "[NUMBER]"
    CODE = "[CODE]"


@dataclass(frozen=True, slots=True)
class _Cut:
    """Characters ``start`` to ``end`` of one segment to be replaced."""

    segment: int
    start: int
    end: int
    placeholder: Placeholder


def mask(segments: Sequence[Segment], language: str | None) -> tuple[Segment, ...]:
    """Replace personal numbers and e-mail addresses; the segments keep their order, ids and times.

    - ``[CARD]``: 13 to 19 digits with a valid check digit (ISO/IEC 7812, Luhn); ``[PHONE]`` and ``[NUMBER]``: other
      runs of 7 digits and more, told apart by length, grouping and the words before them; ``[CODE]``: 3 to 6 digits
      soon after somebody spoke of a security code, a PIN or the like; ``[EMAIL]``.
    - Digits count as written, as full-width digits and as words of English and Mandarin, with ``double seven``,
      ``forty one eleven`` and 三个八. Both are read in every language, since a wrong language must not let a number
      through; ``language`` (BCP 47, None if unknown) decides whose misheard words (``for``, 腰) are believed.
    - A number may go on in the speaker's next segment; each segment then has the placeholder.
    - Numbers next to a currency or a unit, spoken amounts, dates, times, years and shorter numbers stay.

    The time taken is linear in the length of the text.
    """
    cuts: list[_Cut] = []
    code_zones = _code_zones(segments)
    for stream in streams(segments):
        addresses = list(emails(stream))
        for first, after in addresses:
            spans = _spans(stream[first:after])
            cuts.extend(_Cut(segment, *span, Placeholder.EMAIL) for segment, span in spans.items())
        for part in _between(stream, addresses):
            for run in runs(part, _misheard(language)):
                placeholder, pieces = _judge(run, part, segments, code_zones)
                if placeholder is not None:
                    cuts.extend(_number_cuts(part, pieces, placeholder, segments))
    return tuple(_masked(segments, cuts))


def _misheard(language: str | None) -> Mapping[str, str]:
    if language is None:
        return {word: digit for words in MISHEARD.values() for word, digit in words.items()}
    return MISHEARD.get(language.partition("-")[0].lower(), {})


def _between(stream: list[Token], taken: Iterable[tuple[int, int]]) -> Iterator[list[Token]]:
    """The parts of a stream that hold no address."""
    start = 0
    for first, after in taken:
        yield stream[start:first]
        start = after
    yield stream[start:]


def _judge(
    run: Run, tokens: Sequence[Token], segments: Sequence[Segment], code_zones: Mapping[int, int]
) -> tuple[Placeholder | None, tuple[Piece, ...]]:
    """What a run is, and the pieces that belong to it; None for a number that may stay."""
    for pieces in (
        run.pieces,
        (*run.before[-1:], *run.pieces),
        (*run.pieces, *run.behind[:1]),
        (*run.before[-1:], *run.pieces, *run.behind[:1]),
    ):
        if is_card("".join(piece.digits for piece in pieces)):
            return Placeholder.CARD, pieces
    first = tokens[run.pieces[0].first]
    if len(run.digits) in _CODE_LENGTHS and first.start >= code_zones.get(first.segment, first.start + 1):
        return Placeholder.CODE, run.pieces
    if run.sure < _SHORTEST_NUMBER or _are_years(run.pieces):
        return None, ()
    if any(is_card(run.digits[:length]) for length in (16, 15)) and len(run.digits) not in _CARD_LENGTHS:
        return Placeholder.CARD, run.pieces
    return _long_number(run, first, segments), run.pieces


def is_card(digits: str) -> bool:
    """13 to 19 digits whose last one is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    if len(digits) not in _CARD_LENGTHS or not digits.strip("0"):
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def _are_years(pieces: Sequence[Piece]) -> bool:
    """Nothing but years: ``2024-2025``, ``twenty twenty five``."""
    if all(piece.said is Said.WRITTEN and len(piece.digits) == 4 for piece in pieces):  # noqa: PLR2004 - a year's digits
        years = [piece.digits for piece in pieces]
    elif all(piece.said is Said.PAIR for piece in pieces) and len(pieces) % 2 == 0:
        years = [left.digits + right.digits for left, right in zip(pieces[::2], pieces[1::2], strict=True)]
    else:
        return False
    return len(years) < 4 and all(year[:2] in {"19", "20"} for year in years)  # noqa: PLR2004 - 4 x 4 digits are a card


def _long_number(run: Run, first: Token, segments: Sequence[Segment]) -> Placeholder:
    before = segments[first.segment].text[max(0, first.start - _CONTEXT_CHARS) : first.start]
    groups = tuple(len(piece.digits) for piece in run.pieces if piece.said is Said.WRITTEN)
    short = len(run.digits) <= _LONGEST_PHONE or plain(before[-1:]) == "+"
    if not short or groups == _NATIONAL_ID_GROUPS or _ACCOUNT_WORDS.search(before):
        return Placeholder.NUMBER
    return Placeholder.PHONE


def _code_zones(segments: Sequence[Segment]) -> dict[int, int]:
    """From which character on a segment may hold a code, by the segment's index."""
    zones: dict[int, int] = {}
    order = in_time(segments)
    for place, index in enumerate(order):
        if (spoken_of := _CODE_WORDS.search(segments[index].text)) is None:
            continue
        zones[index] = min(zones.get(index, spoken_of.end()), spoken_of.end())
        for later in order[place + 1 : place + 1 + _CODE_REACH]:
            zones[later] = 0
    return zones


def _number_cuts(
    tokens: Sequence[Token], pieces: Sequence[Piece], placeholder: Placeholder, segments: Sequence[Segment]
) -> Iterator[_Cut]:
    first, after = pieces[0].first, pieces[-1].after
    for segment, (start, end) in _spans(tokens[first:after]).items():
        text = segments[segment].text
        yield _Cut(segment, _with_prefix(text, start, end), _with_suffix(text, end), placeholder)


def _with_prefix(text: str, start: int, end: int) -> int:
    """Take in the letters of ``DE89…``, the plus of ``+49…`` and the bracket of ``(415) …``."""
    if text[start].isdecimal():
        while start and text[start - 1].isascii() and text[start - 1].isalpha():
            start -= 1
    if plain(text[max(0, start - 1) : start]) == "(" and ")" in plain(text[start:end]):
        start -= 1
    return start - 1 if plain(text[max(0, start - 1) : start]) == "+" else start


def _with_suffix(text: str, end: int) -> int:
    """Take in the X that some identity numbers end with."""
    is_check = text[end : end + 1] in {"x", "X"} and not text[end + 1 : end + 2].isalnum()
    return end + 1 if is_check else end


def _spans(tokens: Iterable[Token]) -> dict[int, tuple[int, int]]:
    """From where to where the tokens reach, in each segment that they are of."""
    spans: dict[int, tuple[int, int]] = {}
    for token in tokens:
        if token.kind is not Kind.PAUSE:
            start, _ = spans.get(token.segment, (token.start, 0))
            spans[token.segment] = (start, token.end)
    return spans


def _masked(segments: Sequence[Segment], cuts: Iterable[_Cut]) -> Iterator[Segment]:
    by_segment: dict[int, list[_Cut]] = {}
    for cut in cuts:
        by_segment.setdefault(cut.segment, []).append(cut)
    for index, segment in enumerate(segments):
        if index not in by_segment:
            yield segment
            continue
        parts, done = [], 0
        for cut in sorted(by_segment[index], key=lambda cut: cut.start):
            parts += [segment.text[done : max(done, cut.start)], cut.placeholder]
            done = max(done, cut.end)
        yield segment.model_copy(update={"text": "".join([*parts, segment.text[done:]])})
