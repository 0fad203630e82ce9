"""Points from one collection of Qdrant to another, a page at a time; what is there already is not copied again.

A point keeps when it was written (``stored_ts``), so that the two can be compared: a copy that was killed goes on where
it stopped, and what was written meanwhile is found. Neither side stands still while it is copied.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.ports import Embedder, Point, Where
from pipeline.store.collections import Collection
from pipeline.store.generations.place import Place, Structs, since
from pipeline.store.structs import STORED, bare_struct, struct

if TYPE_CHECKING:
    from qdrant_client import models

Remake = Callable[[Sequence["models.Record"]], Awaitable[Structs]]
"""What is written of points that were read; some may be left out."""
Tell = Callable[[int], None]
"""Is told how many points have been looked at."""

_PAGE: Final = 1_024
"""Points that are compared at a time, by id and time alone."""
_BATCH: Final = 256
"""Points that are held whole at a time."""


@dataclass(frozen=True, slots=True)
class Copying:
    """From where, to where, and what becomes of a point on the way; vectors are read where it needs them."""

    source: Place
    target: Place
    remake: Remake
    with_vectors: bool

    async def bring(
        self, first: int | None = None, *, doubted: float = 0, before: int | None = None, tell: Tell = lambda _: None
    ) -> int:
        """Copy what the target does not have, or has as it was before; how many points those were.

        Args:
            first: only what was written from this second on; None looks at all.
            doubted: copies again what the target has from this second or an earlier one, as within one second a point
                can be written, copied and written again.
            before: leaves alone what was written to the target from this second on, as by another process just now.
            tell: is told how many points have been looked at.
        """
        new = looked = 0
        over = None if before is None else Where(below={STORED: before})
        async for stamps in _stamps(self.source, first):
            there = await _stamps_of(self.target, list(stamps))
            stale = {id_ for id_, at in stamps.items() if id_ not in there or there[id_] < at}
            written = await self._copy([id_ for id_ in stamps if id_ in stale or there[id_] <= doubted], over)
            new += len(stale & written)
            looked += len(stamps)
            tell(looked)
        return new

    async def remove_gone(self, before: int | None = None) -> int:
        """Delete in the target what the source no longer has, of what was written before this second; how many."""
        gone = [id_ async for id_ in _only_in(self.target, self.source, before)]
        for ids in _cut(gone, _PAGE):
            await self.target.delete(ids)
        return len(gone)

    async def missing(self) -> int:
        """How many points of the source the target does not have."""
        return len([id_ async for id_ in _only_in(self.source, self.target, None)])

    async def _copy(self, ids: Sequence[str], over: Where | None) -> set[str]:
        """The ids of what was written: all but what is left out or has gone."""
        written = set[str]()
        for batch in _cut(ids, _BATCH):
            records = await self.source.read(batch, with_vectors=self.with_vectors)
            if structs := await self.remake(records):
                await self.target.write(structs, over)
                written |= {str(one.id) for one in structs}
        return written


async def as_they_are(records: Sequence[models.Record]) -> Structs:
    """The same points, vectors and all."""
    from qdrant_client import models

    return [models.PointStruct(id=record.id, vector=record.vector or {}, payload=record.payload) for record in records]


def embedded_by(embedder: Embedder, collection: Collection) -> Remake:
    """The same points with the vectors of this embedder."""

    async def remake(records: Sequence[models.Record]) -> Structs:
        points = [_point(record, collection) for record in records]
        times = [_at(record) for record in records]
        if not collection.searched:
            return [bare_struct(point, at) for point, at in zip(points, times, strict=True)]
        vectors = await embedder.embed([point.text for point in points])
        return [
            struct(point, vector, collection.average_words, at)
            for point, vector, at in zip(points, vectors, times, strict=True)
        ]

    return remake


def _point(record: models.Record, collection: Collection) -> Point:
    payload = record.payload or {}
    return Point(str(record.id), collection.text_of(payload), payload)


async def _only_in(one: Place, other: Place, before: int | None) -> AsyncIterator[str]:
    async for stamps in _stamps(one, None):
        there = await _stamps_of(other, list(stamps))
        for id_, at in stamps.items():
            if id_ not in there and (before is None or at < before):
                yield id_


async def _stamps(place: Place, first: int | None) -> AsyncIterator[dict[str, int]]:
    """When each point was written, by id, a page at a time."""
    async for records in place.pages(since(first), _PAGE, [STORED]):
        yield {str(record.id): _at(record) for record in records}


async def _stamps_of(place: Place, ids: Sequence[str]) -> dict[str, int]:
    return {str(record.id): _at(record) for record in await place.read(ids, fields=[STORED])}


def _at(record: models.Record) -> int:
    """When a point was written, in seconds; 0 where a program wrote it that did not say."""
    return int((record.payload or {}).get(STORED, 0))


def _cut(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))
