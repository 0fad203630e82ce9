"""The places of the audit log by name; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from pipeline.audit.entry import Entry
from pipeline.audit.log import AuditLog, EntryPage, Old, Wanted
from pipeline.settings import Settings


def open_log(settings: Settings) -> AuditLog:
    """The log that the settings name; it touches nothing before its first use.

    Raises:
        Config: a log on a server is set, but no server.
    """
    return LOGS[settings.audit.place](settings)


class NoLog:
    """An ``AuditLog`` that keeps nothing."""

    async def record(self, entry: Entry) -> None:
        """Nothing is kept."""

    async def read(self, wanted: Wanted, *, limit: int = 100, after: str | None = None) -> EntryPage:
        del wanted, limit, after
        return EntryPage(())

    async def tenants(self) -> tuple[str, ...]:
        return ()

    async def before(self, tenant_id: str, at: datetime) -> Old:
        del tenant_id, at
        return Old(0)

    async def remove(self, tenant_id: str, before: datetime) -> int:
        del tenant_id, before
        return 0

    async def close(self) -> None:
        """Nothing is held open."""


def _sqlite(settings: Settings) -> AuditLog:
    from pipeline.audit.log_sqlite import SqliteAuditLog

    return SqliteAuditLog(settings.audit.path, days=settings.audit.keep_days)


def _qdrant(settings: Settings) -> AuditLog:
    from pipeline.audit.log_qdrant import QdrantAuditLog
    from pipeline.store.bare_collection import server_for

    server = server_for("CONVMINE_AUDIT_PLACE", settings.store)
    return QdrantAuditLog(server, prefix=settings.store.prefix, days=settings.audit.keep_days)


def _off(settings: Settings) -> AuditLog:
    del settings
    return NoLog()


LOGS: Final[Mapping[str, Callable[[Settings], AuditLog]]] = {"sqlite": _sqlite, "qdrant": _qdrant, "off": _off}
