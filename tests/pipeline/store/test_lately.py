"""What the live index knows of a call from one event to the next changes what it asks, and nothing that is stored."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from live_events import said
from mined_calls import (
    CANCEL,
    FACTS,
    WORRIED,
    failed,
    flow_state,
    inbound,
    insight,
    outcome,
    transcript,
)

from pipeline.flow.path import path_of
from pipeline.ports import Hit, Order, Point, Where
from pipeline.store.collections import CALLS, COLLECTIONS, INTENTS, UTTERANCES
from pipeline.store.lately import Lately
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from schemas.call import CallEnded, CallStarted, CallUpdated
from schemas.flow import FlowState
from schemas.insight import Extractor, Intent, IntentExtracted, Provenance
from schemas.wire import CallEvent, CallFacts, Lane

MADE = Provenance(extractor=Extractor.LEXICAL, model="static", scenario="telecom", scenario_version=1)
REFUSED = FACTS.model_copy(update={"consent": False})


class Counting(InMemoryStore):
    """Counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()

    async def put(self, collection: str, points: Sequence[Point], *, over: Where | None = None) -> None:
        self.asked[f"put {collection}"] += 1
        await super().put(collection, points, over=over)

    async def get(self, collection: str, ids: Sequence[str]) -> list[Hit]:
        self.asked[f"get {collection}"] += 1
        return await super().get(collection, ids)

    async def remove(self, collection: str, where: Where, *, keep: Sequence[str] = ()) -> None:
        self.asked[f"remove {collection}"] += 1
        await super().remove(collection, where, keep=keep)

    async def page(  # noqa: PLR0913 - the port's
        self,
        collection: str,
        where: Where,
        limit: int,
        after: str | None = None,
        *,
        order: Order | None = None,
        fields: Sequence[str] | None = None,
    ) -> tuple[list[Hit], str | None]:
        self.asked[f"page {collection}"] += 1
        return await super().page(collection, where, limit, after, order=order, fields=fields)


def content(store: InMemoryStore) -> Mapping[tuple[str, str], Any]:
    return {
        (one.name, id_): point.payload for one in COLLECTIONS for id_, point in store.points.get(one.name, {}).items()
    }


def heard(number: int, *intents: Intent, call: CallFacts = FACTS) -> IntentExtracted:
    spoken = said(number, "words").segment
    return IntentExtracted(call_id="c1", call=call, language="en", segments=(spoken,), intents=intents, provenance=MADE)


def moved_on(*so_far: Intent) -> FlowState:
    return FlowState(call_id="c1", call=FACTS, lane=Lane.LIVE, path=path_of(so_far), heard=heard(1, *so_far))


EVENTS: Sequence[CallEvent] = (
    CallStarted(call_id="c1", call=FACTS),
    CallUpdated(call_id="c1", call=FACTS.model_copy(update={"agent": "bob"})),
    CallUpdated(call_id="c1", call=REFUSED),
    CallUpdated(call_id="c1", call=FACTS.model_copy(update={"consent": True})),
    CallEnded(call_id="c1", duration_ms=60_000),
    *(said(number, text, call=FACTS) for number, text in enumerate(("my card is four two four two", "", "one two"))),
    *(said(number, "eight eight eight eight one", call=FACTS) for number in (1, 3, 30, 90)),
    said(1, "four two", call=FACTS, revision=2),
    said(3, "", call=FACTS, revision=2),
    heard(1, WORRIED),
    heard(1, CANCEL),
    heard(3, WORRIED, CANCEL),
    heard(3),
    moved_on(WORRIED),
    moved_on(WORRIED, CANCEL),
    outcome("c1"),
    failed("c1"),
    insight("c1").model_copy(update={"lane": Lane.LIVE}),
    transcript("c1").model_copy(update={"lane": Lane.LIVE}),
)
RECORDED: Sequence[CallEvent] = (transcript("c1"), insight("c1"), flow_state(insight("c1")))


