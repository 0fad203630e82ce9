"""What every response cache promises, in every place; then what open_cache adds."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cache_places import DAY_S, DAYS, PLACES, Clock, MakeCache, answer, caches
from structlog.testing import capture_logs

from pipeline.errors import Config, Retryable
from pipeline.figures import KEPT_ANSWERS
from pipeline.llm.cache_qdrant import COLLECTION, QdrantResponseCache
from pipeline.llm.cache_tolerant import TolerantCache
from pipeline.llm.caches import open_cache
from pipeline.ports import KeptAnswer, ResponseCache
from pipeline.settings import LlmSettings, Settings, StoreSettings
from pipeline.store.connections import Folder, Server
from pipeline.testing import InMemoryMeter, InMemoryResponseCache


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=PLACES)
async def make(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[MakeCache]:
    async with caches(request.param, tmp_path, clock, request) as made:
        yield made


@pytest.fixture
def cache(make: MakeCache) -> ResponseCache:
    return make()


@pytest.mark.parametrize("text", ['{"summary": "我要投诉"}', "", "a\x00b\n\u2028", "\\ud83d 😀", "x" * 200_000])
async def test_what_is_kept_is_found_as_it_was(cache: ResponseCache, text: str) -> None:
    assert await cache.put("k", answer(text), subject="t1:c1") == answer(text)
    assert await cache.get("k") == answer(text)


async def test_what_was_never_kept_is_not_found(cache: ResponseCache) -> None:
    await cache.put("k1", answer(), subject="t1:c1")
    assert await cache.get("k2") is None


async def test_another_worker_finds_it(make: MakeCache) -> None:
    one, other = make(), make()
    assert await other.get("k") is None
    await one.put("k", answer(), subject="t1:c1")
    assert await other.get("k") == answer()


async def test_the_first_answer_stays_and_is_given_to_whoever_comes_later(make: MakeCache) -> None:
    one, late = make(), make()
    await one.put("k", answer("first"), subject="t1:c1")
    assert await late.put("k", answer("second"), subject="t1:c1") == answer("first")
    assert await one.get("k") == answer("first")


async def test_of_many_at_once_all_go_on_with_the_same_answer(make: MakeCache) -> None:
    workers = [make(), make()]
    puts = [workers[n % 2].put("k", answer(f"by {n}"), subject="t1:c1") for n in range(12)]
    assert set(await asyncio.gather(*puts)) == {await workers[0].get("k")}


async def test_an_answer_is_kept_for_its_days_and_then_gives_way(cache: ResponseCache, clock: Clock) -> None:
    await cache.put("k", answer("old"), subject="t1:c1")
    clock.s += DAYS * DAY_S
    assert await cache.get("k") == answer("old")
    assert await cache.put("k", answer("new"), subject="t1:c1") == answer("old")
    clock.s += 1
    assert await cache.get("k") is None
    assert await cache.put("k", answer("new"), subject="t1:c1") == answer("new")
    assert await cache.get("k") == answer("new")


async def test_removing_a_call_removes_all_of_it_and_nothing_else(make: MakeCache) -> None:
    cache, other = make(), make()
    for key, subject in {"k1": "t1:c1", "k2": "t1:c1", "k3": "t1:c10", "k4": "t10:c1"}.items():
        await cache.put(key, answer(), subject=subject)
    await other.remove("t1:c1")
    assert [key for key in ("k1", "k2", "k3", "k4") if await cache.get(key)] == ["k3", "k4"]
    await other.remove("t1:c1")


async def test_what_was_kept_longer_ago_is_deleted_when_asked_for(make: MakeCache, clock: Clock) -> None:
    cache, other = make(), make()
    await cache.put("k1", answer(), subject="t1:c1")
    clock.s += 2 * DAY_S
    await cache.put("k2", answer(), subject="t1:c1")
    assert await other.expire(DAY_S) == 1
    assert [key for key in ("k1", "k2") if await cache.get(key)] == ["k2"]
    assert await other.expire(DAY_S) == 0


async def test_the_collection_has_no_more_than_what_is_young_enough(tmp_path: Path, clock: Clock) -> None:
    connection = Folder(tmp_path)
    cache = QdrantResponseCache(connection, prefix="p-", days=DAYS, now=clock)

    async def kept() -> int:
        return (await connection.run(lambda client: client.count(f"p-{COLLECTION}"))).count

    await cache.put("k1", answer(), subject="t1:c1")
    clock.s += DAYS * DAY_S
    await cache.put("k2", answer(), subject="t1:c1")
    assert await kept() == 2
    clock.s += 3_600
    await cache.put("k3", answer(), subject="t1:c1")
    assert await kept() == 2
    await cache.close()


async def test_what_is_no_answer_counts_as_none_and_is_replaced(tmp_path: Path, clock: Clock) -> None:
    connection = Folder(tmp_path)
    cache = QdrantResponseCache(connection, days=DAYS, now=clock)
    await cache.put("k", answer(), subject="t1:c1")
    records, _ = await connection.run(lambda client: client.scroll(COLLECTION))
    ids = [record.id for record in records]
    await connection.run(lambda client: client.set_payload(COLLECTION, {"answer": '{"text": 1}'}, points=ids))
    assert await cache.get("k") is None
    assert await cache.put("k", answer("again"), subject="t1:c1") == answer("again")
    assert await cache.get("k") == answer("again")
    await cache.close()


async def test_a_collection_that_somebody_deleted_is_made_again(tmp_path: Path, clock: Clock) -> None:
    connection = Folder(tmp_path)
    now = Clock()
    cache = TolerantCache(QdrantResponseCache(connection, days=DAYS, now=clock), clock=now)
    await cache.put("k", answer(), subject="t1:c1")
    await connection.run(lambda client: client.delete_collection(COLLECTION))
    assert await cache.get("k") is None
    now.s += 60
    await cache.put("k", answer(), subject="t1:c1")
    assert await cache.get("k") == answer()
    await cache.close()


async def test_a_server_that_is_away_is_retryable_below_and_a_miss_above(clock: Clock) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cache = QdrantResponseCache(Server(f"http://127.0.0.1:{port}", timeout_s=2), days=DAYS, now=clock)
    with pytest.raises(Retryable):
        await cache.get("k")
    assert await TolerantCache(cache).get("k") is None
    await cache.close()


class Failing(InMemoryResponseCache):
    """A cache that fails while it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = Retryable("the disk is full", dependency="answers", hint="make room")
        self.hangs = False
        self.asked = 0
        self.reached = asyncio.Event()

    async def get(self, key: str) -> KeptAnswer | None:
        await self._trouble()
        return await super().get(key)

    async def put(self, key: str, answer: KeptAnswer, *, subject: str) -> KeptAnswer:
        await self._trouble()
        return await super().put(key, answer, subject=subject)

    async def remove(self, subject: str) -> int:
        await self._trouble()
        return await super().remove(subject)

    async def _trouble(self) -> None:
        self.asked += 1
        self.reached.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    "error", [Retryable("x", dependency="answers"), Config("A", "b"), OSError(28, "full"), KeyError()]
)
async def test_trouble_is_a_miss_when_reading_and_nothing_when_writing(error: Exception) -> None:
    failing, now = Failing(), Clock()
    failing.error = error
    cache = TolerantCache(failing, clock=now)
    assert await cache.get("k") is None
    now.s += 60
    assert await cache.put("k", answer(), subject="t1:c1") == answer()
    assert cache.counts == {"miss": 1, "failed": 2}


