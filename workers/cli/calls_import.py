"""``convmine calls import-outcomes``: how calls ended by the customer's own records, row by row out of a table."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json
from workers.cli.table_options import Encoding, Named, Zone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from zoneinfo import ZoneInfo

    from pipeline.outcomes.reading import Meaning, Reading
    from pipeline.outcomes.table import Table
    from pipeline.settings import Settings
    from schemas.call import CallOutcome, OutcomeResult

_BATCH: Final = 500
"""Outcomes that go in at once."""
_LISTED: Final = 20
"""Broken rows that people are shown; programs get ``_TOLD``, a file all."""
_TOLD: Final = 1_000

Take = Callable[[Sequence["CallOutcome"]], Awaitable[None]]


@dataclass(slots=True)
class _Tally:
    """What became of the rows so far."""

    imported: int = 0
    broken: int = 0
    items: list[dict[str, object]] = field(default_factory=list)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--column", "columns", multiple=True, type=Named(), help="call_id=CaseID: CaseID holds the call's id.")
@click.option("--map", "results", multiple=True, type=Named(), help='"Closed Won"=won: what a word of the table means.')
@click.option("--observed-at", help="Date of rows that name none.")
@click.option("--observed-by", default="crm", show_default=True, help="Who observed it, where a row does not say.")
@click.option("--timezone", "zone", type=Zone(), default="UTC", show_default=True, help="Of times without one.")
@click.option("--date-format", help="How dates are written, as in %d.%m.%Y; ISO 8601 where it is not given.")
@click.option("--encoding", type=Encoding(), help="Of the file; UTF-8, or UTF-16 with its mark, where it is not given.")
@click.option("--rejected", type=click.Path(dir_okay=False, path_type=Path), help="CSV to write broken rows to.")
@click.option("--store", "to_store", is_flag=True, help="Write into the store itself, without Kafka.")
@click.option("--dry-run", is_flag=True, help="Read and check all rows, take none.")
@json_option
def import_outcomes(  # noqa: PLR0913 - one argument an option
    *,
    file: Path,
    columns: tuple[tuple[str, str], ...],
    results: tuple[tuple[str, str], ...],
    observed_at: str | None,
    observed_by: str,
    zone: ZoneInfo,
    date_format: str | None,
    encoding: str | None,
    rejected: Path | None,
    to_store: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take the outcomes that a CRM observed, out of the table FILE.

    Its first line names the columns: call_id; outcome (a name) or result (won, lost, open) or both; observed_at; and
    observed_by. Good rows are published as call.outcome events, or with --store written into the store; broken ones are
    listed, and the exit status is 1 then. Of several outcomes of a call the last observed counts, so a file may be
    taken again.
    """
    from pipeline.outcomes.reading import Meaning
    from pipeline.settings import load

    if rejected is not None and rejected.exists() and rejected.samefile(file):
        raise click.UsageError("--rejected is the table itself; give another file", click.get_current_context())
    meaning = Meaning(
        columns=_columns(columns),
        results=_results(results),
        observed_at=None if observed_at is None else _instant(observed_at, zone),
        observed_by=observed_by,
        zone=zone,
        date_format=date_format,
    )
    settings = load()
    way = "none" if dry_run else "store" if to_store else "kafka"
    tally = asyncio.run(_import(_Source(file, encoding, rejected), meaning, settings, way))
    if as_json:
        print_json(
            {
                "file": str(file),
                "way": way,
                "imported": tally.imported,
                "broken": tally.broken,
                "rejected": None if rejected is None else str(rejected),
                "items": tally.items,
            }
        )
    else:
        _print(tally, way, settings, rejected)
    if tally.broken:
        sys.exit(1)


@dataclass(frozen=True, slots=True)
class _Source:
    """The file, how it is written, and where its broken rows go."""

    file: Path
    encoding: str | None
    rejected: Path | None


async def _import(source: _Source, meaning: Meaning, settings: Settings, way: str) -> _Tally:
    """Take the rows, batch by batch; where it breaks off, what went in before is said."""
    from pipeline.outcomes.reading import Reading
    from pipeline.outcomes.table import open_table

    tally = _Tally()
    async with AsyncExitStack() as opened:
        table = opened.enter_context(open_table(source.file, source.encoding))
        reading = Reading(table.header, meaning, datetime.now(UTC))
        reject = opened.enter_context(_rejecting(source.rejected, table))
        take = await opened.enter_async_context(_WAYS[way](settings))
        try:
            for batch in _batches(table, reading, tally, reject):
                await take(batch)
                tally.imported += len(batch)
        except ConvmineError as error:
            if tally.imported:
                raise ConvmineError(
                    f"{error.message}; the first {tally.imported:,} outcomes went in",
                    hint="take the file again, which changes nothing of them",
                ) from error
            raise
    return tally


