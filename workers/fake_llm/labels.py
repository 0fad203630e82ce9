"""Which of the listed names fits what was said: words in common with the name, its title and its description.

Words that many descriptions share count little (inverse document frequency, Spärck Jones, 1972).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from workers.fake_llm.prompt import Named

_WORD: Final = re.compile(r"[a-z0-9']+|[\u4e00-\u9fff]+")
_CLAUSE: Final = re.compile(r"[^.!?;,。！？；，]+")  # noqa: RUF001 - Chinese has marks of its own
_STEM: Final = 5
_TITLE_WEIGHT: Final = 2.0
LEAST: Final = 0.9
"""The least score of a name that is given, about one word of a description that no other has, or half a title's word:
on the sample calls half of what is named is right, and a third is found.
"""
_STOP: Final = re.compile(
    r"a|an|the|and|or|but|if|than|that|this|them?|they|their|there|then|some|who|what|when|which|so|just|like|too|very"
    r"|i|me|my|us|we|our|you|your|he|him|his|she|her|it|its|am|is|are|was|were|be|do|does|did|have|has|had|can|could"
    r"|will|would|want|well|yes|no|not|of|on|in|into|to|at|as|by|for|from|with|how|says?|customer|agent"
)
"""Words that say nothing about what is meant."""


@dataclass(frozen=True, slots=True)
class Stem:
    """A word cut to what is compared, and where it stands in its text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of a turn between two marks, as it stands there."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Match:
    """A name and how sure it is, 0.5 to 0.95."""

    name: str
    confidence: float


class Labeller:
    """Gives listed names to clauses."""

    def __init__(self, names: Sequence[Named], least: float = LEAST) -> None:
        self._names = names
        self._least = least
        titles = [{stem.text for stem in stems(f"{one.name.replace('_', ' ')} {one.title}")} for one in names]
        texts = [{stem.text for stem in stems(one.text)} | title for one, title in zip(names, titles, strict=True)]
        spread = Counter(stem for text in texts for stem in text)
        rarity = {stem: math.log1p(len(names) / count) / math.log1p(len(names)) for stem, count in spread.items()}
        self._weights: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, (text, title) in enumerate(zip(texts, titles, strict=True)):
            for stem in text:
                weight = rarity[stem] * (_TITLE_WEIGHT if stem in title else 1.0)
                self._weights[stem].append((number, weight))

    def best(self, text: str, role: str | None = None) -> Match | None:
        """The name that fits best, of those that this role may have; None where none fits well."""
        scores: defaultdict[int, float] = defaultdict(float)
        for stem in dict.fromkeys(stem.text for stem in stems(text)):
            for number, weight in self._weights.get(stem, ()):
                if role is None or self._names[number].role in (None, role):
                    scores[number] += weight
        number = min(scores, key=lambda one: (-scores[one], one), default=0)
        if (score := scores[number]) < self._least:
            return None
        return Match(self._names[number].name, round(0.95 - 0.45 * self._least / score, 2))


def clauses(text: str) -> Iterator[Clause]:
    """The stretches between marks, without the space around them."""
    for found in _CLAUSE.finditer(text):
        if said := found[0].strip():
            yield Clause(said, found.start() + found[0].index(said))


def stems(text: str) -> Iterator[Stem]:
    """Beginnings of English words, and each two Chinese characters that stand together."""
    for word in _WORD.finditer(text.lower()):
        if word[0][0] >= "\u4e00":
            for start in range(word.start(), word.end() - 1):
                yield Stem(text[start : start + 2], start, start + 2)
        elif not _STOP.fullmatch(word[0]):
            yield Stem(word[0].replace("'", "").rstrip("s")[:_STEM], word.start(), word.end())
