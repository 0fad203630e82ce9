"""What Qdrant has of old calls, in every generation of a collection, also those that are kept for a roll-back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pipeline.ports import Where
from pipeline.retention.stock import Due
from pipeline.store.collections import BY_NAME, CALLS
from pipeline.store.connections import Connection
from pipeline.store.filters import to_filter
from pipeline.store.generations.place import Place, every_generation
from pipeline.store.points import LIVE
from pipeline.store.structs import STORED

if TYPE_CHECKING:
    from qdrant_client import models

Also = Callable[[str, Sequence[str]], Awaitable[None]]
"""Removes what is kept elsewhere of calls of a tenant."""

STARTED: Final = "started_ts"
_BATCH: Final = 1_000
"""Calls that go in one step."""
_GOES_ON_S: Final = 86_400
"""Seconds after its last word for which a call that nobody ended counts as going on."""
_MOST_TENANTS: Final = 10_000


async def _nothing(tenant_id: str, calls: Sequence[str]) -> None:
    del tenant_id, calls


async def _settled(name: str) -> None:
    del name


@dataclass(frozen=True, slots=True)
class Points:
    """A ``Stock``: the points of a collection, whose age is that of their calls; what goes on stays.

    Args:
        connection: how Qdrant is reached.
        prefix: goes before the name of each collection.
        collection: which of them.
        whole: those from which a call that is removed goes, too, however old its points there are.
        also: removes what is kept elsewhere of the calls, before their points go: a kill leaves nothing behind.
        settle: is told of each collection from which something was deleted.
        now: the time, in seconds since 1970.
    """

    connection: Connection
    prefix: str
    collection: str
    whole: tuple[str, ...] = ()
    also: Also = _nothing
    settle: Callable[[str], Awaitable[None]] = _settled
    now: Callable[[], float] = time.time

    async def due(self, tenant_id: str, before: datetime) -> Due:
        """Points of each generation count by themselves."""
        condition = await self._condition(tenant_id, before)
        places = await self._places(self.collection)
        counts = [await place.count(condition) for place in places]
        oldest = [at for place in places if (at := await _oldest(place, condition)) is not None]
        return Due(sum(counts), min(oldest, default=None))

    async def remove(self, tenant_id: str, before: datetime) -> int:
        """So many calls at a time; their points in this collection go last, as by them they are found."""
        removed = Counter[str]()
        ours = await self._places(self.collection)
        for place in ours:
            while calls := await _calls(place, await self._condition(tenant_id, before)):
                await self.also(tenant_id, calls)
                for collection in (*self.whole, self.collection):
                    removed += await self._drop(collection, tenant_id, calls)
        for name in removed:
            await self.settle(name)
        return sum(removed[place.name] for place in ours)

    async def _places(self, collection: str) -> list[Place]:
        return await every_generation(self.connection, [self.prefix + collection])

    async def _drop(self, collection: str, tenant_id: str, calls: Sequence[str]) -> Counter[str]:
        """From every generation; how many points that were, by its name."""
        condition = to_filter(Where(equal={"tenant_id": tenant_id, "call_id": calls}))
        removed = Counter[str]()
        for place in await self._places(collection):
            if points := await place.count(condition):
                await place.delete_matching(condition)
                removed[place.name] = points
        return removed

    async def _condition(self, tenant_id: str, before: datetime) -> models.Filter:
        old = Where(equal={"tenant_id": tenant_id}, below={STARTED: before.timestamp()})
        goes_on = Where(
            equal={**old.equal, LIVE: True}, below=old.below, at_least={STORED: int(self.now()) - _GOES_ON_S}
        )
        calls = [
            str((record.payload or {})["call_id"])
            for place in await self._places(CALLS)
            async for page in place.pages(to_filter(goes_on), _BATCH, ["call_id"])
            for record in page
        ]
        return to_filter(Where(old.equal, {"call_id": calls} if calls else {}, below=old.below))


async def stored_tenants(connection: Connection, prefix: str) -> frozenset[str]:
    """The tenants of which calls, or parts of them, are stored."""
    found = set[str]()
    for name in (one.name for one in BY_NAME.values() if STARTED in one.fields):
        for place in await every_generation(connection, [prefix + name]):
            found |= set(await _values(place, "tenant_id", None, _MOST_TENANTS))
    return frozenset(found)


async def _calls(place: Place, condition: models.Filter) -> list[str]:
    return sorted(await _values(place, "call_id", condition, _BATCH))


async def _values(place: Place, field: str, condition: models.Filter | None, limit: int) -> list[str]:
    answer = await place.connection.run(
        lambda client: client.facet(place.name, field, facet_filter=condition, limit=limit, exact=True)
    )
    return [str(hit.value) for hit in answer.hits]


async def _oldest(place: Place, condition: models.Filter) -> datetime | None:
    from qdrant_client import models

    first = models.OrderBy(key=STARTED, direction=models.Direction.ASC)
    records, _ = await place.connection.run(
        lambda client: client.scroll(place.name, condition, limit=1, order_by=first, with_payload=[STARTED])
    )
    return next((datetime.fromtimestamp((one.payload or {})[STARTED], UTC) for one in records), None)
