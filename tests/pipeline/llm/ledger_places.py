"""The ledger in every place it can be: in memory, in a file, in Qdrant's local mode, behind HTTP."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Final

import pytest
from cache_places import Clock
from store_places import connection_to

from pipeline.llm.ledger_qdrant import COLLECTION, QdrantLedger
from pipeline.llm.ledger_sqlite import SqliteLedger
from pipeline.llm.usage import Purpose, Usage, UsageLedger
from pipeline.testing import InMemoryLedger

PLACES: Final = ["memory", "sqlite", "local", "stand-in", *(["server"] if os.environ.get("QDRANT_URL") else [])]
DAYS: Final = 400
TODAY: Final = date(2026, 9, 21)
"""The day of ``Clock``."""
MakeLedger = Callable[[], UsageLedger]


def purpose(**changed: object) -> Purpose:
    """A purpose of today."""
    named: dict[str, object] = {
        "day": TODAY,
        "tenant_id": "acme",
        "scenario": "telecom",
        "stage": "extract",
        "model": "m1",
        "prompt_version": "extract.v1",
    }
    return Purpose(**{**named, **changed})  # type: ignore[arg-type]  # by name, as the tests give them


def usage(requests: int = 1, **changed: object) -> Usage:
    """So many answers that have figures which are not the defaults."""
    one = {"input_tokens": 100, "cached_tokens": 10, "output_tokens": 20, "usd": 0.25, "unpriced": 0, "seconds": 0.5}
    sums = {name: requests * value for name, value in one.items()}
    return Usage(**{"requests": requests, **sums, **changed})  # type: ignore[arg-type]  # likewise


@asynccontextmanager
async def ledgers(place: str, folder: Path, clock: Clock, request: pytest.FixtureRequest) -> AsyncIterator[MakeLedger]:
    """Makes ledgers over the same sums, as the workers of an installation have them."""
    if place == "memory":
        kept = InMemoryLedger()
        yield lambda: kept
    elif place == "sqlite":
        made = [SqliteLedger(folder / "new" / "usage.sqlite", days=DAYS, now=clock) for _ in range(3)]
        yield iter(made).__next__
        for ledger in made:
            await ledger.close()
    else:
        connection = connection_to(place, folder, request)
        prefix = f"test-{uuid.uuid4().hex[:12]}-"
        yield lambda: QdrantLedger(connection, prefix=prefix, days=DAYS, now=clock)
        await connection.run(lambda client: client.delete_collection(prefix + COLLECTION))
        await connection.close()
