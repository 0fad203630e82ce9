"""What embedders have in common: what they are told, rows of length 1, and how they are named on a collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pipeline.ports import Embedder, Vectors
from pipeline.store.generations.physical import Stamp


@dataclass(frozen=True, slots=True)
class EmbedderOptions:
    """What an embedder with a model of one's own, or on a server, needs to be told; the others need nothing."""

    model: str = "text-embedding-3-small"
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict)


def unit_rows(rows: Vectors) -> Vectors:
    """Rows of length 1; a row of zeros stays one."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(norms > 0, norms, 1.0)).astype(np.float32)


async def stamp_of(embedder: Embedder) -> Stamp:
    """What this embedder's collections are stamped with; asks for one vector where only that tells the dimension."""
    if embedder.dimension == 0:
        await embedder.embed(["dimension"])
    return Stamp(embedder.name, embedder.dimension)


def settings_of(name: str) -> str:
    """The settings that choose the embedder of this name, as they are typed: ``CONVMINE_STORE_EMBEDDER=hashing``."""
    kind, _, model = name.partition(":")
    if model:
        return f"CONVMINE_STORE_EMBEDDER={kind} CONVMINE_STORE_EMBEDDER_MODEL={model}"
    return f"CONVMINE_STORE_EMBEDDER={kind.partition('-')[0]}"
