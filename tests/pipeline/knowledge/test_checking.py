from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import ConvmineError
from pipeline.ids import stable_id
from pipeline.knowledge.adding import Entry, Offered, add
from pipeline.knowledge.checking import Checked, check
from pipeline.knowledge.hits import Question, questions_of_file, stored_questions
from pipeline.knowledge.reading import read
from pipeline.ports import Point
from pipeline.scenarios.load import shipped
from pipeline.store.collections import KNOWLEDGE, UTTERANCES
from pipeline.testing import InMemoryStore

ENTRY = Entry("acme", "telecom", ("en", "zh"), "kim")
ROUTER = (
    "# Router\n\nThe router is free of charge and stays the property of the company. "
    "A technician installs it at no cost, as a rule within a few days."
)


async def checked(pages: dict[str, str], *questions: str) -> Checked:
    store = InMemoryStore()
    for source, text in pages.items():
        await add(store, Offered(source, text.encode()), None, ENTRY, read)
    asked = {Question(question, "en"): 1 for question in questions}
    return await check(store, shipped("telecom"), asked, tenant_id="acme")


async def test_what_is_there_twice_is_told_with_how_alike_it_is() -> None:
    near = ROUTER.replace("free of charge", "free").replace("# Router", "# Other")
    found = await checked({"a.md": ROUTER, "b.md": ROUTER, "c.md": near, "d.md": "# Else\n\nA day pass is for a day."})
    pairs = {(one.one.source, one.other.source): one.likeness for one in found.duplicates}
    assert pairs["a.md", "b.md"] == 1.0
    assert 0.6 <= pairs["a.md", "c.md"] < 1.0
    assert not any("d.md" in pair for pair in pairs)


async def test_the_same_words_in_another_language_of_the_scenario_are_no_double() -> None:
    store = InMemoryStore()
    for language in ("en", "zh"):
        entry = Entry("acme", "telecom", ("en", "zh"), "kim", language)
        await add(store, Offered(f"{language}.md", ROUTER.encode()), None, entry, read)
    assert (await check(store, shipped("telecom"), {}, tenant_id="acme")).duplicates == ()


async def test_words_of_the_scenarios_lists_are_told_with_where_they_stand() -> None:
    (rule, *_) = shipped("telecom").edition("en").words.sensitive_words
    found = await checked({"a.md": f"# Page\n\nWhoever says {rule.any_of[0]} is put through."})
    assert [(one.name, one.where.source) for one in found.sensitive_words] == [(rule.name, "a.md")]


async def test_personal_data_of_pages_that_were_not_masked_is_told_and_not_shown() -> None:
    store = InMemoryStore()
    text = "Call Kim at 415-555-2671."
    payload = {
        "passage_id": "p",
        "source": "a.md",
        "title": "A",
        "text": text,
        "language": "en",
        "origin": "scenario",
        "tenant_id": "acme",
        "scenario": "telecom",
    }
    await store.put(KNOWLEDGE, [Point(stable_id("test", "p"), text, payload)])
    found = await check(store, shipped("telecom"), {}, tenant_id="acme")
    assert [(one.kind, one.where.text) for one in found.personal_data] == [("phone", "Call Kim at [PHONE].")]


async def test_questions_without_an_answer_and_passages_never_hit_are_told() -> None:
    pages = {"a.md": ROUTER, "b.md": "# Roaming\n\nA day pass costs $8."}
    found = (await checked(pages, "Is the router free?", "Do you sell watches?")).hits
    assert (found.asked, found.answered, found.hit_rate) == (2, 1, 0.5)
    assert [(one.question, one.times) for one in found.misses] == [("Do you sell watches?", 1)]
    assert [one.source for one in found.never_hit] == ["b.md"]


async def test_where_nothing_was_asked_nothing_counts_as_never_hit() -> None:
    found = await checked({"a.md": ROUTER})
    assert (found.hits.hit_rate, found.hits.never_hit, found.findings) == (None, (), 0)


async def test_stored_questions_are_those_of_customers_since_then_with_how_often() -> None:
    store = InMemoryStore()
    rows = [
        ("customer", 200, "telecom", "Hello. Is the router free?"),
        ("customer", 300, "telecom", "is the router free?"),
        ("customer", 300, "telecom", "I want a router."),
        ("agent", 300, "telecom", "What is your name?"),
        ("customer", 50, "telecom", "What did it cost?"),
        ("customer", 300, "support", "Does it run?"),
    ]
    points = [
        Point(
            stable_id("test", number),
            text,
            {
                "tenant_id": "acme",
                "scenario": scenario,
                "role": role,
                "started_ts": at,
                "text": text,
                "language": "en",
            },
        )
        for number, (role, at, scenario, text) in enumerate(rows)
    ]
    await store.put(UTTERANCES, points)
    since = datetime.fromtimestamp(100, UTC)
    found = await stored_questions(store, tenant_id="acme", scenario="telecom", since=since)
    assert list(found.values()) == [2]
    assert {one.text.casefold() for one in found} == {"is the router free?"}


def test_questions_of_a_file_are_lines_or_rows(tmp_path: Path) -> None:
    file = tmp_path / "q.txt"
    rows = ["What is it?", "", "多少钱", json.dumps({"question": "Wie viel?", "language": "de"}), "What is it?"]
    file.write_text("\n".join(rows), encoding="utf-8")
    assert questions_of_file(file, ("en", "zh")) == {
        Question("What is it?", "en"): 2,
        Question("多少钱", "zh"): 1,
        Question("Wie viel?", "de"): 1,
    }
    file.write_text('{"text": "no question"}')
    with pytest.raises(ConvmineError, match=r"q\.txt:1"):
        questions_of_file(file, ("en",))
