"""The pages of scenarios in the store, while scenarios change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from published_config import scenario, scenario_published
from structlog.testing import capture_logs

from pipeline.errors import Retryable
from pipeline.ports import Point, Where
from pipeline.scenarios.library import Library
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Document, Scenario
from pipeline.store.collections import KNOWLEDGE
from pipeline.testing import InMemoryStore
from workers.knowledge import Knowledge


def with_page(text: str, name: str = "retail", version: int = 1) -> Scenario:
    made = scenario(name, version)
    edition = made.editions["en"]
    page = Document(name="returns", title="Returns", text=text)
    return made.model_copy(update={"editions": {"en": edition.model_copy(update={"knowledge": (page,)})}})


LOADED = {"retail": with_page("Within 14 days."), "phones": with_page("With the charger.", "phones")}


def loaded(name: str) -> Scenario:
    if name not in LOADED:
        raise ScenarioError(f"no scenario {name!r}")
    return LOADED[name]


class Away(InMemoryStore):
    """A store that is away at first."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def put(self, collection: str, points: Sequence[Point], *, over: Where | None = None) -> None:
        if self.times > 0:
            self.times -= 1
            raise Retryable("Qdrant is away", dependency="qdrant")
        await super().put(collection, points, over=over)


def pages(store: InMemoryStore, tenant: str) -> list[str]:
    held = store.points.get(KNOWLEDGE, {}).values()
    return sorted(str(point.payload["text"]) for point in held if point.payload["tenant_id"] == tenant)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


@asynccontextmanager
async def kept(knowledge: Knowledge, store: InMemoryStore) -> AsyncIterator[None]:
    keeping = asyncio.create_task(knowledge.keep(store))
    try:
        yield
    finally:
        keeping.cancel()


@pytest.fixture
def library() -> Library:
    return Library(loaded, list(LOADED))


async def test_at_start_there_are_the_pages_of_every_scenario_of_the_tenant(library: Library) -> None:
    store = InMemoryStore()
    await Knowledge(library).load_all(store, "acme")
    assert pages(store, "acme") == ["With the charger.", "Within 14 days."]
    assert pages(store, "other") == []


async def test_the_pages_of_what_changes_come_and_go_with_it(library: Library) -> None:
    store, knowledge = InMemoryStore(), Knowledge(library)
    async with kept(knowledge, store):
        library.take_scenario("other", scenario_published(with_page("Within 30 days.", version=2)))
        library.take_scenario("other", scenario_published(with_page("By train.", "travel")))
        await until(lambda: pages(store, "other") == ["By train.", "Within 30 days."])
        library.drop_scenario("other", "travel")
        library.drop_scenario("other", "retail")
        await until(lambda: pages(store, "other") == ["Within 14 days."])
    assert pages(store, "acme") == []


async def test_what_was_published_before_the_stage_began_is_loaded_by_it(library: Library) -> None:
    store, knowledge = InMemoryStore(), Knowledge(library)
    library.take_scenario("other", scenario_published(with_page("Within 30 days.", version=2)))
    async with kept(knowledge, store):
        await until(lambda: pages(store, "other") == ["Within 30 days."])


async def test_a_store_that_is_away_is_told_and_tried_again(library: Library) -> None:
    store, knowledge = Away(times=2), Knowledge(library, retry_s=0.01)
    with capture_logs() as logs:
        async with kept(knowledge, store):
            library.take_scenario("other", scenario_published(with_page("Within 30 days.", version=2)))
            await until(lambda: pages(store, "other") == ["Within 30 days."])
    assert [one["reason"] for one in logs if one["log_level"] == "warning"] == ["Qdrant is away"] * 2
