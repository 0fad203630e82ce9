"""How commands print: one JSON document for programs, tables for people."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import click

from pipeline.errors import ConvmineError

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def plain(text: str) -> str:
    """Text from a call on one line, without the control characters with which it could steer a terminal."""
    return _CONTROL.sub(" ", text)


def print_json(document: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print one JSON document on standard output."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def write_file(path: Path, text: str) -> None:
    """Write the file that a command was given.

    Raises:
        ConvmineError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConvmineError(f"{path} cannot be written: {error.strerror or error}") from error


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table; text from calls is shown as text, never as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    wide_enough = None if sys.stdout.isatty() else 10_000  # in a pipe a row stays one line
    table = Table(title=title, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else plain(str(cell))) for cell in row))
    Console(width=wide_enough).print(table)
