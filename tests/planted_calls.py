"""Made-up calls with effects planted in them, as they are stored, and the same calls with an effect taken out again."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache

from mined_calls import TENANT

from pipeline.handling import Inbound, Position
from pipeline.ports import Point
from pipeline.samples.synthetic.calls import synthetic_calls
from pipeline.samples.synthetic.plots import Shares, plot_of
from pipeline.store.collections import CALLS, INTENTS
from pipeline.store.points import call_point_id, started, with_fields
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from schemas.flow import FlowState
from schemas.insight import CallInsight
from schemas.transcript import TranscriptCompleted

UNTIL = datetime(2026, 3, 10, 12, tzinfo=UTC)
CALLS_MADE = 500
_UTTERANCES = 8


def planted() -> InMemoryStore:
    """The calls of twelve weeks, with the effects of ``pipeline.samples.synthetic.effects``."""
    return _store_of(_planted())


def shuffled(*fields: str, seed: int) -> InMemoryStore:
    """The same calls, but these fields belong to other calls by chance: nothing goes together with them any more."""
    points = {collection: dict(held) for collection, held in _planted().items()}
    calls = list(points[CALLS].values())
    lots = random.Random(seed).sample(calls, len(calls))
    given = {
        call.payload["call_id"]: {field: lot.payload.get(field) for field in fields}
        for call, lot in zip(calls, lots, strict=True)
    }
    for collection in (CALLS, INTENTS):
        for id_, point in points[collection].items():
            points[collection][id_] = with_fields(point, given[point.payload["call_id"]])
    return _store_of(points)


def _store_of(points: dict[str, dict[str, Point]]) -> InMemoryStore:
    store = InMemoryStore()
    store.points = {collection: dict(held) for collection, held in points.items()}
    return store


@cache
def _planted() -> dict[str, dict[str, Point]]:
    with ThreadPoolExecutor(1) as thread:  # a test that asks may be in a loop of its own
        return thread.submit(asyncio.run, _mined()).result()


def planted_starts(calls: int) -> InMemoryStore:
    """Only when calls began and which intents they have, of many more calls."""
    store = InMemoryStore()
    for number in range(1, calls + 1):
        plot = plot_of(number, calls, random.Random(number), until=UNTIL, utterances=8, shares=Shares())
        assert plot.facts.started_at is not None
        intents = list(dict.fromkeys(move.intent for move in plot.moves if move.intent))
        fields = {"tenant_id": TENANT, "call_id": f"k{number}", "intents": intents, **started(plot.facts.started_at)}
        point = Point(call_point_id(TENANT, f"k{number}"), "", fields)
        store.points.setdefault(CALLS, {})[point.id] = point
    return store


async def _mined() -> dict[str, dict[str, Point]]:
    """Each call is stored by itself first, as a store in memory looks at every point whenever one is written."""
    points: dict[str, dict[str, Point]] = {}
    for events in synthetic_calls(CALLS_MADE, tenant_id=TENANT, until=UNTIL, utterances_per_call=_UTTERANCES):
        alone = InMemoryStore()
        handler = build(store=alone)
        for event in events:
            if isinstance(event.message.payload, TranscriptCompleted | CallInsight | FlowState):
                await handler(Inbound(event.message, Position("made", 0, 0)))
        for collection, held in alone.points.items():
            points.setdefault(collection, {}).update(held)
    return points
