from __future__ import annotations

from pipeline.ids import stable_id
from pipeline.knowledge.scenario_pages import load_knowledge
from pipeline.ports import Point
from pipeline.scenarios.load import shipped
from pipeline.scenarios.model import Document, Scenario
from pipeline.testing import InMemoryStore


def with_page(text: str) -> Scenario:
    scenario = shipped("telecom")
    page = Document(name="extra", title="Extra", text=text)
    english = scenario.editions["en"].model_copy(update={"knowledge": (page,)})
    return scenario.model_copy(update={"editions": {"en": english}})


async def test_loading_again_writes_nothing() -> None:
    store = InMemoryStore()
    count = await load_knowledge(store, shipped("telecom"), "acme")
    before = dict(store.points["knowledge"])
    assert await load_knowledge(store, shipped("telecom"), "acme") == count == len(before)
    assert all(store.points["knowledge"][id_] is point for id_, point in before.items())


async def test_passages_that_are_gone_are_removed_and_others_stay() -> None:
    store = InMemoryStore()
    await load_knowledge(store, with_page("Old.\n\n# A\n\nKept."), "acme")
    await load_knowledge(store, with_page("Old."), "other")
    added = Point(stable_id("x", "1"), "Added.", {"tenant_id": "acme", "scenario": "telecom", "origin": "files"})
    await store.put("knowledge", [added])
    await load_knowledge(store, with_page("New.\n\n# A\n\nKept."), "acme")
    texts = sorted(point.text for point in store.points["knowledge"].values())
    assert texts == ["A\nKept.", "Added.", "Extra\nNew.", "Extra\nOld."]
