"""The response cache of one machine: an SQLite file that its worker processes share."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeVar

import structlog

from pipeline.errors import Retryable
from pipeline.llm.keeping import Retention, read_kept, write_answer
from pipeline.ports import KeptAnswer
from pipeline.store.sqlite_file import begin

T = TypeVar("T")
_File = tuple[int, int]

_log: Final = structlog.get_logger(__name__)

# How long one process waits while another one writes.
_LOCKED_S: Final = 5.0
_BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_FILES: Final = ("", "-wal", "-shm")
_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS answers (
        key TEXT PRIMARY KEY, subject TEXT NOT NULL, stored_ts INTEGER NOT NULL, answer TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS answers_subject ON answers (subject);
    CREATE INDEX IF NOT EXISTS answers_stored_ts ON answers (stored_ts);
"""


class SqliteResponseCache:
    """A ``ResponseCache`` in a file, which is opened at the first use and of which everything is done in one thread.

    The file is readable by its owner alone (0600). A broken one is moved to ``<path>.broken`` and a new one begun; the
    one moved aside is deleted with the first erasure, as nobody can tell what is in it, or when it is too old. A file
    that was moved or deleted while it is open is noticed, and the one in its place is used from then on.

    Args:
        path: the file, on a disk of this machine: SQLite's write-ahead log needs shared memory.
        days: how long an answer is kept.
        now: the time, in seconds since 1970.
    """

    def __init__(self, path: Path, *, days: int, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._aside = path.with_name(f"{path.name}.broken")
        self._retention = Retention(days, now)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._database: sqlite3.Connection | None = None
        self._file: _File | None = None

    async def get(self, key: str) -> KeptAnswer | None:
        return await self._run(lambda database: self._stored(database, key))

    async def put(self, key: str, answer: KeptAnswer, *, subject: str) -> KeptAnswer:
        def keep(database: sqlite3.Connection) -> KeptAnswer:
            with database:
                database.execute("BEGIN IMMEDIATE")
                if (stored := self._stored(database, key)) is not None:
                    return stored
                row = (key, subject, self._retention.now(), write_answer(answer))
                database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", row)
            return answer

        return await self._run(keep)

    async def remove(self, subject: str) -> None:
        def erase(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM answers WHERE subject = ?", (subject,))
            self._drop_aside()
            # What was deleted stands in the log, too, until that is emptied, which no process may be reading.
            (read, *_) = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if read:
                raise sqlite3.OperationalError("its log is being read, so what was deleted is still there")

        await self._run(erase)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._translated, work)

    def _translated(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return self._whole(work)
        except (sqlite3.Error, OSError) as error:
            raise Retryable(
                f"the answers in {self._path} cannot be read or written: {error}",
                dependency="answers",
                hint="CONVMINE_LLM_CACHE_PATH says where they are kept, CONVMINE_LLM_CACHE=off goes without",
            ) from error

    def _whole(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do it; where the file turns out to be broken, do it on a new one."""
        try:
            return work(self._connected())
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0)  # errors of the Python module itself have none
            if code & 0xFF not in _BROKEN:
                raise
        self._set_aside()
        return work(self._connected())

    def _connected(self) -> sqlite3.Connection:
        if self._database is not None and _identity(self._path) != self._file:
            self._close()
        database = self._database or self._open()
        if self._retention.due():
            database.execute("DELETE FROM answers WHERE stored_ts < ?", (self._retention.oldest(),))
            if self._aside.exists() and self._aside.stat().st_mtime < self._retention.oldest():
                self._drop_aside()
        return database

    def _open(self) -> sqlite3.Connection:
        if not self._path.exists():
            _begin(self._path)
        self._file = _identity(self._path)
        self._database = sqlite3.connect(self._path, timeout=_LOCKED_S, isolation_level=None)
        try:
            # A power failure may take the last answers, a kill takes none. What is deleted is overwritten.
            for setting in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
                self._database.execute(f"PRAGMA {setting}")
            self._database.executescript(_TABLE)  # for a file that somebody else began, such as an empty one
        except sqlite3.Error:
            self._close()
            raise
        return self._database

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _set_aside(self) -> None:
        """Rename the file that was found broken, unless another process has done so by now."""
        self._close()
        if _identity(self._path) != self._file:
            return
        for ending in _FILES:
            with suppress(FileNotFoundError):
                Path(f"{self._path}{ending}").replace(f"{self._aside}{ending}")
        _log.warning(
            "the file of kept answers is broken: it was moved aside, a new one is begun", moved=str(self._aside)
        )

    def _drop_aside(self) -> None:
        for ending in _FILES:
            Path(f"{self._aside}{ending}").unlink(missing_ok=True)

    def _stored(self, database: sqlite3.Connection, key: str) -> KeptAnswer | None:
        query = "SELECT answer FROM answers WHERE key = ? AND stored_ts >= ?"
        with closing(database.execute(query, (key, self._retention.oldest()))) as rows:
            row = rows.fetchone()
        return None if row is None else read_kept(row[0])


def _begin(path: Path) -> None:
    begin(path, _TABLE)


def _identity(path: Path) -> _File | None:
    """Which file lies there, whatever it is called."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
