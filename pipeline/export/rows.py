"""The rows of a table: page by page from the store, those of costs from the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from pipeline.export.columns import Row
from pipeline.export.tables import COSTS, TABLES
from pipeline.llm.costs import Cost, cost_of
from pipeline.llm.usage import Purpose, Usage, UsageLedger
from pipeline.ports import VectorStore, Where

PAGE: Final = 2_000
"""Rows of a page: what is held in memory at once, some 2 MB."""


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows of one table, and the mark to go on from; None at the end.

    Of an answer without rows, ``emptied_by`` is the condition that left nothing.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    next: str | None = None
    emptied_by: str | None = None


async def read_page(
    store: VectorStore, where: Where, table: str, *, after: str | None = None, limit: int = PAGE
) -> RowPage:
    """A page of a table, in the order of ids, which new points do not change: pages never repeat a row.

    Raises:
        Retryable: the store is away.
    """
    shape = TABLES[table]
    hits, following = await store.page(table, where, limit, after, fields=shape.fields)
    return RowPage(shape.names, shape.rows([hit.payload for hit in hits]), following)


async def export_rows(
    store: VectorStore, where: Where, table: str, *, after: str | None = None, page: int = PAGE
) -> AsyncIterator[RowPage]:
    """All rows of a table that match, from a mark on; no more than a page of them is held.

    Raises:
        Retryable: the store is away.
    """
    while True:
        found = await read_page(store, where, table, after=after, limit=page)
        yield found
        if (after := found.next) is None:
            return


async def cost_rows(ledger: UsageLedger, tenant_id: str) -> tuple[Row, ...]:
    """The rows of ``costs``: all that is kept of a tenant, in order of days.

    Raises:
        Retryable: the ledger is away.
    """
    used = await ledger.read(tenant_id, date.min)
    return tuple(_cost_row(purpose, used[purpose]) for purpose in sorted(used))


def _cost_row(purpose: Purpose, usage: Usage) -> Row:
    cost: Cost = cost_of("", usage)
    fields: Mapping[str, object] = {
        "day": purpose.day.isoformat(),
        "scenario": purpose.scenario,
        "stage": purpose.stage,
        "model": purpose.model,
        "prompt_version": purpose.prompt_version or None,
        "requests": cost.requests,
        "calls": cost.calls,
        "input_tokens": cost.input_tokens,
        "cached_tokens": cost.cached_tokens,
        "output_tokens": cost.output_tokens,
        "usd": cost.usd,
        "unpriced": cost.unpriced,
        "seconds": cost.seconds,
    }
    (row,) = TABLES[COSTS].rows([fields])
    return row
