"""How far a passage answers a question, 0 to 1, so that one question can be compared with another.

The scores of a search cannot be: fused ranks say which passage is first, and one is first for every question.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pipeline.discovery.content_words import content_words
from pipeline.discovery.pleasantries import matter
from pipeline.store.sparse import tokens

RELEVANT: Final = 0.35
"""From here on a passage answers.

Chosen on made-up questions about the scenarios telecom and support (98, every second one without an answer), for few
wrong answers. On those about the other scenarios (68) precision is 1.0, recall 0.90 to 1.0, by language and embedder.
``tests/pipeline/knowledge/test_relevance.py`` measures it; the questions are ``tests/asked_questions.py``.
"""
_MEANING: Final = 0.2
"""The part of the cosine. Words weigh more: a small embedder tells apart themes and hardly facts, and no Chinese."""
_NEAR: Final = 0.4
"""How far above the least of its candidates the cosine of an answer lies, for an embedder that knows the language."""
_DOUBT: Final = 1.0
"""The weight of words that nobody said: a question of one word that happens to stand in a passage is no match."""
_SUFFIXES: Final = (*("lation", "ation", "ment", "ance", "age", "able", "ing", "ed", "ion", "ly", "al", "e"),)
_SHORTEST_STEM: Final = 3
_ASKING_ENGLISH: Final = "hear hold mean moment often repeat second soon speak spell talk"
_ASKING_CHINESE: Final = "听 听到 得到 说话 一遍 多久 多长 多少钱 多少岁 几天 几个 何时 时候 哪些 如何 意思 内"
_ASKING: Final = frozenset(f"{_ASKING_ENGLISH} {_ASKING_CHINESE}".split())
"""Stems that ask, and those about the conversation itself ("could you repeat that"): a passage need not have them."""
_KEPT_PASSAGES: Final = 4_096
"""Passages whose terms are not worked out again for each question."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage's words, title and text, and its cosine with the question, where there is one."""

    text: str
    cosine: float | None = None


def relevances(question: str, candidates: Sequence[Candidate]) -> list[float]:
    """Of each candidate: the share of the question's content words that it covers, and how near it is in meaning.

    A word weighs by its idf among the candidates: one that none of them has weighs most, so that a question about what
    the knowledge base does not know is not answered by the words around it. Greetings and function words weigh nothing;
    where nothing else is asked, nothing is relevant.
    """
    asked = _asked(question)
    if not asked or not candidates:
        return [0.0] * len(candidates)
    covers = [[_covers(candidate.text, term) for term in asked] for candidate in candidates]
    weights = [
        math.log(1 + (len(candidates) + 1) / (0.5 + sum(row[place] for row in covers))) for place in range(len(asked))
    ]
    total = sum(weights) + _DOUBT
    covered = [sum(weight for weight, has in zip(weights, row, strict=True) if has) / total for row in covers]
    return [
        (1 - _MEANING) * words + _MEANING * meaning
        for words, meaning in zip(covered, _meanings(candidates), strict=True)
    ]


def _meanings(candidates: Sequence[Candidate]) -> list[float]:
    """How far the cosine of each lies above the least of them: what is near to everything is near to nothing."""
    known = [candidate.cosine for candidate in candidates if candidate.cosine is not None]
    least = min(known, default=0.0)
    return [min(1.0, ((one.cosine if one.cosine is not None else least) - least) / _NEAR) for one in candidates]


@lru_cache(maxsize=1_024)
def _asked(question: str) -> tuple[str, ...]:
    words = content_words(token.term for token in tokens(matter(question)))
    return tuple(dict.fromkeys(term for word in words if (term := stem(word)) not in _ASKING))


def _covers(text: str, term: str) -> bool:
    stems, folded = _terms(text)
    return term in stems or (not term.isascii() and term in folded)  # jieba cuts the same words in more than one way


@lru_cache(maxsize=_KEPT_PASSAGES)
def _terms(text: str) -> tuple[frozenset[str], str]:
    return frozenset(stem(token.term) for token in tokens(text)), text.casefold()


def stem(word: str) -> str:
    """An English word without its commonest endings, so that cancelling meets cancellation; others as they are.

    Lighter than Porter's (1980): what is left need not be a word, and need only be the same for words of one family.
    """
    if not word.isascii():
        return word
    ending = next((one for one in _SUFFIXES if word.endswith(one) and len(word) - len(one) >= _SHORTEST_STEM), "")
    word = word.removesuffix(ending)
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "aeiou":
        word = word[:-1]
    return word[:-1] if len(word) > _SHORTEST_STEM and word.endswith("e") else word
