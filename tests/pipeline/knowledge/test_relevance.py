from __future__ import annotations

from pathlib import Path

import pytest
from asked_questions import ASKED
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Config
from pipeline.knowledge.finding import find_passages
from pipeline.knowledge.relevance import Candidate, relevances, stem
from pipeline.knowledge.scenario_pages import load_knowledge
from pipeline.scenarios.load import shipped
from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import make_embedder
from pipeline.store.qdrant import QdrantStore

CHOSEN_ON = {"telecom", "support"}


@pytest.mark.parametrize("embedder", ["wordllama", "hashing"])
async def test_questions_with_an_answer_are_told_from_those_without(embedder: str, tmp_path: Path) -> None:
    try:
        made = make_embedder(embedder)
    except Config:
        pytest.skip(f"{embedder} is not installed")
    store = QdrantStore(Folder(tmp_path / "store"), made)
    await store.prepare()
    for name in {scenario for scenario, _ in ASKED}:
        await load_knowledge(store, shipped(name), "acme")
    for parts in (CHOSEN_ON, {name for name, _ in ASKED} - CHOSEN_ON):
        right = wrong = missed = 0
        for (scenario, language), questions in ASKED.items():
            for question, page in questions if scenario in parts else ():
                found = await find_passages(store, question, tenant_id="acme", scenario=scenario, language=language)
                source = found[0].passage.source if found else None
                right += page is not None and source == f"{scenario}/{language}/{page}.md"
                wrong += source is not None and source != f"{scenario}/{language}/{page}.md"
                missed += page is not None and not found
        assert right / (right + wrong) >= 0.9, (parts, right, wrong)
        assert right / (right + missed) >= 0.85, (parts, right, missed)
    await store.close()


@pytest.mark.parametrize(
    ("one", "other"),
    [("cancel", "cancellation"), ("cancelling", "cancelled"), ("pay", "payment"), ("insure", "insurance")],
)
def test_words_of_one_family_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_words_of_the_question_that_nobody_has_weigh_most() -> None:
    passages = [Candidate("Pay\nYou can pay by card."), Candidate("Pay\nPay within ten days.")]
    card, days = relevances("Can I pay by card?", passages)
    assert card > days
    assert max(relevances("Can I pay by bitcoin?", passages)) < 0.35


@pytest.mark.parametrize("question", ["", "How are you today?", "Can you hear me?", "你好 听得到吗", "[PERSON]"])
def test_what_asks_for_nothing_is_answered_by_nothing(question: str) -> None:
    assert relevances(question, [Candidate("Hear me\nhow are you today, hear 听得到")]) == [0.0]


@given(
    st.text(max_size=60),
    st.lists(st.builds(Candidate, st.text(max_size=60), st.none() | st.floats(-1, 1, allow_nan=False)), max_size=5),
)
def test_relevance_is_between_0_and_1_and_one_a_candidate(question: str, candidates: list[Candidate]) -> None:
    found = relevances(question, candidates)
    assert len(found) == len(candidates)
    assert all(0 <= one <= 1 for one in found)
