from __future__ import annotations

from pipeline import figures
from pipeline.ids import stable_id
from pipeline.knowledge.finding import find_passages
from pipeline.ports import Point
from pipeline.store.collections import KNOWLEDGE
from pipeline.testing import InMemoryMeter, InMemoryStore


def passage(name: str, text: str, **payload: str) -> Point:
    return Point(
        stable_id("test", name),
        f"{name}\n{text}",
        {
            "passage_id": name,
            "source": "faq.md",
            "title": name,
            "text": text,
            "tenant_id": "acme",
            "scenario": "telecom",
            "language": "en",
            "added_by": "kim",
            **payload,
        },
    )


async def test_the_passage_that_answers_comes_with_its_relevance_and_who_brought_it() -> None:
    store, meter = InMemoryStore(), InMemoryMeter()
    shipped = passage("Router", "The router is free of charge.")
    del shipped.payload["added_by"]  # type: ignore[attr-defined]
    await store.put(KNOWLEDGE, [passage("Roaming", "A day pass costs $8 a day."), shipped])
    asked = {"tenant_id": "acme", "scenario": "telecom", "language": "en"}
    (found,) = await find_passages(store, "What does the day pass cost?", **asked, meter=meter)  # type: ignore[arg-type]
    assert (found.passage.title, found.approved_by) == ("Roaming", "kim")
    (router,) = await find_passages(store, "Is the router free?", **asked, meter=meter)  # type: ignore[arg-type]
    assert router.approved_by == "telecom"
    assert await find_passages(store, "Do you sell watches?", **asked, meter=meter) == ()  # type: ignore[arg-type]
    labels = {"scenario": "telecom", "language": "en"}
    assert meter.counted(figures.KB_ASKED, **labels) == 3
    assert meter.counted(figures.KB_HIT, **labels) == 2
    best = meter.observed(figures.KB_RELEVANCE, **labels)
    assert best[0] == found.relevance or abs(best[0] - found.relevance) < 1e-3
    assert best[2] < 0.35


async def test_passages_of_others_answer_nothing() -> None:
    store = InMemoryStore()
    others = [
        passage(name, "A day pass costs $8 a day.", **other)
        for name, other in (("a", {"tenant_id": "other"}), ("b", {"scenario": "support"}), ("c", {"language": "zh"}))
    ]
    await store.put(KNOWLEDGE, others)
    question = "What does the day pass cost?"
    assert await find_passages(store, question, tenant_id="acme", scenario="telecom", language="en") == ()


async def test_no_more_passages_than_asked_for_and_none_below_the_least() -> None:
    store = InMemoryStore()
    await store.put(KNOWLEDGE, [passage(name, "A day pass costs $8 a day.") for name in ("a", "b", "c")])
    asked = {"tenant_id": "acme", "scenario": "telecom", "language": "en"}
    question = "What does the day pass cost?"
    assert len(await find_passages(store, question, **asked, most=2)) == 2  # type: ignore[arg-type]
    assert await find_passages(store, question, **asked, least=0.99) == ()  # type: ignore[arg-type]
