"""Old calls go from every generation, by their kinds; what goes on stays, and questions go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from mined_calls import FACTS, flow_state, inbound, insight, suggestion, transcript
from store_places import Shelf

from pipeline.handling import Inbound
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.question import Aggregate, ReadTranscript, Search, ShowCall
from pipeline.retention.points import Points, stored_tenants
from pipeline.store.collections import CALLS, INTENTS, RESULTS, SUGGESTIONS, UTTERANCES
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.generations.applying import apply
from pipeline.store.qdrant import QdrantStore
from pipeline.store.stage import build
from schemas.call import CallStarted
from schemas.wire import Lane

NOW = datetime.now(UTC).replace(microsecond=0)
OLD, YOUNG = NOW - timedelta(days=100), NOW - timedelta(days=10)
LIMIT = NOW - timedelta(days=90)


class OtherEncoder(HashingEncoder):
    """Another embedder, by its name."""

    name = "hashing-other"  # type: ignore[misc]  # final there, so that nobody changes it by mistake


def inbound_at(payload: object, at: datetime, tenant: str = "acme") -> Inbound:
    return inbound(payload, at=at, tenant=tenant)  # type: ignore[arg-type]  # events of calls


async def mine(store: QdrantStore, call: str, at: datetime, tenant: str = "acme") -> None:
    facts = FACTS.model_copy(update={"started_at": at})
    found, handler = insight(call, facts=facts), build(store=store)
    advice = suggestion(call).model_copy(update={"call": facts})
    for event in (transcript(call, facts=facts), found, flow_state(found), advice):
        await handler(inbound_at(event, at, tenant))


async def begin_live(store: QdrantStore, call: str, at: datetime) -> None:
    facts = FACTS.model_copy(update={"started_at": at})
    await build(store=store)(inbound_at(CallStarted(call_id=call, lane=Lane.LIVE, call=facts), at))


@pytest.fixture
async def store(shelf: Shelf) -> QdrantStore:
    """Calls of two tenants, old and young."""
    store = shelf.store()
    await store.prepare()
    await mine(store, "old", OLD)
    await mine(store, "young", YOUNG)
    await mine(store, "theirs", OLD, "umbrella")
    return store


def points(shelf: Shelf, collection: str, *whole: str) -> Points:
    return Points(shelf.connection, shelf.prefix, collection, whole)


async def test_words_go_and_figures_stay(shelf: Shelf, store: QdrantStore) -> None:
    words = points(shelf, UTTERANCES)
    due = await words.due("acme", LIMIT)
    assert (due.count, due.oldest) == (4, OLD)
    assert await words.remove("acme", LIMIT) == 4
    assert ((await words.due("acme", LIMIT)).count, await words.remove("acme", LIMIT)) == (0, 0)
    answers = StoredAnswers(store, Asker("acme"))
    found = await answers.answer(Search(text="price of my plan"))
    assert {one.call_id for one in found.items} == {"young"}
    assert (await answers.answer(Aggregate(by=("intent",)))).total.count == 2
    assert (await answers.answer(ReadTranscript(call="old"))).segments == ()
    shown = await answers.answer(ShowCall(call="old"))
    assert (shown.turns, len(shown.intents), len(shown.suggestions)) == ((), 2, 1)
    theirs = await StoredAnswers(store, Asker("umbrella")).answer(ReadTranscript(call="theirs"))
    assert len(theirs.segments) == 4


async def test_a_whole_call_leaves_nothing_and_what_is_elsewhere_goes_before(shelf: Shelf, store: QdrantStore) -> None:
    asked: list[tuple[str, tuple[str, ...], int]] = []

    async def elsewhere(tenant: str, calls: Sequence[str]) -> None:
        asked.append((tenant, tuple(calls), (await calls_due.due("acme", LIMIT)).count or 0))

    calls_due = replace(points(shelf, CALLS, RESULTS, SUGGESTIONS, INTENTS, UTTERANCES), also=elsewhere)
    assert await calls_due.remove("acme", LIMIT) == 1
    assert asked == [("acme", ("old",), 1)]
    for collection in (CALLS, RESULTS, SUGGESTIONS, INTENTS, UTTERANCES):
        found, _ = await store.page(collection, Asker("acme").scope, 100)
        assert {hit.payload["call_id"] for hit in found} == {"young"}, collection
    assert await stored_tenants(shelf.connection, shelf.prefix) == {"acme", "umbrella"}


async def test_generations_that_are_kept_for_a_roll_back_forget_them_too(shelf: Shelf, store: QdrantStore) -> None:
    await apply(shelf.installation(InThread(OtherEncoder())), re_embed=True)
    assert {"utterances-1", "utterances-2"} <= set(await shelf.names())
    words = points(shelf, UTTERANCES)
    assert (await words.due("acme", LIMIT)).count == 8
    assert await words.remove("acme", LIMIT) == 8
    assert (await words.due("acme", NOW)).count == 8  # the young one, twice
    found, _ = await store.page(UTTERANCES, Asker("acme").scope, 100)  # it keeps to the old generation
    assert {hit.payload["call_id"] for hit in found} == {"young"}


async def test_a_call_that_goes_on_stays_until_nothing_came_of_it_for_a_day(shelf: Shelf, store: QdrantStore) -> None:
    await begin_live(store, "long", OLD)
    calls = points(shelf, CALLS)
    assert await calls.remove("acme", LIMIT) == 1
    found, _ = await store.page(CALLS, Asker("acme").scope, 100)
    assert {hit.payload["call_id"] for hit in found} == {"long", "young"}
    later = replace(calls, now=lambda: NOW.timestamp() + 2 * 86_400)
    assert await later.remove("acme", LIMIT) == 1


async def test_more_calls_than_go_in_one_step_all_go(
    shelf: Shelf, store: QdrantStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.retention.points._BATCH", 2)
    for number in range(4):
        await mine(store, f"old-{number}", OLD + timedelta(hours=number))
    assert await points(shelf, UTTERANCES).remove("acme", LIMIT) == 20
