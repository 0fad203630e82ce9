"""Which revision of a recording's result was begun to be written: one small point a result, which is read by its id.

It is written before the points of the result are. So where there is none, nothing of any recording is stored there, and
nothing has to be searched for that is newer or that must be taken away.
"""

from __future__ import annotations

from typing import Final

from pipeline.ids import stable_id
from pipeline.ports import Point, VectorStore, Where
from pipeline.store.changing import stored
from pipeline.store.collections import RESULTS

NONE: Final = 0
"""Revisions begin with 1."""


async def begun_revision(store: VectorStore, collection: str, tenant_id: str, call_id: str) -> int:
    """The newest revision of a recording's result of which points may be in this collection; ``NONE`` without any."""
    payload = await stored(store, RESULTS, _id(collection, tenant_id, call_id))
    return int(payload.get("revision", NONE))


async def begin(store: VectorStore, collection: str, tenant_id: str, call_id: str, revision: int) -> None:
    """Note that points of this revision will be written; a newer one that is noted stays."""
    fields = {"tenant_id": tenant_id, "call_id": call_id, "result": collection, "revision": revision}
    point = Point(_id(collection, tenant_id, call_id), "", fields)
    await store.put(RESULTS, [point], over=Where(below={"revision": revision}))


def _id(collection: str, tenant_id: str, call_id: str) -> str:
    return stable_id("result", collection, tenant_id, call_id)
