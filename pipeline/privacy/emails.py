"""Finding e-mail addresses, written (``a.b@example.com``) and said (``a dot b at example dot com``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pipeline.privacy.lexicon import BEFORE_ADDRESSES, REPEATS, TEENS, TENS, UNITS, WEAK
from pipeline.privacy.tokens import Kind, Token

_DOTS: Final = frozenset({"dot", "点", "點"})
JOINS: Final = _DOTS | {"underscore", "dash", "hyphen", "minus", "plus", "杠", "横"}
_UNDERSCORE: Final = ("下", "划", "线")
_HOSTS: Final = frozenset({"新浪", "网易", "搜狐", "腾讯", "谷歌", "雅虎"})
_SIGNS: Final = {"@": (), "at": (), "艾": ("特",), "爱": ("特",), "圈": ("a",), "小": ("老", "鼠")}
_GLUE: Final = frozenset("._-+%")
_DIGIT_WORDS: Final = frozenset({*UNITS, *TEENS, *TENS, *WEAK, *REPEATS})
_MOST_NAMES: Final = 4
_MOST_HOSTS: Final = 24
_LONGEST: Final = 64
_AFTER_LATIN: Final = "\u0250"


def holds_address(tokens: Iterable[Token]) -> bool:
    """Whether there are a sign and a dot, written or said, as in every address."""
    texts = {token.text for token in tokens}
    return not texts.isdisjoint(_SIGNS) and not texts.isdisjoint(_DOTS | {"."})


def emails(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """The addresses of a stream, each as its first token and the one after its last; they do not overlap."""
    done = 0
    for index, token in enumerate(tokens):
        if token.text not in _SIGNS or index < done or not (width := _at_sign(tokens, index)):
            continue
        first = _written_local(tokens, index, done) if token.text == "@" else index
        if first == index or (first > done and tokens[first - 1].text in JOINS):
            first = _said_local(tokens, first, done)
        host = index + width
        after = _host(tokens, host)
        if first < index and after > host:
            yield first, after
            done = after


def _at_sign(tokens: Sequence[Token], index: int) -> int:
    """How many tokens the sign takes that may begin here: ``@``, ``at``, ``at sign``, 艾特, 圈a, 小老鼠; 0 for none."""
    rest = _SIGNS[tokens[index].text]
    if any(_text(tokens, index + place) != text for place, text in enumerate(rest, 1)):
        return 0
    return 2 if tokens[index].text == "at" and _text(tokens, index + 1) == "sign" else 1 + len(rest)


def _written_local(tokens: Sequence[Token], at: int, floor: int) -> int:
    """The first token of what stands before ``@`` without a space."""
    first = at
    while first > floor and at - first < _LONGEST and tokens[first].glued and _is_written(tokens[first - 1]):
        first -= 1
    return first


def _said_local(tokens: Sequence[Token], at: int, floor: int) -> int:
    """The first token of the name said before ``at``: joined parts, spelled letters and digits, a few words."""
    first, names, joined = at, 0, False
    while first > floor and at - first < _LONGEST:
        token = tokens[first - 1]
        if (letter := _named_letter(tokens, first, floor)) < first:
            first, joined = letter, False
            continue
        if _is_underscore(tokens, first, floor):
            first, joined = first - len(_UNDERSCORE), True
            continue
        if token.text in JOINS or (token.kind is Kind.SOFT and token.text in _GLUE):
            joined = True
        elif not joined and token.text in BEFORE_ADDRESSES and not _is_spelled(tokens, first - 1):
            break
        elif _is_letter_or_digit(token):
            joined = False
        elif _is_latin(token) and (joined or names < _MOST_NAMES):
            names, joined = names + 1, False
        elif token.kind is not Kind.PAUSE and not _parts_letters(tokens, first - 1, at):
            break
        first -= 1
    while first < at and (tokens[first].text in JOINS or tokens[first].kind in {Kind.SOFT, Kind.PAUSE}):
        first += 1
    return first


def _named_letter(tokens: Sequence[Token], after: int, floor: int) -> int:
    """The first token of ``s as in sam`` or ``d for dog`` that ends before ``after``; ``after`` where none does."""
    for words in (("as", "in"), ("for",), ("like",)):
        first = after - 2 - len(words)
        if first < floor or tuple(token.text for token in tokens[first + 1 : after - 1]) != words:
            continue
        letter, name = tokens[first].text, tokens[after - 1].text
        if len(letter) == 1 and len(name) > 1 and name.startswith(letter):
            return first
    return after


def _is_underscore(tokens: Sequence[Token], after: int, floor: int) -> bool:
    first = after - len(_UNDERSCORE)
    return first >= floor and tuple(token.text for token in tokens[first:after]) == _UNDERSCORE


def _parts_letters(tokens: Sequence[Token], index: int, at: int) -> bool:
    """A comma behind which a letter or digit was spelled."""
    return tokens[index].text == "," and index + 1 < at and _is_letter_or_digit(tokens[index + 1])


def _host(tokens: Sequence[Token], start: int) -> int:
    """The token after ``example dot co dot uk`` or ``example.com``; ``start`` where there is no host."""
    index, names, end = start, 0, start
    while index < len(tokens) and index - start < _MOST_HOSTS:
        token = tokens[index]
        if names and (token.text in _DOTS or (_is_written_dot(tokens, index) and (end > start or names == 1))):
            top = _top_level(tokens, index + 1)
            if top == index + 1:
                break
            index = end = top
            continue
        if end == start and token.text + _text(tokens, index + 1) in _HOSTS:
            names, index = names + 1, index + 2
            continue
        if end > start or not (_is_host_name(token) or token.kind is Kind.PAUSE or token.text in {"-", "dash"}):
            break
        names += 1
        index += 1
    return end


def _top_level(tokens: Sequence[Token], start: int) -> int:
    """The token after one label: a word, or letters that were spelled; what follows without a dot is no part of it."""
    if start >= len(tokens) or not _is_host_name(tokens[start]):
        return start
    after = start + 1
    if len(tokens[start].text) == 1:
        while after < len(tokens) and after - start < 3 and _is_spelled(tokens, after):  # noqa: PLR2004 - c o m
            after += 1
        if after == start + 1:
            return start
    while after < len(tokens) and tokens[after].glued and (_is_host_name(tokens[after]) or tokens[after].text == "-"):
        after += 1
    return after


def _is_written(token: Token) -> bool:
    return token.kind is Kind.NUMBER or token.text in _GLUE or _is_latin(token)


def _is_host_name(token: Token) -> bool:
    return token.kind is Kind.NUMBER or _is_latin(token) or token.text in UNITS


def _is_written_dot(tokens: Sequence[Token], index: int) -> bool:
    """A full stop without a space on either side."""
    is_glued = tokens[index].glued and index + 1 < len(tokens) and tokens[index + 1].glued
    return tokens[index].text == "." and is_glued


def _is_spelled(tokens: Sequence[Token], index: int) -> bool:
    """A single letter beside another one, with a comma at most between: ``a`` is no article in ``j a n e``."""
    return _is_single(tokens, index) and (_is_single_word(tokens, index, -1) or _is_single_word(tokens, index, 1))


def _is_single_word(tokens: Sequence[Token], index: int, step: int) -> bool:
    beside = index + step
    if 0 <= beside < len(tokens) and tokens[beside].text == ",":
        beside += step
    return 0 <= beside < len(tokens) and len(tokens[beside].text) == 1 and tokens[beside].kind is Kind.WORD


def _is_single(tokens: Sequence[Token], index: int) -> bool:
    return len(tokens[index].text) == 1 and _is_latin(tokens[index])


def _is_letter_or_digit(token: Token) -> bool:
    single = len(token.text) == 1 and _is_latin(token)
    return token.kind is Kind.NUMBER or single or token.text in _DIGIT_WORDS


def _is_latin(token: Token) -> bool:
    return token.kind is Kind.WORD and token.text < _AFTER_LATIN


def _text(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].text if index < len(tokens) else ""
