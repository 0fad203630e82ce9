"""A store whose calls are spans below the event or the question that they are for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from pipeline.ports import Hit, Order, Point, VectorStore, Where
from pipeline.settings import TracingSettings
from pipeline.tracing import Span, step


def traced(store: VectorStore, settings: TracingSettings) -> VectorStore:
    """The store itself where traces are off."""
    return store if settings.export == "off" else Traced(store)


class Traced:
    """A ``VectorStore`` around another one; put it outermost, where it is still known whose call it is.

    Where calls of many events go together (``coalesced``), a span lasts as long as its event waits.
    Source of the attributes: OpenTelemetry's conventions for databases.
    """

    def __init__(self, store: VectorStore) -> None:
        self._store = store

    async def prepare(self) -> None:
        await self._store.prepare()

    async def put(self, collection: str, points: Sequence[Point], *, over: Where | None = None) -> None:
        with _step("upsert", collection) as span:
            if len(points) > 1:
                span.set("db.operation.batch.size", len(points))
            await self._store.put(collection, points, over=over)

    async def get(self, collection: str, ids: Sequence[str]) -> list[Hit]:
        with _step("retrieve", collection):
            return await self._store.get(collection, ids)

    async def remove(self, collection: str, where: Where, *, keep: Sequence[str] = ()) -> None:
        with _step("delete", collection):
            await self._store.remove(collection, where, keep=keep)

    async def search(
        self, collection: str, text: str, where: Where, limit: int, *, with_cosine: bool = False
    ) -> list[Hit]:
        with _step("query", collection) as span:
            hits = await self._store.search(collection, text, where, limit, with_cosine=with_cosine)
            span.set("db.response.returned_rows", len(hits))
            return hits

    async def similar(self, collection: str, ids: Sequence[str], where: Where, limit: int) -> list[Hit]:
        with _step("recommend", collection) as span:
            hits = await self._store.similar(collection, ids, where, limit)
            span.set("db.response.returned_rows", len(hits))
            return hits

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
        with _step("scroll", collection):
            return await self._store.page(collection, where, limit, after, order=order, fields=fields)

    async def count(self, collection: str, where: Where) -> int:
        with _step("count", collection):
            return await self._store.count(collection, where)

    async def values(self, collection: str, field: str, where: Where, limit: int = 1_000) -> dict[str, int]:
        with _step("facet", collection):
            return await self._store.values(collection, field, where, limit)

    async def close(self) -> None:
        await self._store.close()


def _step(operation: str, collection: str) -> AbstractContextManager[Span]:
    attributes = {"db.system.name": "qdrant", "db.operation.name": operation, "db.collection.name": collection}
    return step(f"{operation} {collection}", "client", attributes)
