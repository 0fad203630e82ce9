"""From texts to the number of a cluster each: the whole way, without names and without a store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.discovery.consensus import consensus
from pipeline.discovery.ensemble import partitions, together
from pipeline.discovery.k_means import Labels, Weights
from pipeline.discovery.micro_clusters import means, micro_clusters
from pipeline.discovery.representations import Encode, representations
from pipeline.discovery.text import Terms, Text
from pipeline.errors import Config
from pipeline.ports import Embedder, Vectors

_FEWEST: Final = 4
"""Different texts below which there is nothing to compare: each is a cluster."""


@dataclass(frozen=True, slots=True)
class Clustering:
    """The cluster of each text, from 0, and how typical of it the text is: its cosine to the cluster's mean."""

    labels: Labels
    typical: npt.NDArray[np.float32]


async def clustered(texts: Sequence[Text], embedder: Embedder, number: int | None = None) -> Clustering:
    """The clusters of texts; those without a word are one of their own.

    The same texts in the same order have the same clusters, on the same machine and versions.

    Args:
        texts: at least one.
        embedder: tells their meaning.
        number: of clusters; chosen by itself where it is None.

    Raises:
        Retryable: the embedder's server is away.
        Config: scikit-learn is not installed, or the embedder's model cannot be loaded.
    """
    if find_spec("sklearn") is None:
        raise Config(
            "scikit-learn", "is not installed, and it finds the clusters", hint="pip install 'convmine[local]'"
        )
    first = {text.terms: text.matter for text in reversed(texts) if text.terms}
    places = {terms: place for place, terms in enumerate(dict.fromkeys(text.terms for text in texts if text.terms))}
    of_texts = np.array([places.get(text.terms, len(places)) for text in texts], dtype=np.intp)
    found = Clustering(np.zeros(0, np.intp), np.zeros(0, np.float32))
    if places:
        meaning = await embedder.embed([first[terms] for terms in places])
        vectors = await asyncio.to_thread(_word_vectors, embedder.name)
        weights = np.bincount(of_texts)[: len(places)].astype(np.float32)
        found = await asyncio.to_thread(_clusters, meaning, tuple(places), vectors, weights, number)
    labels = np.append(found.labels, found.labels.max(initial=-1) + 1)  # the last is that of texts without a word
    return Clustering(labels[of_texts], np.append(found.typical, np.float32(0))[of_texts])


def _word_vectors(embedder: str) -> Encode | None:
    """Vectors of single words, where the embedder is made of such."""
    from pipeline.llm.static_embedding import StaticEmbedding

    return StaticEmbedding().encode if embedder == StaticEmbedding.name else None


def _clusters(
    meaning: Vectors, terms: Sequence[Terms], word_vectors: Encode | None, weights: Weights, number: int | None
) -> Clustering:
    """Of different texts, each said so often as its weight has it."""
    if len(terms) < _FEWEST:
        return Clustering(np.arange(len(terms), dtype=np.intp), np.ones(len(terms), np.float32))
    from threadpoolctl import threadpool_limits

    # Sums of several threads come in any order, and the last digit of a sum can move a text to another cluster.
    with threadpool_limits(1):
        rows = representations(meaning, terms, word_vectors)
        groups = micro_clusters(rows[-1], weights)
        of_groups = np.bincount(groups, weights).astype(np.float32)
        found = partitions([means(one, groups, weights) for one in rows], of_groups)
        labels = consensus(together(found), of_groups, number)[groups]
        middles = means(rows[-1], labels, weights)[labels]
        lengths = np.maximum(np.linalg.norm(middles, axis=1), np.float32(1e-9))
        return Clustering(labels, np.einsum("td,td->t", rows[-1], middles) / lengths)
