"""The response cache of a fleet: a collection in Qdrant that has no vectors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from pipeline.ids import stable_id
from pipeline.llm.keeping import Retention, read_kept, write_answer
from pipeline.ports import KeptAnswer, Where
from pipeline.store.bare_collection import BareCollection
from pipeline.store.connections import Connection

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
        payload = (await self._collection.get([_point_id(key)])).get(_point_id(key), {})
        fresh = payload.get("stored_ts", 0) >= self._retention.oldest()
        return read_kept(payload.get("answer")) if fresh else None

    async def put(self, key: str, answer: KeptAnswer, *, subject: str) -> KeptAnswer:
        stored_ts = self._retention.now()
        payload = {"key": key, "subject": subject, "stored_ts": stored_ts, "answer": write_answer(answer)}
        await self._collection.put({_point_id(key): payload}, over=_older_than(self._retention.oldest()))
        stored = await self.get(key)
        if stored is None:  # what lies there is no answer
            await self._collection.put({_point_id(key): payload})
        if self._retention.due():
            await self._collection.delete(_older_than(self._retention.oldest()))
        return stored or answer

    async def remove(self, subject: str) -> int:
        return await self._collection.remove(Where(equal={"subject": subject}))

    async def expire(self, older_than_s: float) -> int:
        return await self._collection.remove(_older_than(self._retention.now() - older_than_s))

    async def close(self) -> None:
        await self._collection.close()


def _older_than(stored_ts: float) -> Where:
    return Where(below={"stored_ts": stored_ts})


def _point_id(key: str) -> str:
    return stable_id("llm_answer", key)
