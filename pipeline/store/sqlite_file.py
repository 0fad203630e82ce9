"""An SQLite file of ours: how it begins, whichever of several processes is the first, and how it is worked on."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

from pipeline.errors import Retryable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
_Value = str | bytes | int | float | None
_Identity = tuple[int, int]

# How long one process waits while another one writes.
_LOCKED_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands in a file, and how it is opened."""

    tables: str
    """The statements that make them where they are missing."""
    pragmas: tuple[str, ...] = ("synchronous = NORMAL",)
    """Set at each opening. A power failure may take the last second of a file that is not ``synchronous = FULL``; a
    kill takes nothing that was written."""
    functions: Mapping[str, Callable[..., _Value]] = field(default_factory=dict)
    """Those of ours that its statements call, by name; each gives the same for the same."""


class SqliteFile:
    """A file that is opened at the first use and of which everything is done in one thread.

    It is readable by its owner alone (0600). One that was moved or deleted while it is open is noticed, and the one in
    its place is used from then on.

    Args:
        path: on a disk of this machine: SQLite's write-ahead log needs shared memory.
        layout: what stands in it.
        name: what the errors call its dependency.
        hint: which setting says where it is.
    """

    def __init__(self, path: Path, layout: Layout, *, name: str, hint: str) -> None:
        self._path = path
        self._layout = layout
        self._name = name
        self._hint = hint
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._database: sqlite3.Connection | None = None
        self._opened: _Identity | None = None

    async def run(self, work: Work[T]) -> T:
        """Do it as it is, each statement a transaction of its own unless it begins one.

        Raises:
            Retryable: the file cannot be read or written.
        """
        return await self.in_thread(lambda: work(self.connected()))

    async def transact(self, work: Work[T]) -> T:
        """Do it in one transaction, which no other writer comes between.

        Raises:
            Retryable: the file cannot be read or written; nothing of it was done.
        """

        def run() -> T:
            with self.connected() as database:
                database.execute("BEGIN IMMEDIATE")
                return work(database)

        return await self.in_thread(run)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self.disconnect)
        self._thread.shutdown(wait=False)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do what uses ``connected`` and ``disconnect`` itself.

        Raises:
            Retryable: the file cannot be read or written.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._translated, work)

    def connected(self) -> sqlite3.Connection:
        """The connection, in the thread of the file alone."""
        if not self.is_in_place():
            self.disconnect()
        if self._database is None:
            if not self._path.exists():
                begin(self._path, self._layout.tables)
            self._opened = _identity(self._path)
            self._database = self._open()
        return self._database

    def is_in_place(self) -> bool:
        """Whether the file that was opened last is still the one that lies there."""
        return _identity(self._path) == self._opened

    def disconnect(self) -> None:
        """Close the connection, in the thread of the file alone; the next use opens one."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=_LOCKED_S, isolation_level=None)
        try:
            for pragma in ("journal_mode = WAL", *self._layout.pragmas):
                database.execute(f"PRAGMA {pragma}")
            database.executescript(self._layout.tables)  # for a file that somebody else began, such as an empty one
            for name, function in self._layout.functions.items():
                database.create_function(name, -1, function, deterministic=True)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _translated(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            raise Retryable(
                f"the {self._name} in {self._path} cannot be read or written: {error}",
                dependency=self._name,
                hint=self._hint,
            ) from error


def empty_log(database: sqlite3.Connection) -> None:
    """What was deleted stands in the log, too, until that is emptied, which no process may be reading.

    Raises:
        sqlite3.OperationalError: one is.
    """
    (is_read, *_) = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_read:
        raise sqlite3.OperationalError("its log is being read, so what was deleted is still there")


def begin(path: Path, tables: str) -> None:
    """Let the file appear with its tables and in the mode of the write-ahead log: to switch fails while others open it.

    The log gets its mode (0600) from SQLite.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        made = Path(folder, path.name)
        made.touch(0o600)
        with closing(sqlite3.connect(made)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(tables)
        with suppress(FileExistsError):  # another process was quicker
            os.link(made, path)


def _identity(path: Path) -> _Identity | None:
    """Which file lies there, whatever it is called."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
