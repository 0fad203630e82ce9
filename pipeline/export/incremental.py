"""The Parquet files of a tenant, brought up to date: of each call that has changed all rows are written again.

What has changed is found by the stamp that the store sets on each point it writes. Points that were taken away leave no
stamp: calls whose number of rows differs from the store's are looked at, too. So files and store agree on which calls
there are and how many rows each has, whatever became of the store.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from pipeline.export.batches import Holding, TableRows, holdings, write_batch
from pipeline.export.columns import Row
from pipeline.export.exclusive import exclusive
from pipeline.export.manifest import SHAPE, Batch, Manifest, TenantFolder
from pipeline.export.parquet import ParquetFile
from pipeline.export.rewriting import compacted, without
from pipeline.export.rows import cost_rows, export_rows
from pipeline.export.tables import COSTS, STORED, TABLES
from pipeline.llm.usage import UsageLedger
from pipeline.ports import VectorStore, Where
from pipeline.settings import AnalyticsSettings
from pipeline.store.filters import both, of_tenant
from pipeline.store.structs import STORED as STAMP

_CALLS_AT_ONCE: Final = 200
"""Calls that one filter names."""
_WAIT_S: Final = 60.0
"""How long is waited for another export of the same tenant."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What an export did: calls that were written, calls that are gone from the store and so from the files."""

    calls: int
    gone: int
    seconds: float


class Analytics:
    """Keeps the files of each tenant.

    Args:
        store: what is exported.
        ledger: where ``costs`` come from.
        settings: where the files lie, and how far back is looked.
        now: the time, in seconds since 1970.
    """

    def __init__(
        self,
        store: VectorStore,
        ledger: UsageLedger,
        settings: AnalyticsSettings,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._settings = settings
        self._now = now

    async def refresh(self, tenant_id: str) -> Refreshed:
        """Bring a tenant's files up to date; a kill leaves them as they were.

        Raises:
            Retryable: the store or the ledger is away, or another export of this tenant goes on for long.
            ConvmineError: pyarrow is not installed.
        """
        folder = TenantFolder(self._settings.path, tenant_id)
        folder.prepare()
        async with exclusive(folder.lock, wait_s=_WAIT_S):
            manifest = await asyncio.to_thread(folder.read)
            await asyncio.to_thread(folder.sweep, manifest)
            began = self._now()
            export = _Export(self._store, folder, of_tenant(tenant_id))
            await (export.all() if manifest is None else export.changed(manifest))
            await export.differing()
            batches = await asyncio.to_thread(compacted, folder, export.batches)
            after = Manifest(
                shape=SHAPE,
                mark=int(began) - self._settings.overlap_s,
                batches=batches,
                costs=await asyncio.to_thread(_write_costs, folder, await cost_rows(self._ledger, tenant_id)),
            )
            await asyncio.to_thread(folder.commit, after)
            return Refreshed(len(export.written), len(export.gone), self._now() - began)


class _Export:
    """One export: the batches so far, and what they hold of each call."""

    def __init__(self, store: VectorStore, folder: TenantFolder, scope: Where) -> None:
        self._store = store
        self._folder = folder
        self._scope = scope
        self._held: dict[str, Holding] = {}
        self.batches: tuple[Batch, ...] = ()
        self.written: set[str] = set()
        self.gone: set[str] = set()

    async def all(self) -> None:
        """Everything, page by page."""
        await self._write(_pages(self._store, self._scope))

    async def changed(self, manifest: Manifest) -> None:
        """What was written since the last time."""
        self.batches = manifest.batches
        self._held = await asyncio.to_thread(holdings, self._folder, manifest.batches)
        since = both(self._scope, Where(at_least={STAMP: manifest.mark}))
        found = [await _counts(self._store, table.name, since) for table in STORED]
        await self._calls(set().union(*found))

    async def differing(self) -> None:
        """The calls of which the files have more rows than the store, or fewer."""
        calls: set[str] = set()
        for place, table in enumerate(STORED):
            held = {call: one.counts[place] for call, one in self._held.items() if one.counts[place]}
            if await self._store.count(table.name, self._scope) != sum(held.values()):
                stored = await _counts(self._store, table.name, self._scope)
                calls |= {call for call in {*held, *stored} if held.get(call) != stored.get(call)}
        await self._calls(calls)

    async def _calls(self, calls: Collection[str]) -> None:
        """These anew; of those that have no rows any more nothing stays."""
        if not calls:
            return
        wanted = sorted(calls)
        found = await self._write(_pages_of(self._store, self._scope, wanted))
        gone = self._held.keys() & (set(wanted) - found)
        if gone:
            self.batches = await asyncio.to_thread(without, self._folder, self.batches, gone)
            self._held = {call: one for call, one in self._held.items() if call not in gone}
            self.gone |= gone

    async def _write(self, rows: TableRows) -> set[str]:
        """A batch of these rows, where there are any; the calls that it has."""
        number = max((one.number for one in self.batches), default=0) + 1
        batch, held = await write_batch(self._folder, number, rows)
        if held or not self.batches:
            self.batches = (*self.batches, batch)
        self._held |= {call: Holding(number, counts) for call, counts in held.items()}
        self.written |= held.keys()
        return set(held)


async def _counts(store: VectorStore, table: str, where: Where) -> Mapping[str, int]:
    """How many points each call has; there are no more calls than points, so none is cut off."""
    points = await store.count(table, where)
    return await store.values(table, "call_id", where, limit=points) if points else {}


async def _pages(store: VectorStore, where: Where) -> TableRows:
    for table in STORED:
        async for page in export_rows(store, where, table.name):
            yield table.name, page.rows


async def _pages_of(store: VectorStore, scope: Where, calls: Sequence[str]) -> TableRows:
    for at in range(0, len(calls), _CALLS_AT_ONCE):
        some = Where(equal={"call_id": calls[at : at + _CALLS_AT_ONCE]})
        async for found in _pages(store, both(scope, some)):
            yield found


def _write_costs(folder: TenantFolder, rows: Sequence[Row]) -> str:
    name = f"{COSTS}-{uuid4().hex[:12]}.parquet"
    with ParquetFile(folder.path / name, TABLES[COSTS]) as file:
        file.write(rows)
    return name
