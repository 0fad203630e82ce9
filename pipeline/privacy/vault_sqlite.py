"""The vault of one machine: an SQLite file of its owner's alone, with every value sealed and every look recorded."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from pipeline.privacy.placeholders import Found
from pipeline.privacy.sealing import Seal
from pipeline.privacy.vault import Access, Kept, Subject, may_be_kept, token_of
from pipeline.settings import PrivacySettings
from pipeline.store.sqlite_file import Layout, SqliteFile, empty_log

_Row = tuple[str, str, str, str, bytes]

VAULT_KEY: Final = "CONVMINE_PRIVACY_VAULT_KEY"
_HINT: Final = f"CONVMINE_PRIVACY_VAULT_PATH says where it is; without {VAULT_KEY} nothing is kept"
_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS kept (
        token TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, call_id TEXT NOT NULL, subject TEXT NOT NULL,
        sealed BLOB NOT NULL
    );
    CREATE INDEX IF NOT EXISTS kept_call ON kept (tenant_id, call_id);
    CREATE INDEX IF NOT EXISTS kept_subject ON kept (subject);
    CREATE TABLE IF NOT EXISTS accesses (
        at_s REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL, count INTEGER NOT NULL
    );
"""
_LAYOUT: Final = Layout(_TABLES, ("synchronous = FULL", "secure_delete = ON"))


def vault_of(settings: PrivacySettings) -> SqliteVault | None:
    """The vault that the settings describe; None where they have no key for one.

    Raises:
        Config: the key is none.
    """
    if settings.vault_key is None:
        return None
    return SqliteVault(settings.vault_path, settings.vault_key.get_secret_value())


class SqliteVault:
    """A ``Vault`` in a file (0600), in transactions.

    What a thing is and where it stood is sealed together with its value: the file alone tells which calls have
    something in it, and how much.

    Args:
        path: the file, on a disk of this machine: SQLite's write-ahead log needs shared memory.
        key: of ``sealing.new_key``.
        now: the time, in seconds since 1970.

    Raises:
        Config: the key is none.
    """

    def __init__(self, path: Path, key: str, *, now: Callable[[], float] = time.time) -> None:
        self._seal = Seal((key,), setting=VAULT_KEY)
        self._now = now
        self._file = SqliteFile(path, _LAYOUT, name="vault", hint=_HINT)

    async def keep(self, subject: Subject, found: Sequence[Found]) -> tuple[str, ...]:
        keepable = [(token_of(subject, one), one) for one in found if may_be_kept(one)]
        if not keepable:
            return ()
        rows = [(token, subject.tenant_id, subject.call_id, str(subject), self._sealed(one)) for token, one in keepable]

        def write(database: sqlite3.Connection) -> None:
            database.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)", rows)

        await self._file.transact(write)
        return tuple(token for token, _ in keepable)

    async def reveal(self, what: str, *, tenant_id: str, who: str) -> tuple[Kept, ...]:
        def look(database: sqlite3.Connection) -> list[_Row]:
            query = "SELECT * FROM kept WHERE tenant_id = ? AND (token = ? OR call_id = ?) ORDER BY rowid"
            with closing(database.execute(query, (tenant_id, what, what))) as found:
                rows: list[_Row] = found.fetchall()
            counts = Counter(subject for *_, subject, _ in rows) or {str(Subject(tenant_id, what)): 0}
            for subject, count in counts.items():
                self._record(database, who, f"reveal {what}", subject, count)
            return rows

        rows = await self._file.transact(look)
        return tuple(self._opened(token, Subject(tenant, call), sealed) for token, tenant, call, _, sealed in rows)

    async def erase(self, subject: str, *, who: str) -> int:
        def delete(database: sqlite3.Connection) -> int:
            count = database.execute("DELETE FROM kept WHERE subject = ?", (subject,)).rowcount
            self._record(database, who, "erase", subject, count)
            return count

        count = await self._file.transact(delete)
        await self._file.run(empty_log)
        return count

    async def accesses(self, tenant_id: str) -> tuple[Access, ...]:
        def read(database: sqlite3.Connection) -> tuple[Access, ...]:
            query = "SELECT * FROM accesses WHERE substr(subject, 1, ?) = ? ORDER BY rowid"
            whose = str(Subject(tenant_id, ""))
            with closing(database.execute(query, (len(whose), whose))) as rows:
                return tuple(Access(*row) for row in rows)

        return await self._file.transact(read)

    async def close(self) -> None:
        await self._file.close()

    def _record(self, database: sqlite3.Connection, who: str, what: str, subject: str, count: int) -> None:
        database.execute("INSERT INTO accesses VALUES (?, ?, ?, ?, ?)", (self._now(), who, what, subject, count))

    def _sealed(self, found: Found) -> bytes:
        entry = {"segment_id": found.segment_id, "kind": found.kind, "place": found.place, "value": found.value}
        return self._seal.seal(json.dumps(entry, ensure_ascii=False).encode())

    def _opened(self, token: str, subject: Subject, sealed: bytes) -> Kept:
        entry = json.loads(self._seal.open(sealed))
        return Kept(token, subject, entry["segment_id"], entry["kind"], entry["place"], entry["value"])
