"""The vector store on Qdrant: one dense and one BM25 vector a point, fused when searched, filtered inside the query."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from pipeline.ports import Embedder, Hit, Order, Point, Where
from pipeline.store.collections import BY_NAME, COLLECTIONS, Collection
from pipeline.store.connections import Connection, Gone
from pipeline.store.embedding.options import stamp_of
from pipeline.store.filters import to_filter
from pipeline.store.generations.current import prepared
from pipeline.store.generations.names import Catalogue, catalogue
from pipeline.store.generations.physical import Layout, Plan, Stamp
from pipeline.store.marks import Mark, id_of
from pipeline.store.sparse import query_vector
from pipeline.store.structs import DENSE, STORED, WORDS, Vector, bare_struct, struct

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient, models

T = TypeVar("T")
_Call = Callable[["AsyncQdrantClient", str], Coroutine[Any, Any, T]]
"""A call to the client, for the collection of that name."""

_BATCH: Final = 256
_FEWEST_CANDIDATES: Final = 50
LOCAL_IS_FUN: Final = 20_000
"""Points of a collection up to which local mode, which compares with every one of them, is quick enough."""

_log: Final = logging.getLogger(__name__)  # structlog's own default writes to standard output, and answers go there


class QdrantStore:
    """The ``VectorStore`` on a Qdrant server or in a folder.

    It keeps to the generation of each collection that was current when it was prepared, so that its vectors stay those
    of one embedder; where that one has been deleted meanwhile, it looks again.

    Args:
        connection: how Qdrant is reached.
        embedder: makes the vectors.
        prefix: goes before the name of each collection.
        layout: of collections that it makes.
        pinned: generations that it keeps to, by collection, whichever are current.
    """

    def __init__(
        self,
        connection: Connection,
        embedder: Embedder,
        *,
        prefix: str = "",
        layout: Layout | None = None,
        pinned: Mapping[str, str] | None = None,
    ) -> None:
        self._connection = connection
        self._embedder = embedder
        self._prefix = prefix
        self._layout = layout or Layout()
        self._pinned = dict(pinned or {})
        self._names: dict[str, str] = {**self._pinned}

    async def prepare(self) -> None:
        """Create what is missing and check that the embedder is the one the collections were made with.

        Raises:
            Retryable: Qdrant or the embedder's server is away.
            Config: a collection was made with another embedder, or by another program.
        """
        stamp = await stamp_of(self._embedder)
        known = await catalogue(self._connection)
        for collection in COLLECTIONS:
            await self._prepare(collection, stamp, known)

    async def put(self, collection: str, points: Sequence[Point], *, over: Where | None = None) -> None:
        """Write points, in batches; the condition ``over`` is Qdrant's own ``update_filter`` (1.16 and newer)."""
        for at in range(0, len(points), _BATCH):
            structs = await self._structs(BY_NAME[collection], points[at : at + _BATCH])
            await self._upsert(collection, structs, over)

    async def get(self, collection: str, ids: Sequence[str]) -> list[Hit]:
        """The points with these ids, in their order; an id that is not there is left out."""
        if not ids:
            return []
        records = await self._on(collection, lambda client, name: client.retrieve(name, list(ids), with_payload=True))
        found = {str(record.id): _hit(record) for record in records}
        return [found[id_] for id_ in ids if id_ in found]

    async def remove(self, collection: str, where: Where, *, keep: Sequence[str] = ()) -> None:
        from qdrant_client import models

        selector = models.FilterSelector(filter=to_filter(where, without=keep))
        await self._on(collection, lambda client, name: client.delete(name, selector, wait=True))

    async def search(
        self, collection: str, text: str, where: Where, limit: int, *, with_cosine: bool = False
    ) -> list[Hit]:
        """By meaning and by word, each ranked inside the filter, fused by reciprocal rank; best first.

        Fusion keeps no cosines, so the vectors of what was found come along where they are asked for.
        """
        from qdrant_client import models

        dense = (await self._embedder.embed([text]))[0]
        prefetch = _prefetch(text, dense, where, max(_FEWEST_CANDIDATES, 4 * limit))
        fusion = models.FusionQuery(fusion=models.Fusion.RRF)
        answer = await self._on(
            collection,
            lambda client, name: client.query_points(
                name,
                query=fusion,
                prefetch=prefetch,
                limit=limit,
                with_payload=True,
                with_vectors=[DENSE] if with_cosine else False,
            ),
        )
        hits = [_hit(point, point.score) for point in answer.points]
        if not with_cosine:
            return hits
        return [replace(hit, cosine=_cosine(dense, point)) for hit, point in zip(hits, answer.points, strict=True)]

    async def similar(self, collection: str, ids: Sequence[str], where: Where, limit: int) -> list[Hit]:
        """Nearest to the mean of the stored points' dense vectors."""
        from qdrant_client import models

        known = await self._on(collection, lambda client, name: client.retrieve(name, list(ids), with_payload=False))
        if not known:
            return []
        query = models.RecommendQuery(recommend=models.RecommendInput(positive=[point.id for point in known]))
        condition = to_filter(where, without=ids)
        answer = await self._on(
            collection,
            lambda client, name: client.query_points(
                name, query=query, using=DENSE, query_filter=condition, limit=limit, with_payload=True
            ),
        )
        return [_hit(point, point.score) for point in answer.points]

    async def page(  # noqa: PLR0913 - one argument an option
        self,
        collection: str,
        where: Where,
        limit: int,
        after: str | None = None,
        *,
        order: Order | None = None,
        fields: Sequence[str] | None = None,
    ) -> tuple[list[Hit], str | None]:
        read: dict[str, Any] = {"limit": limit, "with_payload": True if fields is None else list(fields)}
        if order is not None:
            return await self._ordered_page(collection, read, where, Mark.read(after), order)
        condition, first = to_filter(where), id_of(after)
        records, following = await self._on(
            collection, lambda client, name: client.scroll(name, scroll_filter=condition, offset=first, **read)
        )
        return [_hit(record) for record in records], None if following is None else str(following)

    async def _ordered_page(
        self, collection: str, read: dict[str, Any], where: Where, mark: Mark, order: Order
    ) -> tuple[list[Hit], str | None]:
        """Qdrant goes on from a value, not from a point: those of this value that were on a page are left out."""
        from qdrant_client import models

        condition = to_filter(where, without=mark.seen)
        direction = models.Direction.DESC if order.descending else models.Direction.ASC
        by = models.OrderBy(key=order.field, direction=direction, start_from=mark.value)
        records, _ = await self._on(
            collection, lambda client, name: client.scroll(name, scroll_filter=condition, order_by=by, **read)
        )
        following = mark.after(records).text() if len(records) == read["limit"] else None
        return [_hit(record) for record in records], following

    async def count(self, collection: str, where: Where) -> int:
        condition = to_filter(where)
        answer = await self._on(collection, lambda client, name: client.count(name, condition, exact=True))
        return answer.count

    async def values(self, collection: str, field: str, where: Where, limit: int = 1_000) -> dict[str, int]:
        condition = to_filter(where)
        answer = await self._on(
            collection,
            lambda client, name: client.facet(name, field, facet_filter=condition, limit=limit, exact=True),
        )
        return {str(hit.value): hit.count for hit in answer.hits}

    async def close(self) -> None:
        await self._embedder.close()
        await self._connection.close()

    async def _on(self, collection: str, call: _Call[T]) -> T:
        """One call to the client, on the generation that this store keeps to."""
        try:
            return await self._connection.run(lambda client: call(client, self._name(collection)))
        except Gone:
            await self._prepare(BY_NAME[collection], await stamp_of(self._embedder))
            return await self._connection.run(lambda client: call(client, self._name(collection)))

    def _name(self, collection: str) -> str:
        return self._names.get(collection, self._prefix + collection)

    async def _prepare(self, collection: Collection, stamp: Stamp, known: Catalogue | None = None) -> None:
        if collection.name in self._pinned:
            return
        plan = Plan(collection, stamp, self._layout)
        found = await prepared(self._connection, self._prefix + collection.name, plan, known)
        self._names[collection.name] = found.name
        if not self._connection.has_indexes and found.points > LOCAL_IS_FUN:
            _log.warning(
                "%s has %s points, and local mode is slow past %s: convmine store move --to http://localhost:6333 "
                "brings all to a Qdrant server",
                *(found.name, f"{found.points:,}", f"{LOCAL_IS_FUN:,}"),
            )

    async def _structs(self, collection: Collection, points: Sequence[Point]) -> list[models.PointStruct]:
        now = int(time.time())
        if not collection.searched:
            return [bare_struct(point, now) for point in points]
        vectors = await self._embedder.embed([point.text for point in points])
        return [
            struct(point, vector, collection.average_words, now) for point, vector in zip(points, vectors, strict=True)
        ]

    async def _upsert(self, collection: str, structs: list[models.PointStruct], over: Where | None) -> None:
        condition = None if over is None else to_filter(over)
        if not self._connection.has_indexes:
            from pipeline.store.local_mode import compact

            compact(structs)
        await self._on(
            collection, lambda client, name: client.upsert(name, structs, update_filter=condition, wait=True)
        )


def _prefetch(text: str, dense: Vector, where: Where, candidates: int) -> list[models.Prefetch]:
    from qdrant_client import models

    condition = to_filter(where)
    by_meaning = models.Prefetch(query=dense.tolist(), using=DENSE, filter=condition, limit=candidates)
    words = query_vector(text)
    if not words.indices:
        return [by_meaning]
    sparse = models.SparseVector(indices=list(words.indices), values=list(words.values))
    return [by_meaning, models.Prefetch(query=sparse, using=WORDS, filter=condition, limit=candidates)]


def _cosine(asked: Vector, found: models.ScoredPoint) -> float:
    """Of two unit vectors, as embedders make them and Qdrant stores them."""
    vectors: dict[str, Any] = found.vector if isinstance(found.vector, dict) else {}
    return float(np.dot(asked, np.asarray(vectors[DENSE], dtype=np.float32)))


def _hit(record: models.Record | models.ScoredPoint, score: float = 0.0) -> Hit:
    payload = record.payload or {}
    payload.pop(STORED, None)
    return Hit(str(record.id), payload, score)
