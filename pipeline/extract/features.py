"""What the classifier sees of a text: three blocks side by side, each a sum over the words of the text, scaled.

Words 1-2 with the borders of the text, characters 2-5 within words, and an embedding. Terms weigh their smoothed
inverse document frequency, as in scikit-learn. A block of terms is scaled by the length that it has if no term stands
twice: the square of that is a sum over the words as well, so that a run costs no more than the difference of two sums.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import Config
from pipeline.extract.words import Word, spelled_out, words

Floats = npt.NDArray[np.float64]
Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Words to vectors of shape (words, dimensions) whose sum, scaled to length 1, is the vector of a text."""

# Beside the lengths of words and characters, 1 each. By five folds of MultiDoGO 1 lost 0.009 of macro-F1, and 3 lost
# 0.008 with eight examples a label.
_EMBEDDING_WEIGHT: Final = 2.0
_GRAMS: Final = (2, 3, 4, 5)
_DIGIT: Final = re.compile(r"\d")


class Features:
    """The blocks, learnt from texts that are given as lists of terms (``terms_of``).

    Args:
        encode: the embedding, or None to go without.

    Raises:
        Config: scikit-learn is not installed.
    """

    def __init__(self, encode: Encode | None) -> None:
        self.encode = encode
        self.by_word = Block(word_terms)
        self.by_character = Block(lambda terms: [gram for term in terms for gram in grams(term)])

    def fit(self, texts: Sequence[Sequence[str]]) -> Any:  # noqa: ANN401 - a scipy matrix
        """The rows of these texts, sparse, shape (texts, columns of all blocks).

        Raises:
            ValueError: there is no word in any of them.
        """
        from scipy import sparse

        blocks = [self.by_word.fit(texts), self.by_character.fit(texts)]
        if self.encode is not None:
            blocks.append(sparse.csr_matrix(_EMBEDDING_WEIGHT * _vectors(self.encode, texts)))
        return sparse.hstack(blocks, format="csr")

    def weighed(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """What one term adds, by block: ``weights`` of shape (labels, columns), cut up and turned to (columns, labels).

        For words and characters the square of a term's frequency stands in one more column, and a last row of zeros
        for terms that are unknown.
        """
        ends = np.cumsum([len(self.by_word.idf), len(self.by_character.idf)])
        word, character, vector = np.split(weights.T, ends)
        return self.by_word.weighed(word), self.by_character.weighed(character), _EMBEDDING_WEIGHT * vector


class Block:
    """Terms of one kind: where each stands (``index``) and its inverse document frequency."""

    def __init__(self, cut: Callable[[Sequence[str]], list[str]]) -> None:
        self._cut = cut
        self.index: dict[str, int] = {}
        self.idf: Floats = np.zeros(0)

    def fit(self, texts: Sequence[Sequence[str]]) -> Any:  # noqa: ANN401 - a scipy matrix
        """Sparse rows, shape (texts, terms), of length 1 where no term stands twice."""
        from scipy import sparse

        counter = sklearn("feature_extraction.text").CountVectorizer(analyzer=self._cut, dtype=np.float64)
        counts = counter.fit_transform(texts)
        self.index = {term: int(place) for term, place in counter.vocabulary_.items()}
        frequency = np.bincount(counts.indices, minlength=counts.shape[1])
        self.idf = np.log((1 + counts.shape[0]) / (1 + frequency)) + 1
        lengths = np.sqrt(counts @ self.idf**2)
        scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        return sparse.diags(scale) @ counts @ sparse.diags(self.idf)

    def weighed(self, weights: Floats) -> Floats:
        """See ``Features.weighed``."""
        rows = np.column_stack([weights * self.idf[:, None], self.idf**2])
        return np.vstack([rows, np.zeros(rows.shape[1])])


def terms_of(found: Iterable[Word]) -> list[tuple[str, ...]]:
    """The terms of each word: contractions in full, and every digit the same, as the shape of a number tells more."""
    return [_terms(word.text) for word in found]


def terms_in(text: str) -> list[str]:
    """The terms of a whole text."""
    return [term for terms in terms_of(words(text)) for term in terms]


def pair(left: str, right: str) -> str:
    """Two neighbours as one term; an empty one is the border of the text."""
    return f"{left} {right}"


def word_terms(terms: Sequence[str]) -> list[str]:
    """The words and pairs of neighbours in a text."""
    if not terms:
        return []
    return [*terms, *map(pair, ("", *terms), (*terms, ""))]


def grams(term: str) -> list[str]:
    """The runs of 2 to 5 characters in a word, with a space at either end of it."""
    padded = f" {term} "
    return [padded[start : start + size] for size in _GRAMS for start in range(len(padded) - size + 1)]


def sklearn(module: str) -> Any:  # noqa: ANN401 - scikit-learn has no types
    """A module of scikit-learn.

    Raises:
        Config: scikit-learn is not installed.
    """
    import importlib

    try:
        return importlib.import_module(f"sklearn.{module}")
    except ModuleNotFoundError as error:
        raise Config(
            "CONVMINE_EXTRACT_EXTRACTOR",
            "the lexical extractor needs scikit-learn, which is not installed",
            hint="pip install 'convmine[local]'",
        ) from error


@lru_cache(maxsize=10_000)
def _terms(word: str) -> tuple[str, ...]:
    return tuple(_DIGIT.sub("0", spelled_out(word)).split())


def _vectors(encode: Encode, texts: Sequence[Sequence[str]]) -> Floats:
    place = {term: number for number, term in enumerate(dict.fromkeys(term for terms in texts for term in terms))}
    rows = encode(list(place)).astype(np.float64)
    sums = np.stack([rows[[place[term] for term in terms]].sum(axis=0) for terms in texts])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    scaled: Floats = np.divide(sums, lengths, out=sums, where=lengths > 0)
    return scaled
