"""How far an export has come: a small file beside its output, from which the same export goes on after a kill."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from pipeline.errors import ConvmineError


class Standing(BaseModel):
    """How far one table is: the mark of the next page, rows that are written, and the place where the output ends.

    The place is a length in bytes, or a number of files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: str | None = None
    rows: int = 0
    place: int = 0
    ended: bool = False


class Progress(BaseModel):
    """An export: what was asked, when it began (times such as ``7d`` count from then), and how far each table is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: str
    began: AwareDatetime
    tables: dict[str, Standing] = {}

    def at(self, table: str) -> Standing:
        """How far a table is."""
        return self.tables.get(table, Standing())

    def with_table(self, table: str, standing: Standing) -> Progress:
        """The same, with one table further."""
        return self.model_copy(update={"tables": {**self.tables, table: standing}})


class ProgressFile:
    """The file, which one export at a time has open; it is gone when the export is done.

    It is written in one system call, which a kill does not divide; nothing is promised about a power failure.
    """

    def __init__(self, path: Path) -> None:
        """Open it, made where it is not there.

        Raises:
            ConvmineError: another export has it open.
        """
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise ConvmineError(f"another export writes here ({path})", hint="wait until it is done") from None

    def read(self) -> Progress | None:
        """What was saved last; None at the beginning.

        Raises:
            ConvmineError: it holds something else.
        """
        text = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        if not text.strip():
            return None
        try:
            return Progress.model_validate_json(text)
        except ValidationError:
            raise ConvmineError(
                f"{self._path} is not of an export of this version", hint="--overwrite begins anew"
            ) from None

    def save(self, progress: Progress) -> None:
        """Write it over what was saved before; blanks fill what was longer."""
        text = progress.model_dump_json().encode()
        os.pwrite(self._descriptor, text.ljust(os.fstat(self._descriptor).st_size), 0)

    def remove(self) -> None:
        """The export is done."""
        self._path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace
        os.close(self._descriptor)
