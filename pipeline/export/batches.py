"""A batch of Parquet files: written from the rows of some calls, read for what it holds, written anew without some."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.export.columns import Row, column
from pipeline.export.manifest import HELD, Batch, TenantFolder
from pipeline.export.parquet import ParquetFile, arrow
from pipeline.export.tables import STORED, Table

if TYPE_CHECKING:
    import pyarrow as pa

Counts = tuple[int, ...]
"""How many rows a call has in each table of ``STORED``."""
TableRows = AsyncIterator[tuple[str, tuple[Row, ...]]]
"""Rows by pages, each with the table that they are of."""
Keep = Callable[[int, str], bool]
"""Whether a call that the batch of this number holds stays there."""

_HELD: Final = Table(
    HELD,
    "the calls that a batch holds whole",
    (
        column("call_id", "text", "id of the call"),
        *(column(table.name, "integer", f"rows of {table.name}") for table in STORED),
    ),
)


@dataclass(frozen=True, slots=True)
class Holding:
    """The batch whose rows of a call count, by its number, and how many those are."""

    number: int
    counts: Counts


async def write_batch(folder: TenantFolder, number: int, rows: TableRows) -> tuple[Batch, dict[str, Counts]]:
    """A batch of these rows, and what it holds of each call; pages are written as they come."""
    made = folder.new_batch(number)
    counted: dict[str, Counter[str]] = {table.name: Counter() for table in STORED}
    with ExitStack() as open_files:
        files = {table.name: open_files.enter_context(_new(made, table)) for table in STORED}
        async for table, page in rows:
            counted[table].update(str(row[0]) for row in page)
            await asyncio.to_thread(files[table].write, page)
    calls = sorted(set().union(*counted.values()))
    holds = {call: tuple(counted[table.name][call] for table in STORED) for call in calls}
    return _finished(made, number, holds), holds


def holdings(folder: TenantFolder, batches: Iterable[Batch]) -> dict[str, Holding]:
    """Of each call the batch that counts."""
    found: dict[str, Holding] = {}
    for batch in batches:
        for call, counts in held(folder, batch).items():
            if call not in found or found[call].number < batch.number:
                found[call] = Holding(batch.number, counts)
    return found


def held(folder: TenantFolder, batch: Batch) -> dict[str, Counts]:
    """The calls that a batch holds."""
    pq: Any = arrow().parquet
    columns = pq.read_table(folder.file(batch, HELD)).columns
    return {call: tuple(counts) for call, *counts in zip(*(one.to_pylist() for one in columns), strict=True)}


def rewritten(folder: TenantFolder, batches: Iterable[Batch], keep: Keep) -> Batch:
    """One batch of what is kept of these, with the number of the newest.

    Rows are read and written group by group, so memory does not grow with the size of a batch.
    """
    batches = sorted(batches, key=lambda batch: batch.number)
    kept = {
        batch.number: {call: counts for call, counts in held(folder, batch).items() if keep(batch.number, call)}
        for batch in batches
    }
    together = {call: counts for of_batch in kept.values() for call, counts in of_batch.items()}
    number = batches[-1].number
    made = folder.new_batch(number)
    for table in STORED:
        with _new(made, table) as file:
            for batch in batches:
                for group in _groups(folder.file(batch, table.name), kept[batch.number]):
                    file.write_table(group)
    return _finished(made, number, together)


def _new(made: Path, table: Table) -> ParquetFile:
    return ParquetFile(made / f"{table.name}.parquet", table)


def _finished(made: Path, number: int, holds: Mapping[str, Counts]) -> Batch:
    with _new(made, _HELD) as file:
        file.write([(call, *counts) for call, counts in holds.items()])
    return Batch(number=number, folder=made.name, calls=len(holds), rows=sum(map(sum, holds.values())))


def _groups(path: Path, calls: Collection[str]) -> Iterator[pa.Table]:
    """The rows of these calls, a row group at a time."""
    pyarrow = arrow()
    wanted = pyarrow.array(sorted(calls), pyarrow.string())
    with pyarrow.parquet.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            group = file.read_row_group(number)
            yield group.filter(pyarrow.compute.is_in(group.column("call_id"), value_set=wanted))
