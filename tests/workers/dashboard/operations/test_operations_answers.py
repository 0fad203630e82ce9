"""What operations are told: of their own tenant alone, by whom it may be seen, also while the broker is away."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from died_events import died, original
from gateway_app import client_of, made_store
from operations_room import operations_of

from pipeline.access.principal import Principal
from pipeline.errors import Retryable
from pipeline.questions.answering import StoredAnswers
from pipeline.stages import FAILED, RECORDINGS, STAGES
from pipeline.testing import InMemoryStore
from workers.dashboard.operations.course import EVERY_S, Watch
from workers.dashboard.operations.in_process import InProcessPlant
from workers.dashboard.operations.plant import Progress
from workers.dead_letters import name_of
from workers.gateway.app import Room, create_app
from workers.in_process import InProcessBroker
from workers.records import NewRecord

PEOPLE = {
    "admin": Principal("k-admin", "acme", frozenset({"admin"}), "Ada"),
    "supervisor": Principal("k-supervisor", "acme", frozenset({"supervisor"})),
    "analyst": Principal("k-analyst", "acme", frozenset({"analyst"})),
    "ann": Principal("k-ann", "acme", frozenset({"agent:ann"})),
    "home": Principal("k-home", "home", frozenset({"admin"})),
}


def client(room: Room, key: str = "admin") -> AbstractAsyncContextManager[httpx.AsyncClient]:
    store = InMemoryStore()
    return client_of(create_app(lambda asker: StoredAnswers(store, asker), PEOPLE.get, rooms=(room,)), key)


class Plant(InProcessPlant):
    """One whose broker comes and goes."""

    away = False
    looks = 0

    async def progress(self) -> Sequence[Progress]:
        self.looks += 1
        if self.away:
            raise Retryable("Kafka does not answer", dependency="kafka")
        return await super().progress()


async def test_every_stage_says_what_waits_for_it() -> None:
    room, broker = await operations_of()
    await broker.publish([NewRecord(RECORDINGS, b"acme:1", b"{}", ()) for _ in range(3)])
    async with client(room, "supervisor") as asks:
        items = (await asks.get("/v1/operations/stages")).json()["items"]
    waiting = {(one["stage"], one["lane"]): one["waiting"] for one in items}
    assert waiting.keys() == {(stage.name, str(stage.lane)) for stage in STAGES}
    assert waiting["asr", "batch"] == 3
    assert waiting["asr", "live"] == 0


async def test_many_who_look_cost_one_look_and_a_rate_needs_two() -> None:
    broker, at = InProcessBroker(), [100.0]
    plant = Plant(broker)
    watch = Watch(plant, lambda: at[0])
    await broker.publish([NewRecord(FAILED, b"acme:1", b"{}", ()) for _ in range(40)])
    first = [await watch.course() for _ in range(5)][-1]
    assert plant.looks == 1
    assert all(one.per_second is None for one in first.items)
    at[0] += EVERY_S
    index = next(stage for stage in STAGES if (stage.name, stage.lane) == ("index", "batch"))
    for record in broker.records(FAILED)[:10]:
        broker.commit(index.group, record)
    found = next(one for one in (await watch.course()).items if (one.stage, one.lane) == ("index", "batch"))
    assert found.waiting == 30
    assert found.per_second == pytest.approx(10 / EVERY_S)
    assert found.catches_up_s == pytest.approx(30 / (10 / EVERY_S))
    assert [waiting for _, waiting in found.lately] == [40, 30]


async def test_while_the_broker_is_away_the_last_figures_stay_and_it_is_said() -> None:
    plant, at = Plant(InProcessBroker()), [100.0]
    watch = Watch(plant, lambda: at[0])
    before = await watch.course()
    plant.away, at[0] = True, at[0] + EVERY_S
    now = await watch.course()
    assert now.away == "Kafka does not answer"
    assert now.at_ms == before.at_ms
    assert now.items == before.items


async def test_costs_are_the_tenants_own_and_models_without_a_price_are_named() -> None:
    room, _ = await operations_of()
    async with client(room) as asks:
        found = (await asks.get("/v1/operations/cost", params={"by": "scenario"})).json()
        assert [(one["name"], one["requests"], one["usd"]) for one in found["items"]] == [("telecom", 4, 0.5)]
        assert (await asks.get("/v1/operations/cost", params={"by": "colour"})).status_code == 422
        assert (await asks.get("/v1/operations/cost", params={"since": "soon"})).status_code == 422


async def test_questions_of_customers_are_counted_with_their_misses() -> None:
    store = await made_store()
    room, _ = await operations_of(store=store)
    async with client(room) as asks:
        found = (await asks.get("/v1/operations/knowledge/telecom")).json()
    assert found["scenario"] == "telecom"
    assert found["answered"] <= found["asked"]


async def test_dead_letters_are_the_tenants_own_and_of_nobody_known_those_of_the_home_tenant() -> None:
    room, _ = await operations_of()
    async with client(room, "supervisor") as asks:
        found = (await asks.get("/v1/operations/dead-letters", params={"since": "2020-01-01"})).json()
        assert sorted(one["call_id"] for one in found["items"]) == ["c1", "c2"]
        assert found["matching"] == 2
        some = (await asks.get("/v1/operations/dead-letters", params={"since": "2020-01-01", "contains": "img"})).json()
        assert [one["call_id"] for one in some["items"]] == ["c1"]
    async with client(room, "home") as asks:
        found = (await asks.get("/v1/operations/dead-letters", params={"since": "2020-01-01"})).json()
        assert [one["call_id"] for one in found["items"]] == [None]


async def names_of(asks: httpx.AsyncClient) -> dict[str, str]:
    found = (await asks.get("/v1/operations/dead-letters", params={"since": "2020-01-01"})).json()
    return {one["call_id"]: one["name"] for one in found["items"]}


async def test_what_could_not_be_handled_is_shown_to_an_admin_of_its_tenant() -> None:
    room, broker = await operations_of()
    theirs = _of_another_tenant(broker)
    async with client(room) as asks:
        name = (await names_of(asks))["c1"]
        found = (await asks.get(f"/v1/operations/dead-letters/{name}")).json()
        assert found["letter"]["call_id"] == "c1"
        assert '"call_id": "c1"' in found["value"]
        for hidden in (theirs, "calls.recordings.asr.dlq:0:999"):
            answer = await asks.get(f"/v1/operations/dead-letters/{hidden}")
            assert (answer.status_code, answer.json()["detail"]) == (404, f"there is no dead letter {hidden}")
        answer = await asks.get("/v1/operations/dead-letters/nonsense")
        assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b'{"a":"\xc3\xa4"}', '{\n  "a": "ä"\n}'),
        (b"no JSON", "no JSON"),
        (b"\x00\xff", "\0\\xff"),
        (b'"\\ud800"', '"\\ud800"'),
        (None, ""),
    ],
)
async def test_whatever_could_not_be_handled_is_shown_as_text(value: bytes | None, shown: str) -> None:
    room, broker = await operations_of()
    await broker.publish([died(original("c3", value))])
    async with client(room) as asks:
        name = (await names_of(asks))["c3"]
        answer = await asks.get(f"/v1/operations/dead-letters/{name}")
        assert (answer.status_code, answer.json()["value"]) == (200, shown)


async def test_an_admin_replays_once_and_by_name_and_another_tenants_never() -> None:
    room, broker = await operations_of()
    theirs = _of_another_tenant(broker)
    async with client(room) as asks:
        name = (await names_of(asks))["c1"]
        refused = await asks.post("/v1/operations/dead-letters/replay", json={"names": [name, theirs]})
        assert refused.status_code == 404
        assert broker.records(RECORDINGS) == []
        done = (await asks.post("/v1/operations/dead-letters/replay", json={"names": [name, name]})).json()
        assert [one["state"] for one in done["items"]] == ["replayed"]
        (again,) = broker.records(RECORDINGS)
        assert again.value == b'{"call_id": "c1"}'
        done = (await asks.post("/v1/operations/dead-letters/replay", json={"names": [name]})).json()
        assert [one["state"] for one in done["items"]] == ["skipped"]
        done = (await asks.post("/v1/operations/dead-letters/replay", json={"names": [name], "again": True})).json()
        assert [one["state"] for one in done["items"]] == ["replayed"]
        listed = (await asks.get("/v1/operations/dead-letters", params={"since": "2020-01-01"})).json()["items"]
        assert {one["call_id"]: one["replayed_by"] for one in listed} == {"c1": "Ada", "c2": None}


async def test_supervisors_look_and_do_not_replay_and_others_see_nothing() -> None:
    room, _ = await operations_of()
    paths = ("stages", "cost", "knowledge/telecom", "dead-letters")
    async with client(room, "supervisor") as asks:
        name = (await names_of(asks))["c1"]
        assert (await asks.get(f"/v1/operations/dead-letters/{name}")).status_code == 403
        assert (await asks.post("/v1/operations/dead-letters/replay", json={"names": [name]})).status_code == 403
    for key in ("analyst", "ann"):
        async with client(room, key) as asks:
            assert [(await asks.get(f"/v1/operations/{path}")).status_code for path in paths] == [403] * len(paths)


def _of_another_tenant(broker: InProcessBroker) -> str:
    dead = broker.records("calls.recordings.asr.dlq")
    return next(name_of(one.position) for one in dead if (one.key or b"").startswith(b"umbrella"))
