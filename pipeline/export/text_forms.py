"""Rows as lines of text: CSV for spreadsheets, JSON Lines for programs; both UTF-8."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pipeline.export.columns import Row

Writer = Callable[[Sequence[str], Iterable[Row]], str]
"""Lines of rows whose columns have these names."""

_FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - full width, which count as well
"""With what a cell begins that a spreadsheet runs (OWASP, CSV Injection)."""


def csv_header(columns: Sequence[str]) -> str:
    """The names of the columns, as the first line."""
    return _csv([columns])


def as_csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """CSV (RFC 4180) that spreadsheets take as data: a text that they would run gets an apostrophe in front.

    A list is the JSON of it; a value that is not known is empty.
    """
    del columns
    return _csv(_cells(rows, {**_EXACT, str: _as_data}))


def as_exact_csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """CSV whose texts are what they are, for programs; a spreadsheet may run what a customer has said."""
    del columns
    return _csv(_cells(rows, _EXACT))


def as_jsonl(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """A JSON object a line."""
    return "".join(f"{_JSON(dict(zip(columns, row, strict=True)))}\n" for row in rows)


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cells(rows: Iterable[Row], shown: Mapping[type, Callable[[Any], str]]) -> Iterator[list[object]]:
    for row in rows:
        yield [cell if (show := shown.get(type(cell))) is None else show(cell) for cell in row]


def _as_data(text: str) -> str:
    return f"'{text}" if text[:1] in _FORMULA else text


_JSON: Final = json.JSONEncoder(ensure_ascii=False).encode
_EXACT: Final[Mapping[type, Callable[[Any], str]]] = {list: _JSON, dict: _JSON, bool: lambda cell: str(cell).lower()}
WRITERS: Final[Mapping[str, Writer]] = {"csv": as_csv, "exact csv": as_exact_csv, "jsonl": as_jsonl}
