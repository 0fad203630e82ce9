"""What the benchmark of the store works with: made-up calls as records and as points, and stores that are new."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.handling import Handler, Inbound, Outbound, Position
from pipeline.ports import Embedder, Point, Vectors
from pipeline.privacy.entry import guarded
from pipeline.samples.synthetic.calls import synthetic_calls
from pipeline.stages import Stage, stage_named
from pipeline.store.collections import COLLECTIONS
from pipeline.store.connections import Connection, Folder, Server
from pipeline.store.qdrant import QdrantStore
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from schemas.wire import Lane
from workers.records import NewRecord, write_event

TENANT: Final = "bench"
UNTIL: Final = datetime(2026, 11, 1, tzinfo=UTC)
_FOUND: Final = stage_named("index", Lane.BATCH)
assert _FOUND is not None
STAGE: Final[Stage] = _FOUND


@dataclass(frozen=True, slots=True)
class Place:
    """Where collections can be made; ``url`` is None in local mode."""

    url: str | None = None

    @property
    def name(self) -> str:
        return "local mode" if self.url is None else "server"


class Precomputed:
    """An ``Embedder`` that has all vectors at hand."""

    def __init__(self, embedder: Embedder, vectors: Mapping[str, Vectors]) -> None:
        self._embedder = embedder
        self._vectors = vectors

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._vectors[text] for text in texts], dtype=np.float32)

    async def close(self) -> None:
        """It is another's."""


@dataclass(frozen=True, slots=True)
class Material:
    """Calls as the topics have them, the points that they become, by collection, and the vectors of their texts."""

    records: tuple[NewRecord, ...]
    points: Mapping[str, Sequence[Point]]
    vectors: Mapping[str, Vectors]

    @property
    def size(self) -> int:
        """How many points there are."""
        return sum(map(len, self.points.values()))


def events_of(calls: int, utterances_per_call: int) -> Iterable[tuple[Outbound, ...]]:
    """The events of made-up calls, always the same."""
    return synthetic_calls(calls, tenant_id=TENANT, until=UNTIL, utterances_per_call=utterances_per_call)


async def material(embedder: Embedder, calls: int, utterances_per_call: int) -> Material:
    """So many calls; the points are those that the handler leaves in a store, except its own notes."""
    events = [event for events in events_of(calls, utterances_per_call) for event in events]
    store = InMemoryStore()
    await handled(guarded(build(store=store)), events)
    searched = [collection.name for collection in COLLECTIONS if collection.searched]
    points = {name: list(store.points[name].values()) for name in searched if store.points.get(name)}
    texts = sorted({point.text for several in points.values() for point in several} | {""})
    rows = await embedder.embed(texts)
    return Material(tuple(map(write_event, events)), points, dict(zip(texts, rows, strict=True)))


async def handled(handler: Handler, events: Iterable[Outbound]) -> None:
    """Hand events in one after the other."""
    for event in events:
        await handler(Inbound(event.message, Position(event.topic, 0, 0)))


@asynccontextmanager
async def fresh(place: Place, embedder: Embedder) -> AsyncIterator[tuple[QdrantStore, Connection, str]]:
    """A store with nothing in it, its connection, and the prefix of its collections; gone afterwards."""
    prefix = f"bench-{uuid.uuid4().hex[:12]}-"
    with tempfile.TemporaryDirectory() as folder:
        connection: Connection = (
            Server(place.url, api_key=os.environ.get("QDRANT_API_KEY"), timeout_s=120)
            if place.url
            else Folder(Path(folder) / "qdrant")
        )
        store = QdrantStore(connection, embedder, prefix=prefix)
        await store.prepare()
        try:
            yield store, connection, prefix
        finally:
            if place.url:
                await _remove(connection, prefix)
            await store.close()


async def _remove(connection: Connection, prefix: str) -> None:
    async def remove(name: str) -> None:
        await connection.run(lambda client: client.delete_collection(name))

    names = await connection.run(lambda client: client.get_collections())
    for collection in names.collections:
        if collection.name.startswith(prefix):
            await remove(collection.name)
