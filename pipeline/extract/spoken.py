"""Text as tokens that are equal where the same was said, however it is written: "$20" and "twenty dollars"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from functools import lru_cache
from typing import Final, NamedTuple

from pipeline.extract.numbers import digits
from pipeline.extract.traditional import simplified
from pipeline.extract.words import Word, is_han, letters, spelled_out


class Kind(Enum):
    """What a token is to a comparison: a filler may be left out, a number and a negation never be exchanged."""

    WORD = auto()
    HAN = auto()
    NUMBER = auto()
    NEGATION = auto()
    FILLER = auto()


class Token(NamedTuple):
    """What is compared, and where it stands in the text (``text[start:end]``); a tuple, as ``Word`` is."""

    text: str
    kind: Kind
    start: int
    end: int


_UNITS: Final = "zero one two three four five six seven eight nine ten"
_TEENS: Final = "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_SCALES: Final = frozenset(("hundred", "thousand", "million"))
_NUMBERS: Final = frozenset(f"{_UNITS} {_TEENS} {_TENS}".split()) | _SCALES
_HAN_NUMBERS: Final = frozenset("零〇一二三四五六七八九十百千万亿两")
_NEGATIVE: Final = "no not never none nothing nobody neither nor without"
_NEGATIONS: Final = frozenset(_NEGATIVE.split()) | frozenset("不没别未无非勿")
_HESITATION: Final = "uh um uhm er erm ah eh hm hmm mm mhm huh"
_FILLERS: Final = frozenset(_HESITATION.split()) | frozenset("嗯呃啊哦唉诶") | {"a", "an", "the"}
_DIGIT: Final = re.compile(r"\d")
_LITERAL: Final = re.compile(r"\d+", re.ASCII)
# A recogniser leaves the apostrophe out, and writes down what it hears.
_NO_APOSTROPHE: Final = re.compile(
    r"(do|does|did|is|are|was|were|would|could|should|have|has|had|must|need)nt|(ca|wo)nt|cannot"
)
_SLURRED: Final = {"gonna": "going to", "wanna": "want to", "gotta": "got to", "okay": "ok", "cause": "because"}


@lru_cache(maxsize=4_096)
def tokens(text: str) -> tuple[Token, ...]:
    """The tokens in order: words in lower case, contractions in full, numbers as digits, Chinese letter by letter."""
    words = letters(simplified(text))
    spelled = [
        Token(part, kind, word.start, word.end)
        for word in (_literals(words, text) if _DIGIT.search(text) else words)
        for part, kind in _spelled(word.text)
    ]
    return tuple(_with_numbers(spelled, text))


def _literals(words: Sequence[Word], text: str) -> Iterator[Word]:
    """Digits with marks within as one word: 1,000 and 3.50, which are 1000 and 3.5."""
    held: Word | None = None
    for word in words:
        if held is not None and _LITERAL.fullmatch(word.text):
            mark = text[held.end : word.start]
            whole = "." not in held.text
            if whole and mark == "," and len(word.text) == 3:  # noqa: PLR2004 - a group of thousands
                held = Word(held.text + word.text, held.start, word.end)
                continue
            if whole and mark == ".":
                held = Word(f"{held.text}.{word.text}", held.start, word.end)
                continue
        if held is not None:
            yield _plain(held)
        held = word if _LITERAL.fullmatch(word.text) else None
        if held is None:
            yield word
    if held is not None:
        yield _plain(held)


def _plain(word: Word) -> Word:
    """A price in full is the price: 20.00 is 20; the noughts before a number are a part of it, as in a code."""
    return Word(word.text.rstrip("0").rstrip("."), word.start, word.end) if "." in word.text else word


@lru_cache(maxsize=20_000)
def _spelled(word: str) -> tuple[tuple[str, Kind], ...]:
    """The words that one stands for, as a contraction does."""
    return tuple((text, _kind(text)) for text in _in_full(word).split())


def _in_full(word: str) -> str:
    if word.endswith(("nt", "ot")) and (found := _NO_APOSTROPHE.fullmatch(word)) is not None:
        return f"{found[1] or {'ca': 'can', 'wo': 'will'}.get(found[2] or '', 'can')} not"
    return _SLURRED.get(word) or spelled_out(word)


def _kind(text: str) -> Kind:
    if text in _NEGATIONS:
        return Kind.NEGATION
    if text in _FILLERS:
        return Kind.FILLER
    if text in _NUMBERS or text in _HAN_NUMBERS or text[0].isdigit():
        return Kind.NUMBER
    return Kind.HAN if is_han(text) else Kind.WORD


def _with_numbers(spelled: list[Token], text: str) -> Iterator[Token]:
    at = 0
    while at < len(spelled):
        begins = spelled[at].kind is Kind.NUMBER or spelled[at].text == "a"
        end = _end_of_number(spelled, at, text) if begins else at
        if end == at:
            yield spelled[at]
            at += 1
        else:
            yield from _numbers(spelled[at:end])
            at = end


def _end_of_number(spelled: list[Token], at: int, text: str) -> int:
    """Where the words of a number end that begins here; ``at`` where none begins."""
    end = at
    while end < len(spelled):
        token = spelled[end]
        if end > at and not _beside(spelled[end - 1], token, text):
            break
        if token.kind is not Kind.NUMBER and not _joins(spelled, at, end):
            break
        end += 1
    return end


def _beside(one: Token, other: Token, text: str) -> bool:
    """Whether two words may be of one number: "forty-five", "three hundred", but of Chinese nothing between."""
    between = text[one.end : other.start]
    if one.text in _HAN_NUMBERS or other.text in _HAN_NUMBERS:
        return not between
    return not between.strip(" -")


def _joins(spelled: list[Token], at: int, here: int) -> bool:
    """Whether a word that is no number stands within one: "a hundred and twenty", "three point five"."""
    if here + 1 >= len(spelled) or spelled[here + 1].kind is not Kind.NUMBER:
        return False
    before = spelled[here - 1].text if here > at else ""
    match spelled[here].text:
        case "a":
            return not before and spelled[here + 1].text in _SCALES
        case "and":
            return before in _SCALES
        case "point":
            return before in _NUMBERS
        case _:
            return False


def _numbers(run: list[Token]) -> list[Token]:
    """The number that a run of words is, or each by itself where it is no one number: "ten thirty"."""
    glue = "" if any(one.text in _HAN_NUMBERS for one in run) else " "
    value = digits(glue.join(one.text for one in run))
    if _is_digits(value):
        return [Token(value, Kind.NUMBER, run[0].start, run[-1].end)]
    if all(_LITERAL.fullmatch(one.text) and len(one.text) == 1 for one in run):
        return [Token("".join(one.text for one in run), Kind.NUMBER, run[0].start, run[-1].end)]
    # What is about a number, as 两三 is two or three, stays as it is said.
    return [one._replace(text=one.text if one.text in _HAN_NUMBERS else digits(one.text)) for one in run]


def _is_digits(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
