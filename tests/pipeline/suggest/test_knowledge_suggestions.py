"""A question that no card fits is answered by the knowledge base, if it knows the answer."""

from __future__ import annotations

import pytest
from suggest_events import cards, heard, published

from pipeline.knowledge.scenario_pages import load_knowledge
from pipeline.ports import Point
from pipeline.scenarios.load import shipped
from pipeline.store.collections import KNOWLEDGE
from pipeline.testing import InMemoryStore
from schemas.flow import FlowState
from schemas.suggestion import SuggestionCreated, SuggestionKind
from schemas.wire import Role

TERM = "how long is the minimum term of the contract"


@pytest.fixture
async def store() -> InMemoryStore:
    found = InMemoryStore()
    await load_knowledge(found, shipped("telecom"), "acme")
    return found


async def test_a_question_brings_the_passage_that_answers_it(store: InMemoryStore) -> None:
    (found,) = await published(heard(1, text=TERM), store=store)
    assert isinstance(found, SuggestionCreated)
    (passage,) = found.passages
    assert (found.kind, found.card_id) == (SuggestionKind.KNOWLEDGE, f"kb:{passage.passage_id}")
    assert found.title == passage.title
    assert " ".join(found.text.strip("… ").split()) in " ".join(passage.text.split())
    assert found.reason == f"customer asked: '{TERM}'"
    assert found.approved_by == "telecom"
    assert [one.quote for one in found.evidence] == [TERM]


async def test_a_chinese_question_is_answered_in_chinese(store: InMemoryStore) -> None:
    (found,) = await published(heard(1, text="解约要付违约金吗", language="zh"), store=store)
    assert isinstance(found, SuggestionCreated)
    assert found.passages[0].source.startswith("telecom/zh/")
    assert found.reason.startswith("客户问：")  # noqa: RUF001 - Chinese marks


@pytest.mark.parametrize(
    "flow",
    [
        heard(1, text="how many moons does jupiter have"),
        heard(1, text="the contract has a minimum term"),
        heard(1, text=TERM, role=Role.AGENT),
    ],
)
async def test_what_nobody_asks_or_nothing_answers_brings_no_passage(flow: FlowState, store: InMemoryStore) -> None:
    assert await published(flow, store=store) == []


async def test_a_card_that_fits_goes_before_a_passage(store: InMemoryStore) -> None:
    assert cards(await published(heard(1, "ask_plan_details", text=TERM), store=store)) == ["answer-plan-details"]


async def test_a_passage_comes_once_and_not_after_it_has_backed_a_card(store: InMemoryStore) -> None:
    once = cards(await published(heard(1, text=TERM), heard(20, text=TERM), store=store))
    assert len(once) == len(set(once))
    sent = await published(heard(1, "cancel_contract"), heard(30, text=TERM), store=store)
    backing = {passage.passage_id for one in sent[:1] if isinstance(one, SuggestionCreated) for passage in one.passages}
    assert backing
    assert not {f"kb:{one}" for one in backing} & {*cards(sent)}


async def test_passages_keep_to_the_bounds_and_can_be_switched_off(store: InMemoryStore) -> None:
    assert cards(await published(heard(1, "cancel_contract"), heard(2, text=TERM), store=store)) == [
        "answer-cancel-contract"
    ]
    assert await published(heard(1, text=TERM), store=store, knowledge=False) == []


async def test_a_script_in_a_page_is_published_as_the_text_that_it_is() -> None:
    store, script = InMemoryStore(), "The minimum term is 12 months. <script>alert(1)</script>"
    payload = {
        "passage_id": "p1",
        "source": "page.html",
        "title": "Minimum term <b>",
        "text": script,
        "tenant_id": "acme",
        "scenario": "telecom",
        "language": "en",
        "added_by": "ann",
    }
    point = Point("00000000-0000-0000-0000-000000000001", f"{payload['title']}\n{script}", payload)
    await store.put(KNOWLEDGE, [point])
    (found,) = await published(heard(1, text="what is the minimum term"), store=store)
    assert isinstance(found, SuggestionCreated)
    assert (found.text, found.title, found.approved_by) == (script, "Minimum term <b>", "ann")


async def test_another_tenants_pages_answer_nothing() -> None:
    store = InMemoryStore()
    await load_knowledge(store, shipped("telecom"), "globex")
    assert await published(heard(1, text=TERM), store=store) == []