async def test_an_erasure_that_fails_is_not_passed_over() -> None:
    with pytest.raises(Retryable, match="disk is full"):
        await TolerantCache(Failing()).remove("t1:c1")


async def test_after_trouble_the_cache_is_left_alone_for_a_while_and_then_used_again() -> None:
    failing, now = Failing(), Clock()
    cache = TolerantCache(failing, clock=now)
    await cache.get("k")
    failing.error = None
    now.s += 9
    assert await cache.put("k", answer(), subject="t1:c1") == answer()
    assert failing.asked == 1
    now.s += 1
    await cache.put("k", answer(), subject="t1:c1")
    assert await cache.get("k") == answer()
    assert cache.counts == {"miss": 1, "failed": 1, "hit": 1}


async def test_trouble_is_said_once_a_minute_with_what_to_do() -> None:
    now = Clock()
    cache = TolerantCache(Failing(), clock=now)
    with capture_logs() as logs:
        for _ in range(12):
            await cache.get("k")
            now.s += 10
    assert [(entry["log_level"], entry["error"], entry["hint"], entry["failed"]) for entry in logs] == [
        ("warning", "the disk is full", "make room", 1),
        ("warning", "the disk is full", "make room", 7),
    ]


async def test_nobody_waits_long_for_a_cache_that_hangs() -> None:
    failing = Failing()
    failing.hangs = True
    cache = TolerantCache(failing, patience_s=0.02)
    with capture_logs() as logs:
        assert await cache.put("k", answer(), subject="t1:c1") == answer()
    assert logs[0]["error"] == "no answer in 0.02 s"


