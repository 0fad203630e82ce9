"""What has come of the calls of a soak: every one must be found where its way ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from installation import Installation

from pipeline.ports import Where
from pipeline.settings import Settings
from pipeline.stages import PATHS, TOPICS, intents
from pipeline.store.collections import CALLS
from pipeline.store.open import open_store
from schemas.envelope import type_of
from schemas.insight import CallInsight
from schemas.wire import Lane
from workers.records import Record


@dataclass(frozen=True, slots=True)
class Settled:
    """How many events waited when the last call had been published, how many still did, and after how many seconds."""

    behind: int
    left: int
    seconds: float


def settle(place: Installation, seconds: float) -> Settled:
    """Wait until nothing waits any more, but no longer than this."""
    begin = time.monotonic()
    behind = left = _behind(place)
    while left and time.monotonic() - begin < seconds:
        time.sleep(1)
        left = _behind(place)
    return Settled(behind, left, time.monotonic() - begin)


def ends(place: Installation) -> Mapping[str, set[str]]:
    """The calls that came to each end of the way: insight, path, point in the store."""
    edge = place.edge
    insights = (record for lane in Lane for record in edge.read(edge.spans([intents(lane)])) if _is_insight(record))
    return {
        "insight": _calls(insights),
        "path": _calls(edge.read(edge.spans([PATHS]))),
        "stored": asyncio.run(_stored(place)),
    }


def lost(published: set[str], found: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """The published calls that are missing, by the end to which they did not come."""
    missing = {end: sorted(published - calls) for end, calls in found.items()}
    return {end: calls for end, calls in missing.items() if calls}


def dead_letters(place: Installation) -> int:
    """How many there are on all topics of dead letters."""
    topics = [topic.name for topic in TOPICS if topic.name.endswith(".dlq")]
    return sum(map(len, place.edge.spans(topics).values()))


def _behind(place: Installation) -> int:
    return sum(row.behind for row in place.behind())


def _is_insight(record: Record) -> bool:
    return dict(record.headers).get("ce_type") == type_of(CallInsight).encode()


def _calls(records: Iterable[Record]) -> set[str]:
    return {json.loads(record.value or b"")["call_id"] for record in records}


async def _stored(place: Installation) -> set[str]:
    store = open_store(Settings.model_construct(store=place.store))
    found: set[str] = set()
    after: str | None = None
    try:
        while True:
            hits, after = await store.page(CALLS, Where(), 500, after)
            found |= {hit.payload["call_id"] for hit in hits}
            if after is None:
                return found
    finally:
        await store.close()
