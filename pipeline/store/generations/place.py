"""One collection of one Qdrant, as copying and mending it read and write it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.ports import Where
from pipeline.store.connections import Connection
from pipeline.store.filters import to_filter
from pipeline.store.generations.names import catalogue
from pipeline.store.structs import STORED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from qdrant_client import models

Structs = Sequence["models.PointStruct"]


@dataclass(frozen=True, slots=True)
class Place:
    """A collection by its name in Qdrant, and how that is reached."""

    connection: Connection
    name: str

    async def pages(
        self, condition: models.Filter | None, size: int, fields: list[str] | None = None
    ) -> AsyncIterator[list[models.Record]]:
        """All that match, in the order of ids, so many at a time; only these fields where they are given."""
        records, after = await self._page(condition, size, fields, None)
        while records:
            yield records
            if after is None:
                return
            records, after = await self._page(condition, size, fields, after)

    async def read(
        self, ids: Sequence[str], *, fields: list[str] | None = None, with_vectors: bool = False
    ) -> list[models.Record]:
        """The points with these ids that are there, in no order."""
        return await self.connection.run(
            lambda client: client.retrieve(
                self.name, list(ids), with_payload=True if fields is None else fields, with_vectors=with_vectors
            )
        )

    async def write(self, structs: Structs, over: Where | None) -> None:
        """Write points; where ``over`` is given, one that is there already only if it matches that."""
        condition = None if over is None else to_filter(over)
        await self.connection.run(
            lambda client: client.upsert(self.name, list(structs), update_filter=condition, wait=True)
        )

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete the points with these ids."""
        await self.connection.run(lambda client: client.delete(self.name, points_selector=list(ids), wait=True))

    async def delete_matching(self, condition: models.Filter) -> None:
        """Delete what matches."""
        from qdrant_client import models

        selector = models.FilterSelector(filter=condition)
        await self.connection.run(lambda client: client.delete(self.name, selector, wait=True))

    async def change(self, changes: Sequence[models.SetPayloadOperation]) -> None:
        """Set payload fields, each as its change says."""
        await self.connection.run(lambda client: client.batch_update_points(self.name, list(changes), wait=True))

    async def count(self, condition: models.Filter | None = None) -> int:
        """How many points match."""
        answer = await self.connection.run(lambda client: client.count(self.name, condition, exact=True))
        return answer.count

    async def _page(
        self,
        condition: models.Filter | None,
        size: int,
        fields: list[str] | None,
        after: Any,  # noqa: ANN401 - an id as the client gives it
    ) -> tuple[list[models.Record], Any]:
        return await self.connection.run(
            lambda client: client.scroll(
                self.name, condition, limit=size, offset=after, with_payload=True if fields is None else fields
            )
        )


async def every_generation(connection: Connection, aliases: Iterable[str]) -> list[Place]:
    """The generations of these collections, those that are kept for a roll-back, too, in the order of their names."""
    known = await catalogue(connection)
    return [Place(connection, name) for name in sorted({name for alias in aliases for name in known.of(alias).every})]


def since(second: int | None) -> models.Filter | None:
    """What was written from this second on; None is all."""
    return None if second is None else to_filter(Where(at_least={STORED: second}))