@given(st.lists(st.sampled_from((*EVENTS, *RECORDED)), max_size=14), st.sets(st.integers(0, 13)))
def test_who_remembers_stores_what_one_stores_who_reads_each_time_also_started_again_anywhere(
    events: Sequence[CallEvent], started_again_at: set[int]
) -> None:
    knowing, forgetful = InMemoryStore(), InMemoryStore()

    async def both() -> None:
        lately, nothing = Lately(), Lately()
        handler, other = build(store=knowing, lately=lately), build(store=forgetful, lately=nothing)
        for number, event in enumerate(events):
            if number in started_again_at:
                lately.clear()
            nothing.clear()
            await handler(inbound(event))
            await other(inbound(event))

    asyncio.run(both())
    assert content(knowing) == content(forgetful)


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.booleans()), max_size=14))
def test_what_others_change_between_two_events_is_seen(events: Sequence[tuple[CallEvent, bool]]) -> None:
    """The calls' outcomes and failures come from the workers of another lane, which this one is not told of."""
    knowing, forgetful = InMemoryStore(), InMemoryStore()

    async def both() -> None:
        nothing = Lately()
        handler, other = build(store=knowing), build(store=forgetful, lately=nothing)
        for event, of_others in events:
            nothing.clear()
            amends = event in {outcome("c1"), failed("c1")} or (of_others and event in (outcome("c1"), failed("c1")))
            await (build(store=knowing) if amends else handler)(inbound(event))
            await other(inbound(event))

    asyncio.run(both())
    assert content(knowing) == content(forgetful)


async def test_a_call_that_began_here_is_not_read_again_before_each_piece_of_it() -> None:
    store = Counting()
    handler = build(store=store)
    await handler(inbound(CallStarted(call_id="c1", call=FACTS)))
    await handler(inbound(said(1, "hello", call=FACTS)))
    await handler(inbound(heard(1, WORRIED)))
    store.asked.clear()
    for event in (said(2, "i am worried", call=FACTS), heard(2, WORRIED.model_copy(update={"intent_id": "i2"}))):
        await handler(inbound(event))
    await handler(inbound(moved_on(WORRIED)))
    assert store.asked == {
        f"put {UTTERANCES}": 1,
        f"put {INTENTS}": 1,
        f"put {CALLS}": 1,
        f"get {CALLS}": 3,
        "get results": 2,
    }


async def test_a_refusal_that_another_worker_was_told_is_obeyed_by_one_that_knows_the_call() -> None:
    store = InMemoryStore()
    words, intents = build(store=store), build(store=store)
    await words(inbound(CallStarted(call_id="c1", call=FACTS)))
    await intents(inbound(heard(1, WORRIED)))
    await words(inbound(CallUpdated(call_id="c1", call=REFUSED)))
    await intents(inbound(heard(3, CANCEL)))
    assert not store.points[INTENTS]


async def test_who_takes_over_a_partition_sees_what_was_stored_there_meanwhile() -> None:
    store, lately = InMemoryStore(), Lately()
    here, elsewhere = build(store=store, lately=lately), build(store=store)
    await here(inbound(said(1, "my card number is four two four two", call=FACTS)))
    lately.clear()
    await elsewhere(inbound(said(2, "eight eight eight eight one two three", call=FACTS)))
    again = inbound(said(2, "words of an older revision", call=FACTS))
    await here(again)
    hits, _ = await store.page(UTTERANCES, Where(equal={"segment_id": "s2"}), 1)
    assert "older" not in hits[0].payload["text"]


async def test_of_more_calls_than_are_kept_the_one_asked_for_longest_ago_is_forgotten() -> None:
    lately = Lately(most=2)
    first, second = lately.of("acme", "a"), lately.of("acme", "b")
    assert lately.of("acme", "a") is first
    lately.of("acme", "c")
    assert lately.of("acme", "a") is first
    assert lately.of("acme", "b") is not second


async def test_of_a_long_call_only_its_newest_words_are_known_and_older_ones_are_read() -> None:
    store, lately = Counting(), Lately()
    handler = build(store=store, lately=lately)
    await handler(inbound(CallStarted(call_id="c1", call=FACTS)))
    for number in range(0, 400, 4):
        await handler(inbound(said(number, f"turn {number}", call=FACTS)))
    words = lately.of("acme", "c1").words
    assert words is not None
    assert len(words.hits) < 20
    assert store.asked[f"page {UTTERANCES}"] == 0
    await handler(inbound(said(40, "an older revision again", call=FACTS)))
    assert store.asked[f"page {UTTERANCES}"] == 1
    hits, _ = await store.page(UTTERANCES, Where(equal={"segment_id": "s40"}), 1)
    assert hits[0].payload["text"] == "turn 40"
