"""Text as words with their places: the one normalisation that classifier, word lists and grounding share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

# Han, kana and compatibility ideographs: scripts written without spaces.
_HAN: Final = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN: Final = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+(?:['\u2019][^\W\d_{_HAN}]+)*")
_IS_HAN: Final = re.compile(rf"^[{_HAN}]")
# Western and full-width marks; of full stops those that a space or the end follows: "3.50" and "v1.2" are no ends.
_CLAUSE_END: Final = re.compile(r"[,;:!?\u2026\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f\n]|\.(?=\s|$)")
_CONTRACTIONS: Final = (
    (re.compile(r"^can't$"), "can not"),
    (re.compile(r"^won't$"), "will not"),
    (re.compile(r"^let's$"), "let us"),
    (re.compile(r"n't$"), " not"),
    (re.compile(r"'m$"), " am"),
    (re.compile(r"'re$"), " are"),
    (re.compile(r"'ll$"), " will"),
    (re.compile(r"'ve$"), " have"),
    (re.compile(r"^(it|that|what|there|here|he|she|who|where|how)'s$"), r"\1 is"),
    (re.compile(r"^(i|you|we|they|he|she|it)'d$"), r"\1 would"),
)


class Word(NamedTuple):
    """One word, lower case, and where it stands in the text (``text[start:end]``).

    A tuple, as a call has very many, and no other value is made as quickly.
    """

    text: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of a text in order, without punctuation and what was masked; Chinese is cut by jieba."""
    found: list[Word] = []
    for said, start, end in _runs(text):
        if is_han(said):
            found += [Word(piece, start + a, start + b) for piece, a, b in _jieba().tokenize(said)]
        else:
            found.append(Word(_fold(said), start, end))
    return found


@lru_cache(maxsize=1_024)
def letters(text: str) -> tuple[Word, ...]:
    """As ``words``, but Chinese letter by letter, so that its cut into words does not decide what is found.

    Each turn of a call is compared with every phrase of the word lists, so that the newest are kept.
    """
    found: list[Word] = []
    for said, start, end in _runs(text):
        if is_han(said):
            found += [Word(letter, place, place + 1) for place, letter in enumerate(said, start)]
        else:
            found.append(Word(_fold(said), start, end))
    return tuple(found)


def _runs(text: str) -> Iterator[tuple[str, int, int]]:
    """Runs of one script with their places; the placeholder of a masked number, as in "[CARD]", is nobody's word."""
    for run in _RUN.finditer(text):
        start, end = run.span()
        if not (start and text[start - 1] == "[" and text.startswith("]", end)):
            yield run[0], start, end


def is_han(text: str) -> bool:
    """Whether a text begins in a script that is written without spaces."""
    return not text.isascii() and _IS_HAN.match(text) is not None


def spelled_out(word: str) -> str:
    """An English contraction in full ("don't" as "do not"), so that written and spoken examples meet."""
    if "'" not in word:
        return word
    for pattern, full in _CONTRACTIONS:
        if pattern.search(word):
            return pattern.sub(full, word)
    return word


def clause_ends(text: str) -> list[int]:
    """Where punctuation ends a clause, as offsets into the text."""
    return [mark.start() for mark in _CLAUSE_END.finditer(text)]


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")


@cache
def _jieba() -> Any:  # noqa: ANN401 - jieba has no types
    import logging

    import jieba

    jieba.setLogLevel(logging.WARNING)
    return jieba.Tokenizer()
