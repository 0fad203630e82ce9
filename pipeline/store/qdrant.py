"""The vector store on Qdrant: one dense and one BM25 vector a point, fused when searched, filtered inside the query."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import Config
from pipeline.ports import Embedder, Hit, Order, Point, Where
from pipeline.store.collections import BY_NAME, COLLECTIONS, Collection, FieldKind
from pipeline.store.connections import Conflict, Connection
from pipeline.store.filters import to_filter
from pipeline.store.marks import Mark
from pipeline.store.sparse import document_vector, query_vector

if TYPE_CHECKING:
    from qdrant_client import models

Vector = npt.NDArray[np.float32]

DENSE: Final = "dense"
WORDS: Final = "words"
STORED: Final = "stored_ts"
"""Field that every point has in Qdrant alone: when it was written last, in seconds; what is new is found by it."""
_BATCH: Final = 256
_FEWEST_CANDIDATES: Final = 50
_STAMP: Final = "convmine_embedder"


class QdrantStore:
    """The ``VectorStore`` on a Qdrant server or in a folder; ``prefix`` goes before the name of each collection."""

    def __init__(self, connection: Connection, embedder: Embedder, *, prefix: str = "") -> None:
        self._connection = connection
        self._embedder = embedder
        self._prefix = prefix

    async def prepare(self) -> None:
        """Create what is missing and check that the embedder is the one the collections were made with.

        Raises:
            Retryable: Qdrant or the embedder's server is away.
            Config: a collection was made with another embedder, or by another program.
        """
        dimension = await self._dimension()
        for collection in COLLECTIONS:
            await self._prepare(collection, dimension)

    async def put(self, collection: str, points: Sequence[Point], *, over: Where | None = None) -> None:
        """Write points, in batches; the condition ``over`` is Qdrant's own ``update_filter`` (1.16 and newer)."""
        for at in range(0, len(points), _BATCH):
            batch = points[at : at + _BATCH]
            vectors = await self._embedder.embed([point.text for point in batch])
            average_words = BY_NAME[collection].average_words
            now = int(time.time())
            structs = [_struct(point, vector, average_words, now) for point, vector in zip(batch, vectors, strict=True)]
            await self._upsert(collection, structs, over)

    async def get(self, collection: str, ids: Sequence[str]) -> list[Hit]:
        """The points with these ids, in their order; an id that is not there is left out."""
        if not ids:
            return []
        name = self._prefix + collection
        records = await self._connection.run(lambda client: client.retrieve(name, list(ids), with_payload=True))
        found = {str(record.id): _hit(record) for record in records}
        return [found[id_] for id_ in ids if id_ in found]

    async def remove(self, collection: str, where: Where, *, keep: Sequence[str] = ()) -> None:
        from qdrant_client import models

        name = self._prefix + collection
        selector = models.FilterSelector(filter=to_filter(where, without=keep))
        await self._connection.run(lambda client: client.delete(name, selector, wait=True))

    async def search(self, collection: str, text: str, where: Where, limit: int) -> list[Hit]:
        """By meaning and by word, each ranked inside the filter, fused by reciprocal rank; best first."""
        from qdrant_client import models

        name = self._prefix + collection
        dense = (await self._embedder.embed([text]))[0]
        prefetch = _prefetch(text, dense, where, max(_FEWEST_CANDIDATES, 4 * limit))
        fusion = models.FusionQuery(fusion=models.Fusion.RRF)
        answer = await self._connection.run(
            lambda client: client.query_points(name, query=fusion, prefetch=prefetch, limit=limit, with_payload=True)
        )
        return [_hit(point, point.score) for point in answer.points]

    async def similar(self, collection: str, ids: Sequence[str], where: Where, limit: int) -> list[Hit]:
        """Nearest to the mean of the stored points' dense vectors."""
        from qdrant_client import models

        name = self._prefix + collection
        query = models.RecommendQuery(recommend=models.RecommendInput(positive=list(ids)))
        condition = to_filter(where, without=ids)
        answer = await self._connection.run(
            lambda client: client.query_points(
                name, query=query, using=DENSE, query_filter=condition, limit=limit, with_payload=True
            )
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
        read = _read(self._prefix + collection, limit, fields)
        if order is not None:
            return await self._ordered_page(read, where, Mark.read(after), order)
        condition = to_filter(where)
        records, following = await self._connection.run(
            lambda client: client.scroll(**read, scroll_filter=condition, offset=after)
        )
        return [_hit(record) for record in records], None if following is None else str(following)

    async def _ordered_page(
        self, read: dict[str, Any], where: Where, mark: Mark, order: Order
    ) -> tuple[list[Hit], str | None]:
        """Qdrant goes on from a value, not from a point: those of this value that were on a page are left out."""
        from qdrant_client import models

        condition = to_filter(where, without=mark.seen)
        direction = models.Direction.DESC if order.descending else models.Direction.ASC
        by = models.OrderBy(key=order.field, direction=direction, start_from=mark.value)
        records, _ = await self._connection.run(
            lambda client: client.scroll(**read, scroll_filter=condition, order_by=by)
        )
        following = mark.after(records).text() if len(records) == read["limit"] else None
        return [_hit(record) for record in records], following

    async def count(self, collection: str, where: Where) -> int:
        name = self._prefix + collection
        condition = to_filter(where)
        return (await self._connection.run(lambda client: client.count(name, condition, exact=True))).count

    async def values(self, collection: str, field: str, where: Where, limit: int = 1_000) -> dict[str, int]:
        name = self._prefix + collection
        condition = to_filter(where)
        answer = await self._connection.run(
            lambda client: client.facet(name, field, facet_filter=condition, limit=limit, exact=True)
        )
        return {str(hit.value): hit.count for hit in answer.hits}

    async def close(self) -> None:
        await self._embedder.close()
        await self._connection.close()

    async def _dimension(self) -> int:
        """The embedder's dimension, asked for with one text where only its server knows."""
        if self._embedder.dimension == 0:
            await self._embedder.embed(["dimension"])
        return self._embedder.dimension

    async def _prepare(self, collection: Collection, dimension: int) -> None:
        name = self._prefix + collection.name
        if not await self._connection.run(lambda client: client.collection_exists(name)):
            await self._create(name, dimension)
        info = await self._connection.run(lambda client: client.get_collection(name))
        self._check(name, info.config.metadata, dimension)
        if self._connection.has_indexes:
            for field, kind in collection.fields.items():
                if field not in info.payload_schema:
                    await self._index(name, field, kind)

    async def _create(self, name: str, dimension: int) -> None:
        from qdrant_client import models

        dense = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
        words = models.SparseVectorParams(modifier=models.Modifier.IDF)
        stamp = {_STAMP: {"name": self._embedder.name, "dimension": dimension}}
        try:
            await self._connection.run(
                lambda client: client.create_collection(
                    name, vectors_config={DENSE: dense}, sparse_vectors_config={WORDS: words}, metadata=stamp
                )
            )
        except Conflict:  # another worker that starts now was quicker; its stamp is checked like any other
            return

    def _check(self, name: str, metadata: Mapping[str, Any] | None, dimension: int) -> None:
        stamp = (metadata or {}).get(_STAMP)
        if stamp is None:
            raise Config(
                "CONVMINE_STORE_PREFIX",
                f"the collection {name!r} does not say which embedder made it",
                hint="it is another program's, or the server is older than Qdrant 1.16: take a free prefix, or update",
            )
        setting = re.split(r"\W", stamp["name"])[0]  # an embedder's name begins with the setting that chooses it
        if (stamp["name"], stamp["dimension"]) != (self._embedder.name, dimension):
            raise Config(
                "CONVMINE_STORE_EMBEDDER",
                f"the collection {name!r} was made by the embedder {stamp['name']} ({stamp['dimension']} dimensions), "
                f"this program has {self._embedder.name} ({dimension} dimensions)",
                hint=f"set CONVMINE_STORE_EMBEDDER={setting}, or CONVMINE_STORE_PREFIX to begin new collections",
            )

    async def _index(self, name: str, field: str, kind: FieldKind) -> None:
        schema = _schema(kind)
        await self._connection.run(
            lambda client: client.create_payload_index(name, field, field_schema=schema, wait=True)
        )

    async def _upsert(self, collection: str, structs: list[models.PointStruct], over: Where | None) -> None:
        name = self._prefix + collection
        condition = None if over is None else to_filter(over)
        await self._connection.run(lambda client: client.upsert(name, structs, update_filter=condition, wait=True))


def _read(name: str, limit: int, fields: Sequence[str] | None) -> dict[str, Any]:
    """What a page is read with."""
    return {"collection_name": name, "limit": limit, "with_payload": True if fields is None else list(fields)}


def _struct(point: Point, dense: Vector, average_words: int, now: int) -> models.PointStruct:
    from qdrant_client import models

    words = document_vector(point.text, average_words)
    vectors: dict[str, models.Vector] = {DENSE: dense.tolist()}
    if words.indices:
        vectors[WORDS] = models.SparseVector(indices=list(words.indices), values=list(words.values))
    return models.PointStruct(id=point.id, vector=vectors, payload={**point.payload, STORED: now})


def _prefetch(text: str, dense: Vector, where: Where, candidates: int) -> list[models.Prefetch]:
    from qdrant_client import models

    condition = to_filter(where)
    by_meaning = models.Prefetch(query=dense.tolist(), using=DENSE, filter=condition, limit=candidates)
    words = query_vector(text)
    if not words.indices:
        return [by_meaning]
    sparse = models.SparseVector(indices=list(words.indices), values=list(words.values))
    return [by_meaning, models.Prefetch(query=sparse, using=WORDS, filter=condition, limit=candidates)]


def _schema(kind: FieldKind) -> models.PayloadSchemaType | models.KeywordIndexParams:
    from qdrant_client import models

    if kind == "tenant":
        return models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    return models.PayloadSchemaType(kind)


def _hit(record: models.Record | models.ScoredPoint, score: float = 0.0) -> Hit:
    payload = record.payload or {}
    payload.pop(STORED, None)
    return Hit(str(record.id), payload, score)
