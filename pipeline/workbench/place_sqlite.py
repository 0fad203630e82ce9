"""The workbench of one machine: an SQLite file of its owner's alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from pipeline.backtest.result import Backtest
from pipeline.labels.label import Label, in_order
from pipeline.store.sqlite_file import Layout, SqliteFile, empty_log

_HINT: Final = "CONVMINE_WORKBENCH_PATH says where it is"
_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS labels (
        id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, call_id TEXT NOT NULL, person TEXT NOT NULL,
        subject TEXT NOT NULL, label TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS labels_call ON labels (tenant_id, call_id);
    CREATE INDEX IF NOT EXISTS labels_subject ON labels (subject);
    CREATE TABLE IF NOT EXISTS outcomes (key TEXT PRIMARY KEY, subject TEXT NOT NULL, outcome TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS outcomes_subject ON outcomes (subject);
    CREATE TABLE IF NOT EXISTS backtests (
        tenant_id TEXT NOT NULL, id TEXT NOT NULL, scenario TEXT NOT NULL, language TEXT NOT NULL,
        prompt TEXT NOT NULL, finished_s REAL NOT NULL, backtest TEXT NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
"""
_LAYOUT: Final = Layout(_TABLES, ("synchronous = FULL", "secure_delete = ON"))


class SqliteWorkbench:
    """A ``Workbench`` in a file (0600): what a person has said survives a power failure.

    Args:
        path: the file, on a disk of this machine: SQLite's write-ahead log needs shared memory.
    """

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _LAYOUT, name="workbench", hint=_HINT)

    async def add_labels(self, labels: Sequence[Label]) -> int:
        rows = [(one.word_id, one.tenant_id, one.call_id, one.by, one.subject, one.model_dump_json()) for one in labels]
        return await self._write("INSERT OR IGNORE INTO labels VALUES (?, ?, ?, ?, ?, ?)", rows)

    async def take_back(self, labels: Sequence[Label]) -> int:
        return await self._write("DELETE FROM labels WHERE id = ?", [(one.word_id,) for one in labels])

    async def labels(self, tenant_id: str, *, call_id: str | None = None, by: str | None = None) -> tuple[Label, ...]:
        query = """
            SELECT label FROM labels
            WHERE tenant_id = :tenant AND call_id = coalesce(:call, call_id) AND person = coalesce(:by, person)
        """
        texts = await self._read(query, {"tenant": tenant_id, "call": call_id, "by": by})
        return in_order(Label.model_validate_json(text) for (text,) in texts)

    async def outcomes(self, keys: Sequence[str]) -> Mapping[str, str]:
        query = "SELECT key, outcome FROM outcomes WHERE key IN (SELECT value FROM json_each(:keys))"
        return {row[0]: row[1] for row in await self._read(query, {"keys": json.dumps(list(keys))})}

    async def keep_outcome(self, key: str, outcome: str, *, subject: str) -> None:
        await self._write("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?)", [(key, subject, outcome)])

    async def add_backtest(self, tenant_id: str, backtest: Backtest) -> None:
        of = (tenant_id, backtest.backtest_id, backtest.scenario, backtest.language, backtest.prompt)
        row = (*of, backtest.finished_at.timestamp(), backtest.model_dump_json())
        await self._write("INSERT OR REPLACE INTO backtests VALUES (?, ?, ?, ?, ?, ?, ?)", [row])

    async def backtests(self, tenant_id: str, scenario: str, language: str, prompt: str) -> tuple[Backtest, ...]:
        query = """
            SELECT backtest FROM backtests
            WHERE tenant_id = :tenant AND scenario = :scenario AND language = :language AND prompt = :prompt
            ORDER BY finished_s DESC
        """
        of = {"tenant": tenant_id, "scenario": scenario, "language": language, "prompt": prompt}
        return tuple(Backtest.model_validate_json(text) for (text,) in await self._read(query, of))

    async def erase(self, subject: str) -> int:
        def delete(database: sqlite3.Connection) -> int:
            tables = ("labels", "outcomes")
            deleted = [database.execute(f"DELETE FROM {one} WHERE subject = ?", (subject,)) for one in tables]  # nosec B608  # noqa: S608 - the names stand above
            return sum(one.rowcount for one in deleted)

        count = await self._file.transact(delete)
        await self._file.run(empty_log)
        return count

    async def close(self) -> None:
        await self._file.close()

    async def _write(self, statement: str, rows: Sequence[tuple[str | float, ...]]) -> int:
        """Run it for each row, all or nothing; how many rows of the table it changed."""
        return await self._file.transact(lambda database: database.executemany(statement, rows).rowcount)

    async def _read(self, query: str, values: Mapping[str, str | None]) -> list[tuple[str, ...]]:
        def look(database: sqlite3.Connection) -> list[tuple[str, ...]]:
            with closing(database.execute(query, values)) as rows:
                return rows.fetchall()

        return await self._file.run(look)
