"""``convmine sql``: a statement over calls, utterances, intents, suggestions and costs, with DuckDB."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from workers.cli.output import json_option, print_json, print_table

if TYPE_CHECKING:
    from pipeline.export.sql import SqlAnswer

_SHOWN: Final = 200


@click.command()
@click.argument("statement", required=False)
@click.option("--refresh/--no-refresh", default=True, help="Whether what is new is taken in first (the default).")
@click.option("--limit", type=click.IntRange(min=1), help=f"The most rows: {_SHOWN} in a table, else all that may be.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--tables", is_flag=True, help="Say which tables and columns there are, and what they mean.")
@json_option
def sql(  # noqa: PLR0913 - one argument an option
    statement: str | None, *, refresh: bool, limit: int | None, as_csv: bool, tables: bool, as_json: bool
) -> None:
    """Ask STATEMENT, which reads: SELECT, WITH, FROM, DESCRIBE, SUMMARIZE or EXPLAIN, in the SQL of DuckDB.

    The tables calls, utterances, intents, suggestions and costs are those of your tenant. `-` reads the statement from
    standard input.
    """
    if tables:
        _print_tables(as_json=as_json)
        return
    if statement == "-":
        statement = sys.stdin.read()
    if not statement or not statement.strip():
        raise click.UsageError("give a statement, or --tables", click.get_current_context())
    if as_csv and as_json:
        raise click.UsageError("--csv or --json: give one of them", click.get_current_context())
    most = limit or (None if as_csv or as_json else _SHOWN)
    answer = asyncio.run(_asked(statement, most, refresh=refresh))
    if as_json:
        print_json({"columns": answer.columns, "types": answer.types, "rows": answer.rows, "more": answer.more})
    elif as_csv:
        _print_csv(answer)
    else:
        print_table(answer.columns, answer.rows)
    if answer.more:
        click.echo(f"more: the first {len(answer.rows):,} rows; --limit, or convmine export for all", err=True)


async def _asked(statement: str, limit: int | None, *, refresh: bool) -> SqlAnswer:
    from pipeline.settings import load
    from workers.cli.questions.sql_asking import sql_answers_of

    async with sql_answers_of(load(), refresh=refresh) as ask:
        return await ask(statement, limit)


def _print_csv(answer: SqlAnswer) -> None:
    from pipeline.export.text_forms import as_csv, csv_header

    sys.stdout.buffer.write((csv_header(answer.columns) + as_csv(answer.columns, answer.rows)).encode())
    sys.stdout.buffer.flush()


def _print_tables(*, as_json: bool) -> None:
    from pipeline.export.tables import TABLES

    columns: list[dict[str, Any]] = [
        {"table": table.name, "column": one.name, "type": one.type, "meaning": one.meaning}
        for table in TABLES.values()
        for one in table.columns
    ]
    if as_json:
        print_json({"items": columns, "next": None})
        return
    for table in TABLES.values():
        rows = [(one.name, one.type, one.meaning) for one in table.columns]
        print_table(("column", "type", "meaning"), rows, title=f"\n{table.name}: {table.meaning}")
