"""Texts as vectors, several ways: by their meaning, by the meaning of their rarer words, and with their spelling.

No one of them is best on every domain; the ensemble over all of them is steadier than any (``ensemble.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from pipeline.discovery.text import Terms
from pipeline.extract.features import sklearn
from pipeline.ports import Vectors
from pipeline.store.embedding.options import unit_rows

Encode = Callable[[Sequence[str]], Vectors]

_SPELLING_DIMENSIONS: Final = 100
"""Of latent semantic analysis: the usual hundred (Deerwester et al., 1990), few enough not to outweigh the meaning."""
_ONCE: Final = 0.5
"""Weight of a word of a single text: most are names and slips of the keyboard, and idf would make much of them."""
_FEWEST_FOR_PAIRS: Final = 50
"""Texts from which on words and pairs that a single text has are left out of the spelling."""


def representations(meaning: Vectors, terms: Sequence[Terms], word_vectors: Encode | None = None) -> list[Vectors]:
    """Matrices of unit rows, one row a text.

    Args:
        meaning: the embedder's vectors of the texts, of shape (texts, dimension).
        terms: those of each text; at least two texts have some.
        word_vectors: vectors of single words, where the embedder is made of such.

    Returns:
        ``meaning``; the rare words' meaning where there are ``word_vectors``; and all of it beside the spelling.

    Raises:
        Config: scikit-learn is not installed.
    """
    alone = [unit_rows(meaning)]
    if word_vectors is not None:
        alone.append(_of_rare_words(terms, word_vectors))
    beside = [*alone, *_spelling(terms)]
    return [*alone, unit_rows(np.hstack(beside))]


def _of_rare_words(terms: Sequence[Terms], word_vectors: Encode) -> Vectors:
    """The mean of the words' vectors weighted by idf, without what all texts have in common.

    Source: Arora, Liang and Ma, "A simple but tough-to-beat baseline for sentence embeddings", ICLR 2017, with idf in
    the place of their smooth inverse frequency, as there is no count of the language at large.
    """
    counter = sklearn("feature_extraction.text").CountVectorizer(analyzer=lambda found: found)
    try:
        counts = counter.fit_transform(terms)
    except ValueError:  # no text has a word
        return np.zeros((len(terms), 1), np.float32)
    frequency = np.asarray((counts > 0).sum(axis=0)).ravel()
    weights = np.where(frequency > 1, np.log((len(terms) + 1) / (frequency + 0.5)), _ONCE)
    vectors = unit_rows(word_vectors(counter.get_feature_names_out().tolist())) * weights[:, None].astype(np.float32)
    return unit_rows(_without_first_component(unit_rows(np.asarray(counts @ vectors, dtype=np.float32))))


def _without_first_component(rows: Vectors) -> Vectors:
    _, directions = np.linalg.eigh((rows.T @ rows).astype(np.float64))
    first = directions[:, -1:].astype(np.float32)
    return np.asarray(rows - (rows @ first) @ first.T, dtype=np.float32)


def _spelling(terms: Sequence[Terms]) -> list[Vectors]:
    """tf-idf of words and pairs of neighbours in few dimensions; nothing where texts share too few of them."""
    text = sklearn("feature_extraction.text")
    fewest = 2 if len(terms) >= _FEWEST_FOR_PAIRS else 1
    maker = text.TfidfVectorizer(analyzer=_words_and_pairs, sublinear_tf=True, min_df=fewest, dtype=np.float32)
    try:
        weights: Any = maker.fit_transform(terms)
    except ValueError:  # nothing is said twice
        return []
    dimensions = min(_SPELLING_DIMENSIONS, min(weights.shape) - 1)
    if dimensions < 1:
        return []
    reducer = sklearn("decomposition").TruncatedSVD(dimensions, random_state=0)
    return [unit_rows(np.asarray(reducer.fit_transform(weights), dtype=np.float32))]


def _words_and_pairs(terms: Terms) -> list[str]:
    return [*terms, *map(" ".join, pairwise(terms))]
