"""Finding e-mail addresses, written (``a.b@example.com``) and said (``a dot b at example dot com``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.privacy.lexicon import BEFORE_ADDRESSES, REPEATS, TEENS, TENS, UNITS, WEAK
from pipeline.privacy.tokens import Kind, Token

_DOTS: Final = frozenset({"dot", "点", "點"})
_JOINS: Final = _DOTS | {"underscore", "dash", "hyphen", "minus", "杠", "横"}
_GLUE: Final = frozenset("._-+%")
_DIGIT_WORDS: Final = frozenset({*UNITS, *TEENS, *TENS, *WEAK, *REPEATS})
_MOST_NAMES: Final = 4
_MOST_HOSTS: Final = 24
_LONGEST: Final = 64
_AFTER_LATIN: Final = "\u0250"


def emails(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """The addresses of a stream, each as its first token and the one after its last; they do not overlap."""
    done = 0
    for index, token in enumerate(tokens):
        width = _at_sign(tokens, index)
        if index < done or not width:
            continue
        first = _written_local(tokens, index, done) if token.text == "@" else index
        if first == index:
            first = _said_local(tokens, index, done)
        host = index + width
        after = _host(tokens, host)
        if first < index and after > host:
            yield first, after
            done = after


def _at_sign(tokens: Sequence[Token], index: int) -> int:
    """How many tokens the sign takes here: ``@``, ``at``, 艾特, or 0 for none."""
    text = tokens[index].text
    if text in {"@", "at"}:
        return 1
    return 2 if text in {"艾", "爱"} and _text(tokens, index + 1) == "特" else 0


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
        if token.text in _JOINS or (token.kind is Kind.SOFT and token.text in _GLUE):
            joined = True
        elif not joined and token.text in BEFORE_ADDRESSES and not _is_spelled(tokens, first - 1):
            break
        elif _is_letter_or_digit(token):
            joined = False
        elif _is_latin(token) and (joined or names < _MOST_NAMES):
            names, joined = names + 1, False
        elif token.kind is not Kind.PAUSE:
            break
        first -= 1
    while first < at and (tokens[first].text in _JOINS or tokens[first].kind in {Kind.SOFT, Kind.PAUSE}):
        first += 1
    return first


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
    """A single letter beside another one: ``a`` is no article in ``j a n e``."""
    beside = (index - 1, index + 1)
    single = len(tokens[index].text) == 1 and _is_latin(tokens[index])
    return single and any(
        0 <= place < len(tokens) and len(tokens[place].text) == 1 and tokens[place].kind is Kind.WORD
        for place in beside
    )


def _is_letter_or_digit(token: Token) -> bool:
    single = len(token.text) == 1 and _is_latin(token)
    return token.kind is Kind.NUMBER or single or token.text in _DIGIT_WORDS


def _is_latin(token: Token) -> bool:
    return token.kind is Kind.WORD and token.text < _AFTER_LATIN


def _text(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].text if index < len(tokens) else ""
