"""What is published while workers run: taken up, refused, and told back; in memory and on Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
from kafka_node import own_kafka_node
from published_cards import card_published, new_card, new_statistics, statistics
from published_config import (
    as_read,
    loaded,
    new_record,
    prompt_published,
    prompt_text,
    scenario,
    scenario_published,
    tombstone,
)
from structlog.testing import capture_logs

from pipeline.errors import Retryable
from pipeline.figures import NoMeter
from pipeline.scenarios.library import Library
from pipeline.scenarios.load import ScenarioError
from pipeline.settings import KafkaSettings, Settings
from pipeline.stages import PROMPTS, RUNNING, STAGES
from schemas.reference import ConfigRunning
from workers.edge import Edge
from workers.followed import FollowedOnKafka
from workers.online import Presence, online, online_on_kafka
from workers.records import NewRecord, Record
from workers.transactions import transactions
from workers.uptake import CONFIG_TOPICS, Uptake

SECONDS = 20.0


@pytest.fixture
def library() -> Library:
    return Library(loaded, ["retail"])


def running(library: Library, tenant: str = "acme", of: str = "retail") -> str:
    """The prompt that calls are greeted with, or ""."""
    try:
        found = library(of, tenant).edition("en").prompt("greet")
    except ScenarioError:
        return ""
    return "" if found is None else found.label


async def until(true: Callable[[], bool], seconds: float = SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.02)


class Topics:
    """A ``Followed`` in memory."""

    def __init__(self, *there: NewRecord) -> None:
        self._there = there
        self._added: asyncio.Queue[Record] = asyncio.Queue()

    def add(self, record: NewRecord) -> None:
        self._added.put_nowait(as_read(record))

    async def whole(self) -> Sequence[Record]:
        return [as_read(record) for record in self._there]

    async def follow(self, take: Callable[[Record], None]) -> NoReturn:
        while True:
            take(await self._added.get())


class Written:
    """A ``Publisher`` that notes what it writes; while it is ``away`` it refuses."""

    def __init__(self) -> None:
        self.away = False
        self.times = 0
        self.last: dict[str, ConfigRunning | None] = {}

    async def publish(self, records: Sequence[NewRecord]) -> None:
        self.times += 1
        if self.away:
            raise Retryable("Kafka is away", dependency="kafka")
        for record in records:
            self.last[record.key.decode().partition(":")[0]] = told_by(record.value)


def told_by(value: bytes | None) -> ConfigRunning | None:
    return None if value is None else ConfigRunning.model_validate_json(value)


def presence(library: Library) -> Presence:
    return Presence(library, Uptake(library, NoMeter()), STAGES[:2], "default")


async def test_a_worker_says_at_start_what_it_runs_and_takes_it_back_when_it_leaves(library: Library) -> None:
    written, one = Written(), presence(library)
    there = [
        new_record(scenario_published(scenario("travel", 4))),
        new_record(prompt_published(1, challenger=(2, 0.1))),
    ]
    async with online(one, Topics(*there), written):
        await until(lambda: len(written.last) == 2)
        acme, default = written.last["acme"], written.last["default"]
    assert acme is not None
    assert default is not None
    assert acme.stages == ("asr.batch", "extract.batch")
    assert acme.worker == default.worker == one.worker
    assert (acme.scenarios, default.scenarios) == ({"retail": 1, "travel": 4}, {"retail": 1})
    assert [(p.prompt_version, p.challenger_version) for p in acme.prompts if p.prompt == "greet"] == [(1, 2)]
    assert [(p.prompt_version, p.challenger_version) for p in default.prompts if p.prompt == "greet"] == [(3, None)]
    assert written.last == {"acme": None, "default": None}


async def test_a_worker_says_at_once_what_has_changed_and_what_it_refused(library: Library) -> None:
    written, topics = Written(), Topics()
    async with online(presence(library), topics, written):
        await until(lambda: "default" in written.last)
        topics.add(bad := new_record(prompt_published(2, body="no front matter")))
        await until(lambda: bool((told := written.last.get("acme")) and told.refused))
        assert running(library) == "greet.v3"
        topics.add(new_record(prompt_published(2)))
        await until(lambda: bool((told := written.last.get("acme")) and not told.refused))
        assert running(library) == "greet.v2"
        topics.add(tombstone(bad))
        await until(lambda: written.last["acme"] is None)
        assert written.last["default"] is not None


async def test_a_worker_says_which_cards_it_shows_and_is_silent_about_their_figures_and_drafts(
    library: Library,
) -> None:
    written, topics = Written(), Topics(new_card(card_published(2)))
    async with online(presence(library), topics, written):
        await until(lambda: "acme" in written.last)
        for shown in range(1, 30):
            topics.add(new_statistics(statistics(shown=shown)))
            topics.add(new_card(card_published(3, status="draft")))
        await until(lambda: library.card_records("acme", "retail", "en", "offer").shown == 29)
        assert written.times == 1
        told = written.last["acme"]
        topics.add(new_card(card_published(4, status="withdrawn")))
        await until(lambda: written.times == 2)
        now = written.last["acme"]
    assert told is not None
    assert now is not None
    assert (told.cards, now.cards) == ({"retail:en:offer": 2}, {"retail:en:offer": 4})


async def test_a_worker_says_again_that_it_lives_also_after_it_could_not(library: Library) -> None:
    written = Written()
    written.away = True
    with capture_logs() as logs:
        async with online(presence(library), Topics(), written, every_s=0.02):
            await until(lambda: written.times > 2)
            written.away = False
            await until(lambda: "default" in written.last)
            first = written.last["default"]
            await until(lambda: written.last["default"] != first)
    assert "Kafka is away" in {one.get("reason") for one in logs}


@pytest.fixture
async def kafka(kafka_settings: KafkaSettings) -> Edge:
    edge = Edge(kafka_settings)
    await asyncio.to_thread(edge.apply_topics)
    return edge


@asynccontextmanager
async def a_worker(settings: KafkaSettings, library: Library) -> AsyncIterator[None]:
    followed = FollowedOnKafka(settings, CONFIG_TOPICS)
    async with online_on_kafka(Settings(kafka=settings, tenant="acme"), library, STAGES[:1], NoMeter(), followed):
        yield


def told(edge: Edge) -> dict[str, ConfigRunning | None]:
    """What was last told, by tenant and worker."""
    return {(record.key or b"").decode(): told_by(record.value) for record in edge.read(edge.spans([RUNNING]))}


async def test_what_is_published_on_kafka_is_taken_up_by_workers_that_run(
    kafka: Edge, kafka_settings: KafkaSettings, library: Library
) -> None:
    both = (library, Library(loaded, ["retail"]))
    first = new_record(prompt_published(1))
    steps: list[tuple[NewRecord, Callable[[Library], bool]]] = [
        (new_record(scenario_published(scenario("travel"))), lambda it: running(it, of="travel") == "greet.v2"),
        (new_record(scenario_published(scenario("retail", 2))), lambda it: it("retail", "acme").version == 2),
        (first, lambda it: running(it) == "greet.v1"),
        (tombstone(first), lambda it: running(it) == ""),
        (new_record(prompt_published(2), "other"), lambda it: running(it, "other") == "greet.v2"),
    ]
    await asyncio.to_thread(kafka.publish, [new_record(prompt_published(2, of="travel"))])
    async with a_worker(kafka_settings, both[0]), a_worker(kafka_settings, both[1]):
        for record, true in steps:
            await asyncio.to_thread(kafka.publish, [record])
            await until(partial(_all, true, both))
        assert running(library) == ""


def _all(true: Callable[[Library], bool], libraries: Sequence[Library]) -> bool:
    return all(true(library) for library in libraries)


async def test_workers_say_on_kafka_what_they_refuse_and_that_they_leave(
    kafka: Edge, kafka_settings: KafkaSettings, library: Library
) -> None:
    refused: list[str] = []
    await asyncio.to_thread(kafka.publish, [new_record(prompt_published(2), "other")])
    async with a_worker(kafka_settings, library):
        await asyncio.to_thread(kafka.publish, [new_record(prompt_published(9, body=prompt_text(8)))])
        async with asyncio.timeout(SECONDS):
            while not refused:
                said = await asyncio.to_thread(told, kafka)
                refused = [one.what for running in said.values() if running for one in running.refused]
    assert refused == ["prompt retail:en:greet"]
    said = await asyncio.to_thread(told, kafka)
    assert sorted(key.partition(":")[0] for key in said) == ["acme", "other"]
    assert set(said.values()) == {None}


async def test_what_was_published_in_a_transaction_that_was_given_up_is_never_seen(
    kafka: Edge, kafka_settings: KafkaSettings, library: Library
) -> None:
    def publish(version: int, *, give_up: bool = False) -> None:
        def afterwards(_: object) -> list[NewRecord]:
            if give_up:
                raise KeyboardInterrupt
            return []

        with suppress(KeyboardInterrupt), transactions(kafka_settings, "test") as writer:
            writer.write([new_record(prompt_published(version))], afterwards)

    await asyncio.to_thread(publish, 1)
    await asyncio.to_thread(publish, 2, give_up=True)
    async with a_worker(kafka_settings, library):
        assert running(library) == "greet.v1"
        await asyncio.to_thread(publish, 4, give_up=True)
        await asyncio.to_thread(publish, 5)
        await until(lambda: running(library) == "greet.v5")
    assert [one.label for one in library("retail", "acme").edition("en").prompts if one.id == "greet"] == [
        *("greet.v1", "greet.v3", "greet.v5")
    ]


async def test_reading_the_whole_ends_before_a_transaction_that_is_under_way(
    kafka: Edge, kafka_settings: KafkaSettings
) -> None:
    followed = FollowedOnKafka(kafka_settings, CONFIG_TOPICS)

    def while_open(_: object) -> list[NewRecord]:
        assert asyncio.run(followed.whole()) == []
        return []

    def write() -> None:
        with transactions(kafka_settings, "test") as writer:
            writer.write([new_record(prompt_published(1))], while_open)

    await asyncio.to_thread(write)
    assert len(await followed.whole()) == 1
    assert kafka.topics()[PROMPTS] == 2


async def test_topics_that_are_missing_are_told_at_start(kafka_settings: KafkaSettings, library: Library) -> None:
    with pytest.raises(Retryable, match=r"no topic config\.scenarios, config\.prompts"):
        async with a_worker(kafka_settings, library):
            pass


async def test_what_was_read_stays_while_the_broker_is_away_and_is_followed_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    taken: list[Record] = []
    with own_kafka_node(tmp_path) as node, capture_logs() as logs:
        settings = KafkaSettings(bootstrap_servers=node.servers, partitions=2)
        edge = Edge(settings)
        await asyncio.to_thread(edge.apply_topics)
        followed = FollowedOnKafka(settings, CONFIG_TOPICS, check_s=1.0)
        assert await followed.whole() == []
        following = asyncio.create_task(followed.follow(taken.append))
        await asyncio.to_thread(node.stop)
        await until(lambda: any("not followed" in one["event"] for one in logs))
        await asyncio.to_thread(node.start)
        await asyncio.to_thread(edge.publish, [new_record(prompt_published(2))])
        await until(lambda: len(taken) == 1)
        await until(lambda: any("followed again" in one["event"] for one in logs))
        following.cancel()
    assert [one["log_level"] for one in logs if "followed" in one["event"]] == ["warning", "warning"]
