"""The ledger of a fleet: a collection in Qdrant that has no vectors, with a row for each worker and purpose."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import uuid4

from pipeline.ids import stable_id
from pipeline.llm.keeping import Retention
from pipeline.llm.usage import Purpose, Usage
from pipeline.ports import Where
from pipeline.store.bare_collection import BareCollection
from pipeline.store.connections import Connection

COLLECTION: Final = "llm_usage"
_INDEXES: Final = {"tenant_id": "keyword", "day": "integer"}


class QdrantLedger:
    """A ``UsageLedger`` in a collection that is made at the first use.

    Each worker writes the sums since its own start into rows of its own, and readers add the rows of all: nobody
    overwrites what another one has added, and to write the same sums twice changes nothing.

    Args:
        connection: how Qdrant is reached.
        prefix: goes before the collection's name.
        days: how long it is kept.
        now: the time, in seconds since 1970.
    """

    def __init__(
        self, connection: Connection, *, prefix: str = "", days: int, now: Callable[[], float] = time.time
    ) -> None:
        self._collection = BareCollection(connection, prefix + COLLECTION, _INDEXES)
        self._retention = Retention(days, now)
        self._worker = uuid4().hex
        self._sums: dict[Purpose, Usage] = {}
        self._adding = asyncio.Lock()

    async def add(self, used: Mapping[Purpose, Usage]) -> None:
        async with self._adding:
            await self._add(used)
        if self._retention.due():
            await self._delete_old()

    async def read(self, tenant_id: str, since: date) -> Mapping[Purpose, Usage]:
        found: dict[Purpose, Usage] = {}
        young = Where(equal={"tenant_id": tenant_id}, at_least={"day": since.toordinal()})
        async for payload in self._collection.all(young):
            purpose, usage = _read(payload)
            found[purpose] = found.get(purpose, Usage()) + usage
        return found

    async def remove(self, tenant_id: str, before: date) -> None:
        await self._collection.delete(Where(equal={"tenant_id": tenant_id}, below={"day": before.toordinal()}))

    async def close(self) -> None:
        await self._collection.close()

    async def _add(self, used: Mapping[Purpose, Usage]) -> None:
        sums = {purpose: self._sums.get(purpose, Usage()) + usage for purpose, usage in used.items()}
        await self._collection.put({self._row(purpose): _payload(purpose, usage) for purpose, usage in sums.items()})
        newest = max(purpose.day for purpose in sums)
        kept = {purpose: usage for purpose, usage in self._sums.items() if (newest - purpose.day).days <= 1}
        self._sums = kept | sums

    async def _delete_old(self) -> None:
        oldest = datetime.fromtimestamp(self._retention.oldest(), UTC).date()
        await self._collection.delete(Where(below={"day": oldest.toordinal()}))

    def _row(self, purpose: Purpose) -> str:
        return stable_id("llm_usage", self._worker, *(str(part) for part in asdict(purpose).values()))


def _payload(purpose: Purpose, usage: Usage) -> dict[str, Any]:
    """The day is a number, as Qdrant compares no texts; the sketch of the calls is text."""
    calls = base64.b64encode(usage.calls).decode()
    return {**asdict(purpose), "day": purpose.day.toordinal(), **asdict(usage), "calls": calls}


def _read(payload: Mapping[str, Any]) -> tuple[Purpose, Usage]:
    row = {**payload, "day": date.fromordinal(payload["day"]), "calls": base64.b64decode(payload["calls"])}
    return (
        Purpose(**{name: row[name] for name in Purpose.__slots__}),
        Usage(**{name: row[name] for name in Usage.__slots__}),
    )
