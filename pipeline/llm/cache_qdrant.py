"""The response cache of a fleet: a collection in Qdrant that has no vectors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pipeline.ids import stable_id
from pipeline.llm.keeping import Retention, read_kept, write_answer
from pipeline.ports import KeptAnswer
from pipeline.store.bare_collection import BareCollection
from pipeline.store.connections import Connection

if TYPE_CHECKING:
    from qdrant_client import models

COLLECTION: Final = "llm_answers"
_INDEXES: Final = {"subject": "keyword", "stored_ts": "integer"}


class QdrantResponseCache:
    """A ``ResponseCache`` in a collection that is made at the first use.

    An upsert that replaces nothing but what is too old (``update_filter``, Qdrant 1.16 and newer) is what makes the
    first answer stay.

    Args:
        connection: how Qdrant is reached.
        prefix: goes before the collection's name.
        days: how long an answer is kept.
        now: the time, in seconds since 1970.
    """

    def __init__(
        self, connection: Connection, *, prefix: str = "", days: int, now: Callable[[], float] = time.time
    ) -> None:
        self._collection = BareCollection(connection, prefix + COLLECTION, _INDEXES)
        self._retention = Retention(days, now)

    async def get(self, key: str) -> KeptAnswer | None:
        ids = [_point_id(key)]
        records = await self._collection.run(lambda client, name: client.retrieve(name, ids, with_payload=True))
        payload = (records[0].payload or {}) if records else {}
        fresh = payload.get("stored_ts", 0) >= self._retention.oldest()
        return read_kept(payload.get("answer")) if fresh else None

    async def put(self, key: str, answer: KeptAnswer, *, subject: str) -> KeptAnswer:
        stored_ts = self._retention.now()
        payload = {"key": key, "subject": subject, "stored_ts": stored_ts, "answer": write_answer(answer)}
        await self._upsert(key, payload, replace=self._too_old())
        stored = await self.get(key)
        if stored is None:  # what lies there is no answer
            await self._upsert(key, payload, replace=None)
        if self._retention.due():
            await self._delete(self._too_old())
        return stored or answer

    async def remove(self, subject: str) -> int:
        from qdrant_client import models

        where = models.Filter(must=[models.FieldCondition(key="subject", match=models.MatchValue(value=subject))])
        counted = await self._collection.run(lambda client, name: client.count(name, where, exact=True))
        await self._delete(where)
        return counted.count

    async def expire(self, older_than_s: float) -> int:
        older = _older_than(self._retention.now() - older_than_s)
        counted = await self._collection.run(lambda client, name: client.count(name, older, exact=True))
        await self._delete(older)
        return counted.count

    async def close(self) -> None:
        await self._collection.close()

    async def _upsert(self, key: str, payload: dict[str, Any], *, replace: models.Filter | None) -> None:
        from qdrant_client import models

        points = [models.PointStruct(id=_point_id(key), vector={}, payload=payload)]
        await self._collection.run(lambda client, name: client.upsert(name, points, update_filter=replace, wait=True))

    async def _delete(self, condition: models.Filter) -> None:
        from qdrant_client import models

        selector = models.FilterSelector(filter=condition)
        await self._collection.run(lambda client, name: client.delete(name, selector, wait=True))

    def _too_old(self) -> models.Filter:
        return _older_than(self._retention.oldest())


def _older_than(stored_ts: float) -> models.Filter:
    from qdrant_client import models

    older = models.Range(lt=stored_ts)
    return models.Filter(must=[models.FieldCondition(key="stored_ts", range=older)])


def _point_id(key: str) -> str:
    return stable_id("llm_answer", key)
