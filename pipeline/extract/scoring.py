"""The margins of many runs of words at once: what a word adds is looked up once, and a run is a difference of sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.extract.features import Features, Floats, grams, pair

Places = npt.NDArray[np.intp]
# Words kept with what they add; about 2 KB each with 30 labels.
_KEPT: Final = 10_000
# Runs that are scored at a time, to bound memory.
_AT_A_TIME: Final = 4_096
# What differences of sums are off by at most; one term alone is more by far (an inverse frequency is at least 1).
_NOISE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class _Word:
    """What one word adds, wherever it stands, and where its pairs with the borders are."""

    added: Floats
    opens: int
    closes: int


class RunScorer:
    """A linear model over ``Features``, of ``weights`` of shape (labels, columns)."""

    def __init__(self, features: Features, weights: Floats) -> None:
        self._features = features
        self._by_word, self._by_character, self._by_vector = features.weighed(weights)
        self._labels = len(weights)
        self._word = lru_cache(maxsize=_KEPT)(self._look_up)

    def margins(self, terms: Sequence[str], first: Places, after: Places) -> Floats:
        """Shape (runs, labels): run ``i`` is ``terms[first[i]:after[i]]``; one without words has zeros."""
        if not terms or not len(first):
            return np.zeros((len(first), self._labels))
        found = [self._word(term) for term in terms]
        sums = _running(np.stack([word.added for word in found]))
        pairs = _running(self._by_word[self._pairs(terms)])
        opens = np.array([word.opens for word in found])
        closes = np.array([word.closes for word in found])
        result = np.zeros((len(first), self._labels))
        for start in range(0, len(first), _AT_A_TIME):
            one, other = first[start : start + _AT_A_TIME], after[start : start + _AT_A_TIME]
            (some,) = np.nonzero(other > one)
            one, other = one[some], other[some]
            inside = pairs[other] - pairs[one + 1] + self._by_word[opens[one]] + self._by_word[closes[other - 1]]
            result[start + some] = self._scaled(sums[other] - sums[one], inside)
        return result

    def _scaled(self, added: Floats, pairs: Floats) -> Floats:
        """The blocks of each run, scaled, and together."""
        ends = (self._labels + 1, 2 * (self._labels + 1))
        words, characters, vectors = np.split(added, ends, axis=1)
        total = _by_length(words + pairs) + _by_length(characters)
        if len(self._by_vector):
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            total += np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > _NOISE) @ self._by_vector
        return total

    def _pairs(self, terms: Sequence[str]) -> list[int]:
        """Where each word's pair with the one before it is; the first has none."""
        index, unknown = self._features.by_word.index, len(self._by_word) - 1
        return [unknown, *(index.get(pair(left, right), unknown) for left, right in pairwise(terms))]

    def _look_up(self, term: str) -> _Word:
        words, characters = self._features.by_word, self._features.by_character
        unknown = len(self._by_word) - 1
        known = [place for gram in grams(term) if (place := characters.index.get(gram)) is not None]
        parts = [self._by_word[words.index.get(term, unknown)], self._by_character[known].sum(axis=0)]
        if self._features.encode is not None:
            parts.append(self._features.encode([term])[0].astype(np.float64))
        opens, closes = (words.index.get(both, unknown) for both in (pair("", term), pair(term, "")))
        return _Word(np.concatenate(parts), opens, closes)


def _running(rows: Floats) -> Floats:
    """The sums of the rows before each place, and of all."""
    return np.vstack([np.zeros(rows.shape[1]), np.cumsum(rows, axis=0)])


def _by_length(block: Floats) -> Floats:
    """The margins of a block whose last column is the square of its length."""
    squares = block[:, -1:]
    known = squares > _NOISE
    lengths = np.sqrt(squares, out=np.ones_like(squares), where=known)
    return np.where(known, block[:, :-1] / lengths, 0.0)
