"""The audit log in every place it can be: in memory, in a file, in Qdrant's local mode, behind HTTP."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from store_places import connection_to

from pipeline.audit.entry import Entry
from pipeline.audit.log import AuditLog
from pipeline.audit.log_qdrant import COLLECTION, QdrantAuditLog
from pipeline.audit.log_sqlite import SqliteAuditLog
from pipeline.testing import InMemoryAuditLog

PLACES: Final = ["memory", "sqlite", "local", "stand-in", *(["server"] if os.environ.get("QDRANT_URL") else [])]
NOON: Final = datetime(2026, 9, 21, 12, 0, 0, 250_000, tzinfo=UTC)
DAYS: Final = 730
MakeLog = Callable[[], AuditLog]


def entry(**changed: object) -> Entry:
    """Ann was shown call-1 of customer c-1 by a search."""
    said = {"tenant_id": "acme", "who": "ann", "origin": "cli", "action": "search", "about": '{"text": "price"}'}
    shown = {"calls": ("call-1",), "call_count": 1, "customers": ("c-1",)}
    return Entry.model_validate({"entry_id": str(uuid.uuid4()), "at": NOON, **said, **shown, **changed})


@asynccontextmanager
async def logs(place: str, folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[MakeLog]:
    """Makes logs over the same entries, as the processes of an installation have them."""
    if place == "memory":
        kept = InMemoryAuditLog()
        yield lambda: kept
    elif place == "sqlite":
        made = [SqliteAuditLog(folder / "new" / "audit.sqlite", days=DAYS, now=NOON.timestamp) for _ in range(2)]
        yield iter(made).__next__
        for one in made:
            await one.close()
    else:
        connection = connection_to(place, folder, request)
        prefix = f"test-{uuid.uuid4().hex[:12]}-"
        yield lambda: QdrantAuditLog(connection, prefix=prefix, days=DAYS, now=NOON.timestamp)
        await connection.run(lambda client: client.delete_collection(prefix + COLLECTION))
        await connection.close()
