"""A point that several workers change: it is read, made anew, and written only over what was read.

A call's point is one of these: index workers of both lanes write it, and its outcome and failures come from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from pipeline.errors import Retryable
from pipeline.ids import stable_id
from pipeline.ports import Point, VectorStore, Where

ETAG: Final = "etag"
"""Field that tells one content of a point from another."""
_TRIES: Final = 10


async def change(
    store: VectorStore,
    collection: str,
    id_: str,
    make: Callable[[dict[str, Any]], Point | None],
    known: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """Write what ``make`` makes of the payload that is stored ({} where there is none); None leaves it as it is.

    It is made again where another worker has written meanwhile, so that nobody's change is lost.

    Args:
        store: where the point is.
        collection: which of its collections.
        id_: of the point.
        make: is given the payload without its mark.
        known: the payload as it was lately; it is then read only where that is not what is stored any more, or where
            there is nothing to write.

    Returns:
        the payload that is stored now.

    Raises:
        Retryable: the store is away, or others were quicker time and again.
    """
    payload = await stored(store, collection, id_) if known is None else known
    is_read = known is None
    for _ in range(_TRIES):
        etag = payload.get(ETAG)
        before = {name: value for name, value in payload.items() if name != ETAG}
        marked = None if (point := make(before)) is None else _marked(point)
        if marked is None or marked.payload[ETAG] == etag:
            if is_read:
                return payload
        else:
            # A point of an older program has no mark, and is written over as it was then.
            over = Where(equal={ETAG: etag or ""}) if etag or not before else None
            await store.put(collection, [marked], over=over)
        payload, is_read = await stored(store, collection, id_), True
        if marked is not None and payload.get(ETAG) == marked.payload[ETAG]:
            return payload
    raise Retryable(f"a point of {collection} is being changed by others", dependency="qdrant", alone=True)


async def stored(store: VectorStore, collection: str, id_: str) -> dict[str, Any]:
    """The payload of a point, {} where there is none."""
    return next((dict(hit.payload) for hit in await store.get(collection, [id_])), {})


def _marked(point: Point) -> Point:
    content: Mapping[str, Any] = {name: value for name, value in point.payload.items() if name != ETAG}
    etag = stable_id("etag", json.dumps(content, sort_keys=True, ensure_ascii=False))
    return Point(point.id, point.text, {**content, ETAG: etag})
