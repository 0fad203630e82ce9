"""A store that many handlers share: what they write, and read by id, at the same time goes out together.

A caller gets its answer when its own points are written, so that an offset never moves before they are. What is held is
what callers hold: no more of them at a time than events are handled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from pipeline.ports import Hit, Order, Point, VectorStore, Where
from pipeline.store.changing import ETAG
from pipeline.store.gathering import Gathering

MOST: Final = 256
"""Points of one request."""
_WRITES_AT_ONCE: Final = 2
"""Requests of one collection: the vectors of one are made while Qdrant writes the other."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A point that is written only over the content with the etag ``before`` (see ``changing``)."""

    point: Point
    before: str


class Coalescing:
    """A ``VectorStore`` that gathers calls of ``put`` and ``get`` for another, and passes on all else.

    Writes go together whose condition is the same, and so do changes of points, each over what it was made of.
    """

    def __init__(self, store: VectorStore, *, most: int = MOST) -> None:
        self._store = store
        self._most = most
        self._writes: dict[str, Gathering[Point, None]] = {}
        self._changes: dict[str, Gathering[_Change, None]] = {}
        self._reads: dict[str, Gathering[str, Mapping[str, Hit]]] = {}

    async def prepare(self) -> None:
        await self._store.prepare()

    async def put(self, collection: str, points: Sequence[Point], *, over: Where | None = None) -> None:
        if not points:
            return
        if len(points) == 1 and over is not None and (before := _etag_alone(over)) is not None:
            await self._change(collection, points[0], before)
            return
        if collection not in self._writes:
            send = partial(self._put, collection)
            self._writes[collection] = Gathering(
                send, most=self._most, id_of=lambda point: point.id, at_once=_WRITES_AT_ONCE
            )
        await self._writes[collection].ask(points, over)

    async def _change(self, collection: str, point: Point, before: str) -> None:
        if collection not in self._changes:
            send = partial(self._put_changes, collection)
            self._changes[collection] = Gathering(
                send, most=self._most, id_of=lambda change: change.point.id, at_once=_WRITES_AT_ONCE
            )
        await self._changes[collection].ask([_Change(point, before)])

    async def get(self, collection: str, ids: Sequence[str]) -> list[Hit]:
        if not ids:
            return []
        if collection not in self._reads:
            self._reads[collection] = Gathering(partial(self._get, collection), most=self._most)
        found = await self._reads[collection].ask(ids)
        return [found[id_] for id_ in ids if id_ in found]

    async def remove(self, collection: str, where: Where, *, keep: Sequence[str] = ()) -> None:
        await self._store.remove(collection, where, keep=keep)

    async def search(
        self, collection: str, text: str, where: Where, limit: int, *, with_cosine: bool = False
    ) -> list[Hit]:
        return await self._store.search(collection, text, where, limit, with_cosine=with_cosine)

    async def similar(self, collection: str, ids: Sequence[str], where: Where, limit: int) -> list[Hit]:
        return await self._store.similar(collection, ids, where, limit)

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
        return await self._store.page(collection, where, limit, after, order=order, fields=fields)

    async def count(self, collection: str, where: Where) -> int:
        return await self._store.count(collection, where)

    async def values(self, collection: str, field: str, where: Where, limit: int = 1_000) -> dict[str, int]:
        return await self._store.values(collection, field, where, limit)

    async def close(self) -> None:
        await self._store.close()

    async def _put(self, collection: str, points: Sequence[Point], over: object) -> None:
        await self._store.put(collection, points, over=cast("Where | None", over))

    async def _put_changes(self, collection: str, changes: Sequence[_Change], _: object) -> None:
        """Each over what it was made of. Of one content there is one point: a call's names its call."""
        before = tuple(dict.fromkeys(change.before for change in changes))
        over = Where(equal={ETAG: before if len(before) > 1 else before[0]})
        await self._store.put(collection, [change.point for change in changes], over=over)

    async def _get(self, collection: str, ids: Sequence[str], _: object) -> Mapping[str, Hit]:
        return {hit.id: hit for hit in await self._store.get(collection, list(dict.fromkeys(ids)))}


def _etag_alone(over: Where) -> str | None:
    """The etag that is the whole of a condition; None of another one."""
    before = over.equal.get(ETAG)
    return before if isinstance(before, str) and over == Where(equal={ETAG: before}) else None
