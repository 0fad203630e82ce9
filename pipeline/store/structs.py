"""Points as Qdrant takes them: one dense and one BM25 vector, and when they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pipeline.ports import Point
from pipeline.store.sparse import document_vector

if TYPE_CHECKING:
    from qdrant_client import models

Vector = npt.NDArray[np.float32]

DENSE: Final = "dense"
WORDS: Final = "words"
STORED: Final = "stored_ts"
"""Field that every point has in Qdrant alone: when it was written last, in seconds; what is new is found by it."""


def struct(point: Point, dense: Vector, average_words: int, stored_ts: int) -> models.PointStruct:
    """A point that is searched by meaning and by word."""
    from qdrant_client import models

    words = document_vector(point.text, average_words)
    vectors: dict[str, models.Vector] = {DENSE: dense.tolist()}
    if words.indices:
        vectors[WORDS] = models.SparseVector(indices=list(words.indices), values=list(words.values))
    return models.PointStruct(id=point.id, vector=vectors, payload={**point.payload, STORED: stored_ts})


def bare_struct(point: Point, stored_ts: int) -> models.PointStruct:
    """A point that is read by its id alone."""
    from qdrant_client import models

    return models.PointStruct(id=point.id, vector={}, payload={**point.payload, STORED: stored_ts})
