"""The pages that come with a scenario, cut into passages and kept in the vector store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipeline.ids import stable_id
from pipeline.knowledge.cutting import cut
from pipeline.ports import Point, VectorStore, Where
from pipeline.scenarios.model import Scenario
from pipeline.store.collections import KNOWLEDGE

ORIGIN: Final = "scenario"


async def load_knowledge(store: VectorStore, scenario: Scenario, tenant_id: str) -> int:
    """Bring the passages that ship with a scenario into the store, and take out those that it no longer has.

    Doing it again writes nothing. Passages that came another way (their ``origin`` says so) are left alone.

    Returns:
        how many passages the scenario has.

    Raises:
        Retryable: the store is away.
    """
    points = list(_points(scenario, tenant_id))
    ids = [point.id for point in points]
    there = {hit.id for hit in await store.get(KNOWLEDGE, ids)}
    if missing := [point for point in points if point.id not in there]:
        await store.put(KNOWLEDGE, missing)
    await store.remove(KNOWLEDGE, _brought_by(scenario.id, tenant_id), keep=ids)
    return len(points)


async def drop_knowledge(store: VectorStore, scenario_id: str, tenant_id: str) -> None:
    """Take out the passages that came with a scenario that is there no more.

    Raises:
        Retryable: the store is away.
    """
    await store.remove(KNOWLEDGE, _brought_by(scenario_id, tenant_id))


def _brought_by(scenario_id: str, tenant_id: str) -> Where:
    return Where(equal={"tenant_id": tenant_id, "scenario": scenario_id, "origin": ORIGIN})


def _points(scenario: Scenario, tenant_id: str) -> Iterator[Point]:
    for language, edition in scenario.editions.items():
        for document in edition.knowledge:
            source = f"{scenario.id}/{language}/{document.name}.md"
            for passage in cut(document.text, source=source, title=document.title):
                yield Point(
                    id=stable_id("passage-point", tenant_id, passage.passage_id),
                    text=f"{passage.title}\n{passage.text}",
                    payload={
                        **passage.model_dump(),
                        "tenant_id": tenant_id,
                        "scenario": scenario.id,
                        "language": language,
                        "origin": ORIGIN,
                    },
                )
