"""The response cache in every place it can be: in memory, in a file, in Qdrant's local mode, behind HTTP."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from store_places import connection_to

from pipeline.llm.cache_qdrant import COLLECTION, QdrantResponseCache
from pipeline.llm.cache_sqlite import SqliteResponseCache
from pipeline.ports import KeptAnswer, ResponseCache
from pipeline.testing import InMemoryResponseCache

PLACES: Final = ["memory", "sqlite", "local", "stand-in", *(["server"] if os.environ.get("QDRANT_URL") else [])]
DAY_S: Final = 86_400
DAYS: Final = 30
MakeCache = Callable[[], ResponseCache]


class Clock:
    """Seconds since 1970, which a test moves on."""

    def __init__(self) -> None:
        self.s = 1_790_000_000.0

    def __call__(self) -> float:
        return self.s


def answer(text: str = "yes") -> KeptAnswer:
    """An answer with figures that are not the defaults."""
    return KeptAnswer(text, "m1-2026", "stop", reasks=1, input_tokens=200, output_tokens=40)


@asynccontextmanager
async def caches(place: str, folder: Path, clock: Clock, request: pytest.FixtureRequest) -> AsyncIterator[MakeCache]:
    """Makes caches over the same answers, as the workers of an installation have them."""
    if place == "memory":
        kept = InMemoryResponseCache(days=DAYS, now=clock)
        yield lambda: kept
    elif place == "sqlite":
        one, other = (SqliteResponseCache(folder / "new" / "a.sqlite", days=DAYS, now=clock) for _ in range(2))
        yield iter([one, other]).__next__
        await one.close()
        await other.close()
    else:
        connection = connection_to(place, folder, request)
        prefix = f"test-{uuid.uuid4().hex[:12]}-"
        yield lambda: QdrantResponseCache(connection, prefix=prefix, days=DAYS, now=clock)
        await connection.run(lambda client: client.delete_collection(prefix + COLLECTION))
        await connection.close()