def _batches(
    table: Table, reading: Reading, tally: _Tally, reject: Callable[[Sequence[object]], object]
) -> Iterator[list[CallOutcome]]:
    from pipeline.outcomes.reading import BrokenRow

    batch: list[CallOutcome] = []
    for row in table.rows:
        try:
            batch.append(reading.outcome(row))
        except BrokenRow as error:
            tally.broken += 1
            if len(tally.items) < _TOLD:
                tally.items.append({"line": row.line, "reason": error.message})
            missing = ("",) * (len(table.header) - len(row.cells))
            reject((*row.cells[: len(table.header)], *missing, row.line, error.message))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _rejecting(path: Path | None, table: Table) -> Iterator[Callable[[Sequence[object]], object]]:
    """Writes rows as they came, to be put right and taken again, each with its line and what is wrong with it."""
    if path is None:
        yield lambda _: None
        return
    try:
        file = path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        raise ConvmineError(f"{path} cannot be written: {error.strerror}") from error
    with file:
        writer = csv.writer(file, delimiter=table.delimiter)
        writer.writerow((*table.header, "line", "reason"))
        yield writer.writerow


@asynccontextmanager
async def _no_way(_: Settings) -> AsyncIterator[Take]:
    async def take(_: Sequence[CallOutcome]) -> None:
        """Nothing."""

    yield take


@asynccontextmanager
async def _kafka(settings: Settings) -> AsyncIterator[Take]:
    from workers.edge import Edge
    from workers.entry import entry_record

    with Edge(settings.kafka).publishing() as publish:

        async def take(outcomes: Sequence[CallOutcome]) -> None:
            publish([entry_record(one, tenant_id=settings.tenant, time=one.observed_at) for one in outcomes])

        yield take


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Take]:
    """Hands the very events that would be published to the index stage, here: those of a call in their order."""
    from pipeline.erasure.obeying import obeying
    from pipeline.erasure.record import erased_on_record
    from pipeline.handling import Inbound, Position
    from pipeline.store.coalesced import Coalescing
    from pipeline.store.open import connection_of, store_of
    from pipeline.store.stage import build
    from workers.entry import entering

    connection = connection_of(settings.store)
    async with store_of(settings, connection) as store:
        erased = await erased_on_record(connection, settings.store.prefix)
        handle = obeying(erased, build(store=Coalescing(store)))

        async def take_call(outcomes: Sequence[CallOutcome]) -> None:
            for one in outcomes:
                message = entering(one, tenant_id=settings.tenant, time=one.observed_at)
                await handle(Inbound(message, Position("", 0, 0)))

        async def take(outcomes: Sequence[CallOutcome]) -> None:
            of_calls: dict[str, list[CallOutcome]] = {}
            for one in outcomes:
                of_calls.setdefault(one.call_id, []).append(one)
            await asyncio.gather(*(take_call(of_one) for of_one in of_calls.values()))

        yield take


_WAYS: Final = {"none": _no_way, "kafka": _kafka, "store": _store}


def _columns(said: Sequence[tuple[str, str]]) -> dict[str, str]:
    from pipeline.outcomes.reading import COLUMNS

    if unknown := [name for name, _ in said if name not in COLUMNS]:
        raise click.UsageError(f"--column: {unknown[0]!r} is none of {', '.join(COLUMNS)}", click.get_current_context())
    return dict(said)


def _results(said: Sequence[tuple[str, str]]) -> dict[str, OutcomeResult]:
    from schemas.call import OutcomeResult

    if unknown := [text for _, text in said if text not in set(OutcomeResult)]:
        raise click.UsageError(
            f"--map: {unknown[0]!r} is none of {', '.join(OutcomeResult)}", click.get_current_context()
        )
    return {text: OutcomeResult(result) for text, result in said}


def _instant(text: str, zone: ZoneInfo) -> datetime:
    from pipeline.outcomes.reading import instant_of

    try:
        return instant_of(text, zone)
    except (ValueError, OverflowError):
        raise click.UsageError(f"--observed-at: {text!r} is no date", click.get_current_context()) from None


def _print(tally: _Tally, way: str, settings: Settings, rejected: Path | None) -> None:
    place = {
        "none": "nothing was taken: dry run",
        "kafka": f"published to Kafka at {settings.kafka.bootstrap_servers}, where the index stage takes them",
        "store": f"written into the store at {settings.store.url or settings.store.path}",
    }[way]
    click.echo(f"outcomes: {tally.imported:,} ({place}); broken rows: {tally.broken:,}")
    for item in tally.items[:_LISTED]:
        click.echo(f"line {item['line']}: {plain(str(item['reason']))}", err=True)
    if tally.broken > _LISTED:
        where = "--rejected FILE writes all" if rejected is None else f"all are in {rejected}"
        click.echo(f"and {tally.broken - _LISTED:,} more; {where}", err=True)
