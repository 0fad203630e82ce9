"""What an export is written to: a file, or a folder with a file for each table, in the form that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pipeline.export.outputs import CALL_FILE, CallFiles, Output, ParquetOutput, TextOutput
from pipeline.export.tables import TABLES
from pipeline.export.text_forms import WRITERS

Form = Literal["parquet", "csv", "jsonl", "vcon"]
_TEXTS: Final = ("csv", "jsonl")


@dataclass(frozen=True, slots=True)
class Target:
    """A form, and the path that was given; with ``exact`` the texts in CSV are what they are."""

    form: Form
    out: Path
    exact: bool = False

    @property
    def is_file(self) -> bool:
        """Whether the path is that of one file: it ends as its form does, ``calls.csv``; else it is a folder."""
        return self.form in _TEXTS and self.out.suffix == f".{self.form}"

    @property
    def standing(self) -> Path:
        """The file beside it that says how far it is."""
        return self.out.with_name(f"{self.out.name}.export")

    def files(self, table: str) -> list[Path]:
        """What lies there of a table, whole or not."""
        return sorted(path for path in self._possible(table) if path.exists())

    def opened(self, table: str, place: int) -> Output:
        """Where the rows of a table go, from a place on."""
        if self.form == "vcon":
            return CallFiles(self.out, place)
        if self.form == "parquet":
            return ParquetOutput(self.out, TABLES[table], place)
        writer = WRITERS["exact csv" if self.exact and self.form == "csv" else self.form]
        return TextOutput(self._text(table), TABLES[table], writer, place)

    def prepare(self) -> None:
        """Make the folder that it lies in, or is."""
        (self.out.parent if self.is_file else self.out).mkdir(parents=True, exist_ok=True)

    def _possible(self, table: str) -> Iterator[Path]:
        if self.form == "vcon":
            yield from self.out.glob(f"*{CALL_FILE}")
        elif self.form == "parquet":
            yield from self.out.glob(f"{table}-*.parquet")
            yield self.out / f"{table}.parquet.partial"
        else:
            path = self._text(table)
            yield from (path, path.with_name(f"{path.name}.partial"))

    def _text(self, table: str) -> Path:
        return self.out if self.is_file else self.out / f"{table}.{self.form}"
