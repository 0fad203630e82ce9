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

_ETAG: Final = "etag"
"""Field that tells one content of a point from another."""
_TRIES: Final = 10


async def change(
    store: VectorStore, collection: str, id_: str, make: Callable[[dict[str, Any]], Point | None]
) -> Mapping[str, Any]:
    """Write what ``make`` makes of the payload that is stored ({} where there is none); None leaves it as it is.

    It is made again where another worker has written meanwhile, so that nobody's change is lost.

    Returns:
        the payload that is stored now.

    Raises:
        Retryable: the store is away, or others were quicker time and again.
    """
    for _ in range(_TRIES):
        before = await stored(store, collection, id_)
        etag = before.pop(_ETAG, None)
        if (point := make(before)) is None:
            return before
        marked = _marked(point)
        if marked.payload[_ETAG] == etag:
            return marked.payload
        # A point of an older program has no mark, and is written over as it was then.
        over = Where(equal={_ETAG: etag or ""}) if etag or not before else None
        await store.put(collection, [marked], over=over)
        if (await stored(store, collection, id_)).get(_ETAG) == marked.payload[_ETAG]:
            return marked.payload
    raise Retryable(f"a point of {collection} is being changed by others", dependency="qdrant", alone=True)


async def stored(store: VectorStore, collection: str, id_: str) -> dict[str, Any]:
    """The payload of a point, {} where there is none."""
    return next((dict(hit.payload) for hit in await store.get(collection, [id_])), {})


def _marked(point: Point) -> Point:
    content: Mapping[str, Any] = {name: value for name, value in point.payload.items() if name != _ETAG}
    etag = stable_id("etag", json.dumps(content, sort_keys=True, ensure_ascii=False))
    return Point(point.id, point.text, {**content, _ETAG: etag})
