"""The response cache of one machine: an SQLite file that its worker processes share."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeVar

import structlog

from pipeline.llm.keeping import Retention, read_kept, write_answer
from pipeline.ports import KeptAnswer
from pipeline.store.sqlite_file import Layout, SqliteFile, empty_log

T = TypeVar("T")

_log: Final = structlog.get_logger(__name__)

_HINT: Final = "CONVMINE_LLM_CACHE_PATH says where they are kept, CONVMINE_LLM_CACHE=off goes without"
_BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_FILES: Final = ("", "-wal", "-shm")
_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS answers (
        key TEXT PRIMARY KEY, subject TEXT NOT NULL, stored_ts INTEGER NOT NULL, answer TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS answers_subject ON answers (subject);
    CREATE INDEX IF NOT EXISTS answers_stored_ts ON answers (stored_ts);
"""
_LAYOUT: Final = Layout(_TABLE, ("synchronous = NORMAL", "secure_delete = ON"))


class SqliteResponseCache:
    """A ``ResponseCache`` in a file.

    A broken one is moved to ``<path>.broken`` and a new one begun; the one moved aside is deleted with the first
    erasure, as nobody can tell what is in it, or when it is too old.

    Args:
        path: the file, on a disk of this machine: SQLite's write-ahead log needs shared memory.
        days: how long an answer is kept.
        now: the time, in seconds since 1970.
    """

    def __init__(self, path: Path, *, days: int, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._aside = path.with_name(f"{path.name}.broken")
        self._retention = Retention(days, now)
        self._file = SqliteFile(path, _LAYOUT, name="answers", hint=_HINT)

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

    async def remove(self, subject: str) -> int:
        def erase(database: sqlite3.Connection) -> int:
            removed = database.execute("DELETE FROM answers WHERE subject = ?", (subject,)).rowcount
            self._drop_aside()
            empty_log(database)
            return removed

        return await self._run(erase)

    async def expire(self, older_than_s: float) -> int:
        def delete(database: sqlite3.Connection) -> int:
            oldest = self._retention.now() - older_than_s
            count = database.execute("DELETE FROM answers WHERE stored_ts < ?", (oldest,)).rowcount
            empty_log(database)
            return count

        return await self._run(delete)

    async def close(self) -> None:
        await self._file.close()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._file.in_thread(lambda: self._whole(work))

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
        database = self._file.connected()
        if self._retention.due():
            database.execute("DELETE FROM answers WHERE stored_ts < ?", (self._retention.oldest(),))
            if self._aside.exists() and self._aside.stat().st_mtime < self._retention.oldest():
                self._drop_aside()
        return database

    def _set_aside(self) -> None:
        """Rename the file that was found broken, unless another process has done so by now."""
        if not self._file.is_in_place():
            return
        self._file.disconnect()
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
