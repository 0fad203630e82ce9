"""The workbench in every place it can be: in memory, in a file, in Qdrant's local mode, behind HTTP."""

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

from pipeline.backtest.result import Backtest, FieldScore, VersionResult
from pipeline.labels.label import Label
from pipeline.testing import InMemoryWorkbench
from pipeline.workbench.place import Workbench
from pipeline.workbench.place_qdrant import COLLECTION, QdrantWorkbench
from pipeline.workbench.place_sqlite import SqliteWorkbench

PLACES: Final = ["memory", "sqlite", "local", "stand-in", *(["server"] if os.environ.get("QDRANT_URL") else [])]
NOON: Final = datetime(2026, 9, 21, 12, 0, 0, 250_000, tzinfo=UTC)
MakeWorkbench = Callable[[], Workbench]


def label(**changed: object) -> Label:
    """What ann says of an intent of call c1."""
    of = {"tenant_id": "acme", "call_id": "c1", "scenario": "telecom", "language": "en"}
    item = {"field": "intents", "name": "cancel", "segment_id": "s1", "quote": "I want to leave"}
    said = {"verdict": "right", "by": "ann", "at": NOON, "prompt_version": "extract.v2"}
    return Label.model_validate({**of, **item, **said, **changed})


def backtest(**changed: object) -> Backtest:
    """Two versions of ``extract`` on two calls."""
    score = FieldScore(field="intents", precision=0.5, recall=1.0, f1=2 / 3, support=4)
    a, b = (
        VersionResult(label=one, digest="0f", model="m1", fields=(score,), calls=2) for one in ("extract.v1", "e.v2")
    )
    of = {"backtest_id": "b1", "scenario": "telecom", "language": "en", "prompt": "extract", "on": "stored"}
    return Backtest.model_validate({**of, "material": "ab", "finished_at": NOON, "a": a, "b": b, **changed})


@asynccontextmanager
async def workbenches(place: str, folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[MakeWorkbench]:
    """Makes workbenches over the same things, as the people of an installation have them."""
    if place == "memory":
        kept = InMemoryWorkbench()
        yield lambda: kept
    elif place == "sqlite":
        made = [SqliteWorkbench(folder / "new" / "workbench.sqlite") for _ in range(2)]
        yield iter(made).__next__
        for one in made:
            await one.close()
    else:
        connection = connection_to(place, folder, request)
        prefix = f"test-{uuid.uuid4().hex[:12]}-"
        yield lambda: QdrantWorkbench(connection, prefix=prefix)
        await connection.run(lambda client: client.delete_collection(prefix + COLLECTION))
        await connection.close()
