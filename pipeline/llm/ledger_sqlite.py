"""The ledger of one machine: an SQLite file that its worker processes add to."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import astuple
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from pipeline.llm.distinct import merged
from pipeline.llm.keeping import Retention
from pipeline.llm.usage import Purpose, Usage
from pipeline.store.sqlite_file import Layout, SqliteFile

_HINT: Final = "CONVMINE_BUDGET_LEDGER_PATH says where it is, CONVMINE_BUDGET_LEDGER=off goes without"
_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS usage (
        day TEXT NOT NULL, tenant_id TEXT NOT NULL, scenario TEXT NOT NULL, stage TEXT NOT NULL, model TEXT NOT NULL,
        prompt_version TEXT NOT NULL,
        requests INTEGER NOT NULL, input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL, usd REAL NOT NULL, unpriced INTEGER NOT NULL, seconds REAL NOT NULL,
        calls BLOB NOT NULL,
        PRIMARY KEY (day, tenant_id, scenario, stage, model, prompt_version)
    ) WITHOUT ROWID;
"""
_LAYOUT: Final = Layout(_TABLE, functions={"merged": merged})
_ADD: Final = """
    INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        requests = requests + excluded.requests, input_tokens = input_tokens + excluded.input_tokens,
        cached_tokens = cached_tokens + excluded.cached_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        usd = usd + excluded.usd, unpriced = unpriced + excluded.unpriced, seconds = seconds + excluded.seconds,
        calls = merged(calls, excluded.calls)
"""


class SqliteLedger:
    """A ``UsageLedger`` in a file.

    Args:
        path: the file, on a disk of this machine: SQLite's write-ahead log needs shared memory.
        days: how long it is kept.
        now: the time, in seconds since 1970.
    """

    def __init__(self, path: Path, *, days: int, now: Callable[[], float] = time.time) -> None:
        self._retention = Retention(days, now)
        self._file = SqliteFile(path, _LAYOUT, name="ledger", hint=_HINT)

    async def add(self, used: Mapping[Purpose, Usage]) -> None:
        rows = [(purpose.day.isoformat(), *astuple(purpose)[1:], *astuple(usage)) for purpose, usage in used.items()]

        def write(database: sqlite3.Connection) -> None:
            database.executemany(_ADD, rows)
            if self._retention.due():
                oldest = datetime.fromtimestamp(self._retention.oldest(), UTC).date()
                database.execute("DELETE FROM usage WHERE day < ?", (oldest.isoformat(),))

        await self._file.transact(write)

    async def read(self, tenant_id: str, since: date) -> Mapping[Purpose, Usage]:
        def look(database: sqlite3.Connection) -> dict[Purpose, Usage]:
            query = "SELECT * FROM usage WHERE tenant_id = ? AND day >= ?"
            with closing(database.execute(query, (tenant_id, since.isoformat()))) as rows:
                return {Purpose(date.fromisoformat(row[0]), *row[1:6]): Usage(*row[6:]) for row in rows}

        return await self._file.run(look)

    async def remove(self, tenant_id: str, before: date) -> None:
        def delete(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM usage WHERE tenant_id = ? AND day < ?", (tenant_id, before.isoformat()))

        await self._file.transact(delete)

    async def close(self) -> None:
        await self._file.close()
