"""The audit log of one machine: an SQLite file of its owner's alone, which its processes add to."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pipeline.audit.entry import Entry
from pipeline.audit.log import EntryPage, Old, Wanted, page_of
from pipeline.llm.keeping import Retention
from pipeline.store.marks import Mark
from pipeline.store.sqlite_file import Layout, SqliteFile, empty_log

_Values = Mapping[str, str | int | None]

_HINT: Final = "CONVMINE_AUDIT_PATH says where it is"
_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS entries (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, at_ms INTEGER NOT NULL, tenant_id TEXT NOT NULL,
        who TEXT NOT NULL, action TEXT NOT NULL, calls TEXT NOT NULL, customers TEXT NOT NULL, entry TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS entries_at ON entries (tenant_id, at_ms);
"""
_LAYOUT: Final = Layout(_TABLES, ("synchronous = FULL", "secure_delete = ON"))
_FAR_MS: Final = 2**62
"""Later than any entry."""
_ADD: Final = """
    INSERT INTO entries (id, at_ms, tenant_id, who, action, calls, customers, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_READ: Final = """
    SELECT entry FROM entries
    WHERE tenant_id = :tenant AND (:who IS NULL OR who = :who) AND (:action IS NULL OR action = :action)
        AND at_ms >= :since AND at_ms <= :last AND id NOT IN (SELECT value FROM json_each(:seen))
        AND (:call IS NULL OR EXISTS (SELECT 1 FROM json_each(calls) WHERE value = :call))
        AND (:customer IS NULL OR EXISTS (SELECT 1 FROM json_each(customers) WHERE value = :customer))
    ORDER BY at_ms DESC, number DESC LIMIT :limit
"""


class SqliteAuditLog:
    """An ``AuditLog`` in a file (0600) that survives a power failure.

    The calls of an entry are text: to look for one goes through all entries of the tenant and time, which takes 0.3 s
    for 100,000 of them, and to write each call into an index would take far longer than most questions.

    Args:
        path: the file, on a disk of this machine: SQLite's write-ahead log needs shared memory.
        days: how long an entry is kept.
        now: the time, in seconds since 1970.
    """

    def __init__(self, path: Path, *, days: int, now: Callable[[], float] = time.time) -> None:
        self._file = SqliteFile(path, _LAYOUT, name="audit log", hint=_HINT)
        self._retention = Retention(days, now)

    async def record(self, entry: Entry) -> None:
        names = (json.dumps(entry.calls), json.dumps(entry.customers))
        row = (entry.entry_id, entry.at_ms, entry.tenant_id, entry.who, entry.action, *names, entry.model_dump_json())

        def write(database: sqlite3.Connection) -> None:
            database.execute(_ADD, row)
            if self._retention.due():
                database.execute("DELETE FROM entries WHERE at_ms < ?", (self._retention.oldest() * 1_000,))

        await self._file.transact(write)

    async def read(self, wanted: Wanted, *, limit: int = 100, after: str | None = None) -> EntryPage:
        mark = Mark.read(after)
        values: _Values = {
            "tenant": wanted.tenant_id,
            "who": wanted.who,
            "action": wanted.action,
            "call": wanted.call,
            "customer": wanted.customer,
            "since": _ms(wanted.since),
            "last": _FAR_MS if mark.value is None else int(min(mark.value, _FAR_MS)),
            "seen": json.dumps(mark.seen),
            "limit": limit + 1,
        }
        rows = await self._rows(_READ, values)
        return page_of([Entry.model_validate_json(str(row[0])) for row in rows], limit, mark)

    async def tenants(self) -> tuple[str, ...]:
        rows = await self._rows("SELECT DISTINCT tenant_id FROM entries ORDER BY tenant_id", {})
        return tuple(str(name) for (name,) in rows)

    async def before(self, tenant_id: str, at: datetime) -> Old:
        query = "SELECT count(*), min(at_ms) FROM entries WHERE tenant_id = :tenant AND at_ms < :before"
        ((count, oldest),) = await self._rows(query, {"tenant": tenant_id, "before": _ms(at)})
        return Old(count, None if oldest is None else datetime.fromtimestamp(oldest / 1_000, UTC))

    async def remove(self, tenant_id: str, before: datetime) -> int:
        def delete(database: sqlite3.Connection) -> int:
            old = (tenant_id, _ms(before))
            return database.execute("DELETE FROM entries WHERE tenant_id = ? AND at_ms < ?", old).rowcount

        count = await self._file.transact(delete)
        await self._file.run(empty_log)
        return count

    async def close(self) -> None:
        await self._file.close()

    async def _rows(self, query: str, values: _Values) -> list[tuple[Any, ...]]:
        def look(database: sqlite3.Connection) -> list[tuple[Any, ...]]:
            with closing(database.execute(query, values)) as rows:
                return rows.fetchall()

        return await self._file.run(look)


def _ms(at: datetime | None) -> int:
    return 0 if at is None else round(at.timestamp() * 1_000)
