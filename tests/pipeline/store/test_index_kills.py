"""The index stage killed between any two of its requests: what is handed in again brings the store to the same end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from live_events import said
from mined_calls import CANCEL, FACTS, TURNS, WORRIED, flow_state, inbound, insight, outcome, suggestion, transcript

from pipeline.handling import Handler
from pipeline.ports import Hit, Point, Where
from pipeline.store.coalesced import Coalescing
from pipeline.store.collections import COLLECTIONS, INTENTS, UTTERANCES
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from schemas.call import CallStarted
from schemas.transcript import TranscriptCompleted
from schemas.wire import CallEvent

BATCH: Sequence[CallEvent] = (transcript("c1"), insight("c1"), flow_state(insight("c1")), suggestion("c1"))
LIVE: Sequence[CallEvent] = (CallStarted(call_id="c1", call=FACTS), said(1, "i am worried", call=FACTS))
SECOND = insight("c1", (CANCEL,), revision=2)
NEWER: Sequence[CallEvent] = (transcript("c1", TURNS[:2], revision=2), SECOND, flow_state(SECOND))
OTHERWISE = insight("c1", (WORRIED.model_copy(update={"intent_id": "other"}),))


class Killed(Exception):
    """The process is gone."""


class Mortal(InMemoryStore):
    """Dies just before the request of this number, counted from 0; those before it were done."""

    def __init__(self, dies_at: int | None = None) -> None:
        super().__init__()
        self.dies_at = dies_at
        self.requests = 0
        self.searches: list[str] = []

    async def put(self, collection: str, points: Sequence[Point], *, over: Where | None = None) -> None:
        self._live()
        await super().put(collection, points, over=over)

    async def get(self, collection: str, ids: Sequence[str]) -> list[Hit]:
        self._live()
        return await super().get(collection, ids)

    async def remove(self, collection: str, where: Where, *, keep: Sequence[str] = ()) -> None:
        self._live()
        self.searches.append(f"remove {collection}")
        await super().remove(collection, where, keep=keep)

    async def count(self, collection: str, where: Where) -> int:
        self._live()
        self.searches.append(f"count {collection}")
        return await super().count(collection, where)

    def _live(self) -> None:
        if self.requests == self.dies_at:
            raise Killed
        self.requests += 1


def content(store: InMemoryStore) -> Mapping[str, Any]:
    return {
        point.id: point.payload
        for collection in COLLECTIONS
        for point in store.points.get(collection.name, {}).values()
    }


async def run(handler: Handler, events: Sequence[CallEvent]) -> None:
    for event in events:
        await handler(inbound(event))


async def after_all(events: Sequence[CallEvent]) -> tuple[Mapping[str, Any], int]:
    store = Mortal()
    await run(build(store=store), events)
    return content(store), store.requests


async def killed_and_repeated(events: Sequence[CallEvent], at: int) -> Mapping[str, Any]:
    """A worker dies at this request; the next one gets all events again, whose offsets had not moved."""
    store = Mortal(at)
    with pytest.raises(Killed):
        await run(build(store=store), events)
    store.dies_at = None
    await run(build(store=store), events)
    return content(store)


@pytest.mark.parametrize(
    "events",
    [BATCH, (*LIVE, *BATCH), (*BATCH, *NEWER), (*LIVE, *BATCH, outcome("c1"), *NEWER), (BATCH[2], *BATCH, *LIVE)],
    ids=["new", "live before", "mined again", "all", "flow first"],
)
async def test_killed_anywhere_and_handed_in_again_the_store_is_the_same_in_the_end(
    events: Sequence[CallEvent],
) -> None:
    undisturbed, requests = await after_all(events)
    for at in range(requests):
        assert await killed_and_repeated(events, at) == undisturbed, f"killed at request {at}"


@pytest.mark.parametrize("first", [insight("c1"), insight("c1", (WORRIED,))], ids=["two intents", "one"])
async def test_of_a_result_half_written_nothing_stays_that_the_same_revision_made_anew_lacks(
    first: CallEvent,
) -> None:
    undisturbed, _ = await after_all([OTHERWISE])
    _, requests = await after_all([first])
    for at in range(requests + 1):
        store = Mortal(at)
        try:
            await run(build(store=store), [first])
        except Killed:
            store.dies_at = None
        store.dies_at = None
        await run(build(store=store), [OTHERWISE])
        assert content(store) == undisturbed, f"killed at request {at}"


@pytest.mark.parametrize("newer", [transcript("c1", TURNS[:2], revision=2), transcript("c1", (), revision=2), SECOND])
async def test_an_older_revision_that_comes_later_adds_nothing_even_where_the_newer_one_has_no_flow_yet(
    newer: CallEvent,
) -> None:
    older = transcript("c1") if isinstance(newer, TranscriptCompleted) else insight("c1")
    undisturbed, _ = await after_all([newer])
    store = Mortal()
    await run(build(store=store), [newer, older])
    assert content(store) == undisturbed


async def test_a_call_that_is_new_is_written_without_a_search() -> None:
    store = Mortal()
    await run(build(store=store), [*BATCH, outcome("c1")])
    assert store.searches == []


async def test_of_a_call_that_was_live_what_is_left_is_taken_away_once() -> None:
    store = Mortal()
    await run(build(store=store), [*LIVE, *BATCH])
    searched = list(store.searches)
    assert {f"remove {UTTERANCES}", f"remove {INTENTS}"} <= set(searched)
    await run(build(store=store), BATCH[2:3])
    assert store.searches == searched


async def test_many_calls_at_once_through_a_shared_store_are_stored_as_one_by_one() -> None:
    ids = [f"k{number}" for number in range(40)]
    events = [[transcript(id_), insight(id_), flow_state(insight(id_)), suggestion(id_), outcome(id_)] for id_ in ids]
    alone, together = Mortal(), Mortal()
    await run(build(store=alone), [event for several in events for event in several])
    handler = build(store=Coalescing(together))
    await asyncio.gather(*(run(handler, several) for several in events))
    assert content(together) == content(alone)
    assert together.requests < alone.requests / 5
