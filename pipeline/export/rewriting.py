"""Batches written anew: without calls that shall be forgotten, and few in place of many."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.export.batches import held, holdings, rewritten
from pipeline.export.exclusive import exclusive
from pipeline.export.manifest import Batch, TenantFolder

_MOST: Final = 16
"""Batches up to which nothing is put together."""
_WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of calls that shall be forgotten: how many were held, and how many batches were written anew."""

    calls: int
    batches: int


async def forget(path: Path, tenant_id: str, call_ids: Collection[str]) -> Forgotten:
    """Write every batch that holds one of these calls anew without it; when this returns, the old files are deleted.

    The store is not asked: a call that is still stored there comes back with the next export.

    Raises:
        Retryable: an export of this tenant goes on for long.
    """
    folder = TenantFolder(path, tenant_id)
    if not folder.path.exists():
        return Forgotten(0, 0)
    async with exclusive(folder.lock, wait_s=_WAIT_S):
        manifest = await asyncio.to_thread(folder.read)
        if manifest is None:  # of other columns: made anew by the next export, so nothing of it need stay
            await asyncio.to_thread(folder.sweep, None)
            return Forgotten(0, 0)
        known = await asyncio.to_thread(holdings, folder, manifest.batches)
        batches = await asyncio.to_thread(without, folder, manifest.batches, call_ids)
        await asyncio.to_thread(folder.commit, manifest.model_copy(update={"batches": batches}))
    return Forgotten(len(known.keys() & set(call_ids)), len(set(manifest.batches) - set(batches)))


def without(folder: TenantFolder, batches: Sequence[Batch], calls: Collection[str]) -> tuple[Batch, ...]:
    """The batches, with those that hold one of these calls written anew; one of them stays, if only an empty one."""
    gone = frozenset(calls)
    changed = [
        rewritten(folder, [batch], lambda _, call: call not in gone) if gone & held(folder, batch).keys() else batch
        for batch in batches
    ]
    return tuple(batch for batch in changed if batch.calls) or tuple(changed[-1:])


def compacted(folder: TenantFolder, batches: Sequence[Batch]) -> tuple[Batch, ...]:
    """Where there are many, the newest put together: so many that what is before them has at least twice their rows.

    So each row is written again a few times only, however many come (compare the log-structured merge tree, O'Neil et
    al., 1996).
    """
    if len(batches) <= _MOST:
        return tuple(batches)
    rows_after = [sum(one.rows for one in batches[at + 1 :]) for at in range(len(batches))]
    first = next((at for at, batch in enumerate(batches) if batch.rows < 2 * rows_after[at]), len(batches) - 1)
    newest = holdings(folder, batches[first:])
    merged = rewritten(folder, batches[first:], lambda number, call: newest[call].number == number)
    return (*batches[:first], merged)
