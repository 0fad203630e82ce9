from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mined_calls import FACTS, START, TENANT, inbound, insight, intent, transcript

from pipeline.discovery.stored import discovered
from pipeline.discovery.uncovered import Uncovered, uncovered
from pipeline.ports import Point
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.condition import parse_condition
from pipeline.store.collections import INTENTS, UTTERANCES
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.points import intents, utterances
from pipeline.testing import InMemoryStore
from schemas.wire import Role

TURNS = (
    (Role.AGENT, "good morning how can I help you"),
    (Role.CUSTOMER, "I am worried about the price of my plan"),
    (Role.CUSTOMER, "yes please"),
    (Role.CUSTOMER, "my parcel locker did not open at the station"),
    (Role.CUSTOMER, "perhaps some discount for students"),
    (Role.AGENT, "the parcel locker team is told"),
)


async def store_of(calls: int = 1, tenant: str = TENANT) -> InMemoryStore:
    store = InMemoryStore()
    for number in range(calls):
        facts = FACTS.model_copy(update={"started_at": START + timedelta(weeks=number % 6)})
        said = transcript(f"call-{number}", TURNS, facts=facts)
        guess = intent("ask_discount", 4, "discount for students", confidence=0.3)
        nameless = intent("other", 3, "parcel locker")
        found = insight(f"call-{number}", (intent("price_concern", 1, "worried"), guess, nameless), facts=facts)
        await put(store, UTTERANCES, utterances(inbound(said, tenant=tenant), said))
        await put(store, INTENTS, intents(inbound(found, tenant=tenant), found))
    return store


async def put(store: InMemoryStore, collection: str, points: list[Point]) -> None:
    await store.put(collection, points)


async def read(store: InMemoryStore, *conditions: str, tenant: str = TENANT) -> Uncovered:
    answers = StoredAnswers(store, Asker(tenant))
    return await uncovered(answers, tuple(map(parse_condition, conditions)))


async def test_what_an_intent_stands_on_and_what_is_trivial_is_left_out_and_counted() -> None:
    found = await read(await store_of())
    assert {one.text for one in found.said} == {TURNS[3][1], TURNS[4][1]}
    assert (found.read, found.covered, found.trivial) == (4, 1, 1)
    assert {(one.call_id, one.week, one.scenario) for one in found.said} == {("call-0", "2026-W10", "telecom")}


async def test_agents_are_read_when_they_are_asked_for() -> None:
    store = await store_of()
    found = await uncovered(StoredAnswers(store, Asker(TENANT)), (), "agent")
    assert [one.text for one in found.said] == [TURNS[5][1]]
    assert (await uncovered(StoredAnswers(store, Asker(TENANT)), (), "both")).read == 6


async def test_another_tenant_sees_nothing_and_conditions_hold() -> None:
    store = await store_of(3)
    assert (await read(store, tenant="other")).read == 0
    assert (await read(store, "started>=2026-03-09")).read == 8
    emptied = await read(store, "scenario=telecom", "started<2020-01-01")
    assert emptied.emptied_by == "started<2020-01-01"


async def test_clusters_of_stored_calls_count_their_calls_and_have_trends() -> None:
    found = await discovered(
        await read(await store_of(48)), InThread(HashingEncoder()), now=lambda: datetime(2026, 5, 1, tzinfo=UTC)
    )
    assert {(cluster.calls, cluster.size, cluster.scenarios) for cluster in found.clusters} == {(48, 48, ("telecom",))}
    assert {one.direction for cluster in found.clusters if (one := cluster.trend)} <= {"steady"}
    assert len(found.clusters) == 2


async def test_more_than_can_be_compared_is_a_sample(monkeypatch: object) -> None:
    from pipeline.discovery import uncovered as module

    before = module.MOST
    try:
        module.MOST = 3  # type: ignore[misc]  # fewer than are stored
        found = await read(await store_of(5))
    finally:
        module.MOST = before  # type: ignore[misc]  # as it was
    assert found.is_sample
    assert len(found.said) == 3
