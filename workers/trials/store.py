"""The store tried: a point embedded, written, found by its text, and removed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from pipeline.errors import ConvmineError
from pipeline.ids import stable_id
from pipeline.ports import Point, Where
from pipeline.settings import Settings
from pipeline.store.collections import UTTERANCES
from pipeline.store.open import embedder_of, store_of
from workers.diagnosis import Finding
from workers.trials.trial import tried

_TENANT: Final = "convmine-doctor"
"""No customer's: what is written here nobody else is shown."""
_TEXT: Final = "does the store find what it was given"


def try_store(settings: Settings) -> Iterator[Finding]:
    """Write and find one point."""
    yield tried("store point", ("suggest", "recap", "index"), lambda: asyncio.run(_written_and_found(settings)))


async def _written_and_found(settings: Settings) -> str:
    point = Point(stable_id("doctor", _TENANT), _TEXT, {"tenant_id": _TENANT, "call_id": "doctor", "text": _TEXT})
    mine = Where(equal={"tenant_id": _TENANT})
    embedder = embedder_of(settings)
    async with store_of(settings, embedder=embedder) as store:
        await store.put(UTTERANCES, [point])
        try:
            found = await store.search(UTTERANCES, _TEXT, mine, 1)
        finally:
            await store.remove(UTTERANCES, mine)
        if [hit.id for hit in found] != [point.id]:
            raise ConvmineError("the store does not find what was just written to it", hint="convmine store apply")
    return f"written, found and removed, embedded by {embedder.name}"
