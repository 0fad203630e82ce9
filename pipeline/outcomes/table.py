"""A table as spreadsheets and CRMs export it, read row by row: a row that cannot be read is told, not the end."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from pipeline.errors import ConvmineError

_DELIMITERS: Final = ",;\t|"
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZIP: Final = b"PK\x03\x04"


class NoTable(ConvmineError):
    """The file is no table that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row and the line of the file that it begins on; ``broken`` says why there are none."""

    line: int
    cells: tuple[str, ...]
    broken: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The names of the columns, and the rows, which are read while they are taken; empty lines are none.

    Bytes that are no UTF-8 stand in the cells as lone surrogates (PEP 383).
    """

    header: tuple[str, ...]
    delimiter: str
    rows: Iterator[Row]


@contextmanager
def open_table(path: Path, encoding: str | None = None) -> Iterator[Table]:
    """The table in a file: parted by commas, semicolons, tabs or bars, in UTF-8, UTF-16 with a mark, or as named.

    Raises:
        NoTable: it is empty, no text, or not in this encoding; also while rows are taken.
    """
    try:
        encoding = encoding or _encoding_of(path)
        errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
        file = path.open(encoding=encoding, errors=errors, newline="")
    except OSError as error:
        raise NoTable(f"{path} cannot be read: {error.strerror}") from error
    try:
        with file:
            yield _table(path, file)
    except UnicodeDecodeError as error:
        raise NoTable(f"{path} is not {error.encoding}: {error.reason}", hint="name its --encoding") from None
    except UnicodeError as error:  # UTF-16 that was named, without a mark or with half a character
        raise NoTable(f"{path} is not {encoding}: {error}", hint="name its --encoding") from None


def _encoding_of(path: Path) -> str:
    with path.open("rb") as file:
        first = file.read(4)
    if first == _ZIP:
        raise NoTable(f"{path} is a spreadsheet or an archive", hint="save it as CSV, in UTF-8")
    return next((name for mark, name in _BOMS if first.startswith(mark)), "utf-8")


def _table(path: Path, file: TextIO) -> Table:
    first = file.readline()
    if not first.strip():
        raise NoTable(f"{path} has no header on its first line", hint="name the columns there")
    if "\0" in first:
        raise NoTable(f"{path} is no UTF-8 text", hint="save it as CSV in UTF-8, or name its --encoding")
    delimiter = max(_DELIMITERS, key=lambda one: len(next(csv.reader([first], delimiter=one))))
    file.seek(0)
    rows = _rows(file, delimiter)
    header = next(rows)
    if header.broken:
        raise NoTable(f"{path}: the header cannot be read: {header.broken}")
    return Table(tuple(name.strip() for name in header.cells), delimiter, rows)


def _rows(file: TextIO, delimiter: str) -> Iterator[Row]:
    # Strict: else a quote that nobody closes takes the rest of the file, without a word, into its cell.
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = tuple(next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            last = f" up to line {reader.line_num}" if reader.line_num > line else ""
            yield Row(line, (), f"is no CSV{last}: {error}; is a quote not closed?")
            continue
        if any(cell.strip() for cell in cells):
            yield Row(line, cells)