async def test_a_worker_that_is_stopped_meanwhile_is_not_held_up() -> None:
    failing = Failing()
    failing.hangs = True
    asking = asyncio.create_task(TolerantCache(failing).get("k"))
    await failing.reached.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_the_settings_choose_and_nothing_is_touched_before_its_first_use(tmp_path: Path) -> None:
    path = tmp_path / "new" / "answers.sqlite"
    cache = open_cache(Settings(llm=LlmSettings(cache="sqlite", cache_path=path)))
    assert not path.parent.exists()
    await cache.put("k", answer(), subject="t1:c1")
    await cache.close()
    again = open_cache(Settings(llm=LlmSettings(cache="sqlite", cache_path=path)))
    assert await again.get("k") == answer()
    await again.close()


async def test_what_is_found_and_what_is_not_is_measured(tmp_path: Path) -> None:
    meter = InMemoryMeter()
    cache = open_cache(Settings(llm=LlmSettings(cache_path=tmp_path / "answers.sqlite")), meter, "speech")
    await cache.get("k")
    await cache.put("k", answer(), subject="t1:c1")
    await cache.get("k")
    await cache.get("k")
    await cache.close()
    found = {
        outcome: meter.counted(KEPT_ANSWERS, of="speech", outcome=outcome) for outcome in ("hit", "miss", "failed")
    }
    assert found == {"hit": 2, "miss": 1, "failed": 0}


async def test_switched_off_it_keeps_nothing(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    cache = open_cache(Settings(llm=LlmSettings(cache="off", cache_path=path)))
    assert await cache.put("k", answer(), subject="t1:c1") == answer()
    assert await cache.get("k") is None
    await cache.remove("t1:c1")
    await cache.close()
    assert not path.exists()


async def test_the_cache_of_a_fleet_stands_on_the_server_of_the_store(stand_in_url: str) -> None:
    settings = Settings(llm=LlmSettings(cache="qdrant"), store=StoreSettings(url=stand_in_url, prefix="open-"))
    one, other = open_cache(settings), open_cache(settings)
    await one.put("k", answer(), subject="t1:c1")
    assert await other.get("k") == answer()
    await other.remove("t1:c1")
    assert await one.get("k") is None
    await one.close()
    await other.close()


def test_the_cache_of_a_fleet_without_a_server_stops_at_start() -> None:
    with pytest.raises(Config) as caught:
        open_cache(Settings(llm=LlmSettings(cache="qdrant"), store=StoreSettings(url=None)))
    assert caught.value.setting == "CONVMINE_LLM_CACHE"
    assert "QDRANT_URL" in (caught.value.hint or "")


async def test_a_place_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = open_cache(Settings(llm=LlmSettings(cache_path=tmp_path / "file" / "answers.sqlite")))
    with capture_logs() as logs:
        assert await cache.get("k") is None
    assert "answers.sqlite cannot be read or written" in logs[0]["error"]
    assert "CONVMINE_LLM_CACHE_PATH" in logs[0]["hint"]
    await cache.close()
