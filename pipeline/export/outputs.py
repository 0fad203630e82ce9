"""Where the rows of one table are written, so that a killed export goes on: text that grows, Parquet part by part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from pipeline.blobs.names import segment_of
from pipeline.export.columns import Row
from pipeline.export.parquet import ParquetFile
from pipeline.export.tables import Table
from pipeline.export.text_forms import Writer, csv_header

CALL_FILE: Final = ".vcon.json"
"""With what the names of files of calls end."""
_PART_ROWS: Final = 100_000


class Output(Protocol):
    """What one table becomes.

    ``kept`` says up to which place the rows so far will survive a kill; None where some of them would not. An output
    that begins at a place has what was kept up to there, and nothing behind it.
    """

    def write(self, rows: Sequence[Row]) -> None: ...

    def kept(self, *, last: bool) -> int | None: ...

    def finish(self) -> None:
        """All rows are kept: let it appear as what it is."""

    def close(self) -> None: ...


class TextOutput:
    """One file; until it is whole it is called ``….partial``."""

    def __init__(self, path: Path, table: Table, writer: Writer, place: int) -> None:
        self._path = path
        self._partial = path.with_name(f"{path.name}.partial")
        self._columns = table.names
        self._writer = writer
        if place and not self._partial.exists():  # it was whole already, which could not be noted any more
            path.replace(self._partial)
        self._file = self._partial.open("r+b" if place else "wb")
        self._file.truncate(place)
        self._file.seek(place)
        if path.suffix == ".csv" and not place:
            self._file.write(csv_header(self._columns).encode())

    def write(self, rows: Sequence[Row]) -> None:
        self._file.write(self._writer(self._columns, rows).encode())

    def kept(self, *, last: bool) -> int:
        del last
        self._file.flush()
        return self._file.tell()

    def finish(self) -> None:
        self._file.close()
        self._partial.replace(self._path)

    def close(self) -> None:
        self._file.close()


class CallFiles:
    """A file a call, named by its id; the same call again overwrites its own, whole. The place is their number."""

    def __init__(self, folder: Path, place: int) -> None:
        self._folder = folder
        self._files = place

    def write(self, rows: Sequence[Row]) -> None:
        for call_id, text in rows:
            path = self._folder / f"{segment_of(str(call_id))}{CALL_FILE}"
            partial = self._folder / ".partial"
            partial.write_text(str(text), encoding="utf-8", errors="replace")
            partial.replace(path)
            self._files += 1

    def kept(self, *, last: bool) -> int:
        del last
        return self._files

    def finish(self) -> None:
        """All files are whole."""

    def close(self) -> None:
        """None is open."""


class ParquetOutput:
    """Files ``TABLE-00001.parquet`` and so on in a folder, each of some 100,000 rows; the place is their number."""

    def __init__(self, folder: Path, table: Table, place: int) -> None:
        self._folder = folder
        self._table = table
        self._parts = place
        self._rows = 0
        self._part: ParquetFile | None = None

    def write(self, rows: Sequence[Row]) -> None:
        self._opened().write(rows)
        self._rows += len(rows)

    def kept(self, *, last: bool) -> int | None:
        if self._rows < _PART_ROWS and not last:
            return None
        self._opened().close()
        self._part, self._rows = None, 0
        self._parts += 1
        self._partial.replace(self._folder / f"{self._table.name}-{self._parts:05}.parquet")
        return self._parts

    def finish(self) -> None:
        self._partial.unlink(missing_ok=True)

    def close(self) -> None:
        if self._part is not None:
            self._part.close()
            self._part = None

    def _opened(self) -> ParquetFile:
        self._part = self._part or ParquetFile(self._partial, self._table)
        return self._part

    @property
    def _partial(self) -> Path:
        return self._folder / f"{self._table.name}.parquet.partial"
