"""``convmine export``: what is stored, as files for other programs."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json
from workers.cli.progress import stage_bars
from workers.cli.questions.search import asked_of, asked_options, say_empty

if TYPE_CHECKING:
    from pipeline.export.files import Narrowed, Pages
    from pipeline.export.progress import Progress, ProgressFile
    from pipeline.export.rows import RowPage
    from pipeline.export.target import Target
    from pipeline.settings import Settings

_FORMS: Final = ("parquet", "csv", "jsonl", "vcon")
_STORED: Final = ("calls", "utterances", "intents", "suggestions")
_COSTS: Final = "costs"
_VCON: Final = "vcon"
_PAGE: Final = 5_000


@click.command()
@click.argument("form", metavar="|".join(_FORMS), type=click.Choice(_FORMS))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder, with a file for each table; or a file that ends in .csv or .jsonl, or - for standard output, with "
    "one table.",
)
@click.option("--rows", help="The tables, parted by commas: calls,utterances,intents,suggestions (the default), costs.")
@asked_options
@click.option("--exact", is_flag=True, help="Leave texts in CSV as they are that a spreadsheet would run as formulas.")
@click.option("--overwrite", is_flag=True, help="Begin anew, over what lies there.")
@json_option
def export(  # noqa: PLR0913 - one argument an option
    form: str,
    out: Path,
    rows: str | None,
    *,
    exact: bool,
    overwrite: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - the options by name
) -> None:
    """Write what is stored as Parquet, CSV, JSON Lines or vCon (a file a call).

    After a kill the same command goes on where it was. `convmine sql --tables` says what the columns mean.
    """
    from pipeline.export.files import Narrowed
    from pipeline.export.target import Target
    from pipeline.settings import load

    tables = _tables(form, rows)
    narrowed = Narrowed(**asked_of(options))
    target = Target(form, out, exact)  # type: ignore[arg-type]  # one of _FORMS, which click has checked
    if exact and form != "csv":
        _misused("--exact is of csv")
    if _COSTS in tables and narrowed.where:
        _misused("costs cannot be narrowed: export them without conditions")
    if out == Path("-"):
        _single(form, tables, "standard output takes")
        asyncio.run(_stream(load(), target, tables[0], narrowed))
        return
    if target.is_file:
        _single(form, tables, f"{out} takes")
    elif out.suffix in {".csv", ".jsonl"}:
        _misused(f"{out} is no name of a folder with {form}")
    try:
        done = asyncio.run(_write(load(), target, tables, narrowed, overwrite=overwrite, quiet=as_json))
    except OSError as error:
        raise ConvmineError(f"{error.filename or out} cannot be written: {error.strerror or error}") from error
    if as_json:
        print_json(done)
    else:
        _say(done)


def _tables(form: str, rows: str | None) -> tuple[str, ...]:
    if form == _VCON:
        if rows is not None:
            _misused("vcon is a file a call; --rows is of the other forms")
        return (_VCON,)
    if rows is None:
        return _STORED
    tables = tuple(dict.fromkeys(name.strip() for name in rows.split(",") if name.strip()))
    if not tables or (wrong := set(tables) - {*_STORED, _COSTS}):
        named = f"there are no rows {min(wrong)!r}; " if tables else ""
        _misused(f"{named}--rows takes {', '.join((*_STORED, _COSTS))}")
    return tables


def _single(form: str, tables: tuple[str, ...], who: str) -> None:
    if form not in {"csv", "jsonl"} or len(tables) != 1:
        _misused(f"{who} one table as csv or jsonl: name it with --rows, or give a folder")


def _misused(message: str) -> None:
    raise click.UsageError(message, click.get_current_context())


async def _stream(settings: Settings, target: Target, table: str, narrowed: Narrowed) -> None:
    from pipeline.export.tables import TABLES
    from pipeline.export.text_forms import WRITERS, csv_header

    writer = WRITERS["exact csv" if target.exact else target.form]
    write = sys.stdout.buffer.write
    async with _pages_of(settings, target, (table,), narrowed.pinned(datetime.now(UTC))) as pages_of:
        header = csv_header(TABLES[table].names) if target.form == "csv" else ""
        is_first = True
        async for page in pages_of(table)(None):
            write(f"{header if is_first else ''}{writer(page.columns, page.rows)}".encode())
            if is_first and not page.rows:
                say_empty(page.emptied_by)
            is_first = False
    sys.stdout.buffer.flush()


async def _write(  # noqa: PLR0913 - one argument an option
    settings: Settings, target: Target, tables: tuple[str, ...], narrowed: Narrowed, *, overwrite: bool, quiet: bool
) -> dict[str, Any]:
    from pipeline.export.files import Source, export_files
    from pipeline.export.progress import ProgressFile

    began = time.monotonic()
    target.prepare()
    asked = json.dumps(
        [
            target.form,
            target.exact,
            tables,
            [*map(str, narrowed.where)],
            narrowed.outcomes,
            settings.gateway.url,
            settings.tenant,
        ]
    )
    with ProgressFile(target.standing) as file:
        progress = _standing(file, target, tables, asked, overwrite=overwrite)
        before = sum(one.rows for one in progress.tables.values())
        emptied_by: list[str | None] = []
        with stage_bars(quiet=quiet or not sys.stderr.isatty()) as bars:

            def follow(table: str, done: int, page: RowPage) -> None:
                bars({table: (done, 0)})
                emptied_by.append(page.emptied_by)

            if before:
                await _refuse_if_erased_since(settings, progress.began)
            async with _pages_of(settings, target, tables, narrowed.pinned(progress.began)) as pages_of:
                sources = [Source(table, pages_of(table), partial(target.opened, table)) for table in tables]
                rows = await export_files(progress, file, sources, follow)
        file.remove()
    return {
        "out": str(target.out),
        "rows": dict(rows),
        "emptied_by": None if any(rows.values()) else next(filter(None, emptied_by), None),
        "went_on_after": before,
        "seconds": round(time.monotonic() - began, 3),
    }


def _standing(file: ProgressFile, target: Target, tables: tuple[str, ...], asked: str, *, overwrite: bool) -> Progress:
    """Where this export is: at its beginning, or where it was killed."""
    from pipeline.export.progress import Progress

    there = [path for table in tables for path in target.files(table)]
    found = None if overwrite else file.read()
    if found is None or not found.tables:  # one that failed before its first page does not stand in the way
        if there and found is None and not overwrite:
            file.remove()
            raise ConvmineError(f"{there[0]} is there already", hint="give another --out, or --overwrite")
        for path in there:
            path.unlink()
        return Progress(asked=asked, began=datetime.now(UTC))
    if found.asked != asked:
        raise ConvmineError(
            f"{target.out} has a part of another export", hint="finish that one, give another --out, or --overwrite"
        )
    return found


async def _refuse_if_erased_since(settings: Settings, began: datetime) -> None:
    """What was written before a kill may have calls that were erased since; a gateway does not say.

    Raises:
        ConvmineError: some were.
    """
    from pipeline.erasure.record import erased_on_record
    from pipeline.store.open import connection_of

    if settings.gateway.url is not None:
        return
    connection = connection_of(settings.store)
    try:
        erased = await erased_on_record(connection, settings.store.prefix)
    finally:
        await connection.close()
    since = [erased.since(settings.tenant, call) for call in erased.of(settings.tenant)]
    if any(at is not None and at >= began for at in since):
        raise ConvmineError(
            "calls were erased since this export began, and may be in its first part", hint="--overwrite begins anew"
        )


@asynccontextmanager
async def _pages_of(
    settings: Settings, target: Target, tables: tuple[str, ...], narrowed: Narrowed
) -> AsyncIterator[Any]:
    """Gives the pages of each table, from the store, once that is recorded, or through the gateway, which does so."""
    from pipeline.export.files import row_pages, vcon_pages
    from workers.cli.questions.asking import answers_of
    from workers.cli.recording import record

    if settings.gateway.url is None:
        where = [*map(str, narrowed.where)]
        await record(settings, "export", form=target.form, tables=tables, where=where, out=str(target.out))
    async with answers_of(settings) as answers:

        def pages_of(table: str) -> Pages:
            if table == _COSTS:
                return _cost_pages(settings)
            if table == _VCON:
                return vcon_pages(answers, narrowed)
            return row_pages(answers, table, narrowed, _PAGE)  # type: ignore[arg-type]  # one of _STORED

        yield pages_of


def _cost_pages(settings: Settings) -> Pages:
    from pipeline.export.rows import RowPage, cost_rows
    from pipeline.export.tables import TABLES
    from pipeline.llm.ledgers import open_ledger

    if settings.gateway.url is not None:
        raise ConvmineError("costs are not exported through a gateway", hint="ask: convmine sql 'FROM costs' --csv")

    async def pages(after: str | None) -> AsyncIterator[RowPage]:
        del after
        ledger = open_ledger(settings)
        try:
            yield RowPage(TABLES[_COSTS].names, await cost_rows(ledger, settings.tenant))
        finally:
            await ledger.close()

    return pages


def _say(done: dict[str, Any]) -> None:
    if done["went_on_after"]:
        click.echo(f"went on after {done['went_on_after']:,} rows that were there", err=True)
    counted = ", ".join(f"{rows:,} {'calls' if table == _VCON else table}" for table, rows in done["rows"].items())
    click.echo(f"wrote {counted} to {plain(done['out'])} in {done['seconds']:.1f} s")
    if not any(done["rows"].values()):
        say_empty(done["emptied_by"])
