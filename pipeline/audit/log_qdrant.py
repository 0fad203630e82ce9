"""The audit log of a fleet: a collection in Qdrant that has no vectors, with a point for each entry."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pipeline.audit.entry import Entry
from pipeline.audit.log import EntryPage, Old, Wanted, page_of
from pipeline.llm.keeping import Retention
from pipeline.ports import Where
from pipeline.store.bare_collection import BareCollection
from pipeline.store.connections import Connection
from pipeline.store.filters import to_filter
from pipeline.store.marks import Mark

if TYPE_CHECKING:
    from qdrant_client import models

COLLECTION: Final = "audit"
_INDEXES: Final = {
    **dict.fromkeys(("tenant_id", "who", "action", "calls", "customers"), "keyword"),
    "at_ms": "integer",
}
_MOST_TENANTS: Final = 10_000


class QdrantAuditLog:
    """An ``AuditLog`` in a collection that is made at the first use.

    Args:
        connection: how Qdrant is reached.
        prefix: goes before the collection's name.
        days: how long an entry is kept.
        now: the time, in seconds since 1970.
    """

    def __init__(
        self, connection: Connection, *, prefix: str = "", days: int, now: Callable[[], float] = time.time
    ) -> None:
        self._collection = BareCollection(connection, prefix + COLLECTION, _INDEXES)
        self._retention = Retention(days, now)

    async def record(self, entry: Entry) -> None:
        await self._collection.put({entry.entry_id: _payload(entry)})
        if self._retention.due():
            await self._collection.delete(Where(below={"at_ms": self._retention.oldest() * 1_000}))

    async def read(self, wanted: Wanted, *, limit: int = 100, after: str | None = None) -> EntryPage:
        from qdrant_client import models

        mark = Mark.read(after)
        by = models.OrderBy(key="at_ms", direction=models.Direction.DESC, start_from=_whole(mark.value))
        condition = _condition(wanted, mark)
        records, _ = await self._collection.run(
            lambda client, name: client.scroll(name, condition, limit=limit + 1, order_by=by, with_payload=["entry"])
        )
        found = [Entry.model_validate_json((record.payload or {})["entry"]) for record in records]
        return page_of(found, limit, mark)

    async def tenants(self) -> tuple[str, ...]:
        answer = await self._collection.run(
            lambda client, name: client.facet(name, "tenant_id", limit=_MOST_TENANTS, exact=True)
        )
        return tuple(sorted(str(hit.value) for hit in answer.hits))

    async def before(self, tenant_id: str, at: datetime) -> Old:
        from qdrant_client import models

        older = _of_before(tenant_id, at)
        first, condition = models.OrderBy(key="at_ms", direction=models.Direction.ASC), to_filter(older)
        records, _ = await self._collection.run(
            lambda client, name: client.scroll(name, condition, limit=1, order_by=first, with_payload=["at_ms"])
        )
        oldest = [datetime.fromtimestamp((one.payload or {})["at_ms"] / 1_000, UTC) for one in records]
        return Old(await self._collection.count(older), oldest[0] if oldest else None)

    async def remove(self, tenant_id: str, before: datetime) -> int:
        return await self._collection.remove(_of_before(tenant_id, before))

    async def close(self) -> None:
        await self._collection.close()


def _payload(entry: Entry) -> Mapping[str, Any]:
    found = entry.model_dump(mode="json", include={"tenant_id", "who", "action", "calls", "customers"})
    return {**found, "at_ms": entry.at_ms, "entry": entry.model_dump_json()}


def _condition(wanted: Wanted, mark: Mark) -> models.Filter:
    values = {
        "tenant_id": wanted.tenant_id,
        "who": wanted.who,
        "action": wanted.action,
        "calls": wanted.call,
        "customers": wanted.customer,
    }
    equal = {key: value for key, value in values.items() if value is not None}
    since = {} if wanted.since is None else {"at_ms": _ms(wanted.since)}
    return to_filter(Where(equal=equal, at_least=since), without=mark.seen)


def _of_before(tenant_id: str, at: datetime) -> Where:
    return Where(equal={"tenant_id": tenant_id}, below={"at_ms": _ms(at)})


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
