"""BM25 as sparse vectors: pure functions from text to (term index, weight).

A document's weight is the term-frequency part of BM25, a query's weight is 1; the inverse document frequency is added
by Qdrant (``Modifier.IDF``), which knows the collection. Source: Robertson and Zaragoza, "The Probabilistic Relevance
Framework: BM25 and Beyond", 2009, with the usual k1 and b.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any, Final

K1: Final = 1.2
B: Final = 0.75
_WORDS_AT_HAND: Final = 65_536
"""Words whose term is not worked out again: those of a language that are said at all."""
_RUNS: Final = re.compile(r"(?P<han>[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)|(?P<word>[^\W_]+(?:['\u2019][^\W_]+)*)")
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class Token:
    """A term and where in the text it stands (characters, half open)."""

    term: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Indices in rising order, each with its weight."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


def tokens(text: str) -> list[Token]:
    """The terms of a text: words casefolded and without plural endings; Chinese as jieba cuts it for search engines."""
    return [token for run in _runs(text) for token in _cut(run)]


def document_vector(text: str, average_words: float) -> SparseVector:
    """The stored side of BM25; ``average_words`` is the length of a typical text of the collection, in terms."""
    terms = _terms(text)
    norm = K1 * (1 - B + B * len(terms) / average_words)
    return _vector({term: count * (K1 + 1) / (count + norm) for term, count in Counter(terms).items()})


def query_vector(text: str) -> SparseVector:
    """The asking side: each term once."""
    return _vector(dict.fromkeys((token.term for token in tokens(text)), 1.0))


@lru_cache(maxsize=_WORDS_AT_HAND)
def term_index(term: str) -> int:
    """The 32-bit index of a term: the same on every machine, and for 100,000 terms about one collision is expected."""
    return int.from_bytes(blake2b(term.encode(), digest_size=4).digest(), "big")


def highlights(text: str, query: str) -> tuple[tuple[int, int], ...]:
    """Where words of the query stand in the text: (start, end) in characters, in order, none overlapping."""
    wanted = {token.term for token in tokens(query)}
    merged: list[tuple[int, int]] = []
    for start, end in sorted((token.start, token.end) for token in tokens(text) if token.term in wanted):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _terms(text: str) -> list[str]:
    """The terms of ``tokens`` without their places, for which nobody asks when a text is stored."""
    terms: list[str] = []
    for han, word in _RUNS.findall(text):
        if word.isascii() and word:
            terms.append(_term(word))
        elif han:
            terms.extend(_jieba().cut_for_search(han))
        else:
            terms.extend(token.term for piece in _pieces(word, 0) for token in _cut(piece))
    return terms


@lru_cache(maxsize=_WORDS_AT_HAND)
def _term(word: str) -> str:
    """The term of a word that has no Chinese in it."""
    return _stem(unicodedata.normalize("NFKC", word).casefold().replace("\u2019", "'"))


def _vector(weights: dict[str, float]) -> SparseVector:
    by_index: dict[int, float] = {}
    for term, weight in weights.items():
        index = term_index(term)
        by_index[index] = by_index.get(index, 0.0) + weight
    ordered = sorted(by_index)
    return SparseVector(tuple(ordered), tuple(by_index[index] for index in ordered))


def _runs(text: str) -> Iterator[Token]:
    """Words, and stretches of Chinese, as they stand in the text; a word may carry Chinese along (``5G套餐``)."""
    for found in _RUNS.finditer(text):
        if found["han"]:
            yield Token(found["han"], *found.span())
        else:
            yield from _pieces(found["word"], found.start())


def _pieces(word: str, start: int) -> Iterator[Token]:
    if word.isascii():
        yield Token(word, start, start + len(word))
        return
    for piece in re.split(f"({_HAN.pattern}+)", word):
        if piece:
            yield Token(piece, start, start + len(piece))
        start += len(piece)


def _cut(run: Token) -> Iterator[Token]:
    if not _HAN.match(run.term):
        yield Token(_term(run.term), run.start, run.end)
        return
    for term, start, end in _jieba().tokenize(run.term, mode="search"):
        yield Token(term, run.start + start, run.start + end)


def _stem(word: str) -> str:
    """Without the plural ending. Source: the S-stemmer of Harman, "How effective is suffixing?", 1991."""
    if len(word) <= 3:  # noqa: PLR2004 - "gas", "is": too short to lose a letter
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")):
        return word[:-1]
    return word


@cache
def _jieba() -> Any:  # noqa: ANN401 - jieba has no types
    import jieba

    jieba.setLogLevel(logging.WARNING)  # it reports on standard error that it reads its dictionary
    return jieba.Tokenizer()
