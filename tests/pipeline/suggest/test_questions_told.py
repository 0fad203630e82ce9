# ruff: noqa: RUF001 - Chinese text has full-width marks
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_events import segment
from suggest_events import heard

from pipeline.scenarios.load import shipped
from pipeline.suggest.asking import asked_in, asks, question_in
from schemas.wire import Role

TELECOM = shipped("telecom").edition("en")


@pytest.mark.parametrize(
    "text",
    [
        "Is there a setup fee?",
        "so um how much does it cost",
        "okay and what about roaming",
        "i would like to know whether i can keep my number",
        "can I share the data with my family",
        "what's the minimum term",
        "套餐里面包含多少流量",
        "我的号码能不能保留",
        "出国了还能上网吗？",
        "有没有别的手续费",
    ],
)
def test_a_question_is_told_with_and_without_its_mark(text: str) -> None:
    assert question_in(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "okay?",
        "right?",
        "it is too expensive",
        "when i called you last week nobody answered",
        "what the other man said was wrong",
        "i do not need that",
        "have a nice day",
        "我的账单有问题",
        "太贵了",
        "好吗？",
        "那我就不取消了",
    ],
)
def test_a_statement_and_a_tag_ask_nothing(text: str) -> None:
    assert question_in(text) is None


def test_of_a_turn_the_last_sentence_that_asks_is_the_question() -> None:
    assert question_in("Is it fast? I work at home. How long is the contract? I need to know.") == (
        "How long is the contract?"
    )
    assert question_in("我在家办公。合约期是多久？我想知道。") == "合约期是多久？"


def test_an_intent_asks_whose_examples_are_questions() -> None:
    assert {one.name for one in TELECOM.taxonomy.intents if one.role is Role.CUSTOMER and asks(one)} == {
        "ask_price",
        "ask_plan_details",
        "roaming_question",
    }


def test_the_customers_newest_question_counts_and_not_the_agents() -> None:
    flow = heard(3, text="how long is the contract")
    assert flow.heard is not None
    before = segment(1, "how much is it")
    agents = segment(4, "how many people are in your household", Role.AGENT)
    both = flow.heard.model_copy(update={"segments": (before, *flow.heard.segments, agents)})
    found = asked_in(both, TELECOM)
    assert found is not None
    assert (found.text, found.evidence.segment_id) == ("how long is the contract", "s3")


def test_an_intent_that_asks_is_a_question_whatever_its_words() -> None:
    found = heard(3, "ask_plan_details", text="tell the data volume")
    told = heard(3, "refuse_offer", text="leave me alone")
    assert found.heard is not None
    assert told.heard is not None
    asked = asked_in(found.heard, TELECOM)
    assert asked is not None
    assert asked.evidence.start_ms == 15_000
    assert asked_in(told.heard, TELECOM) is None


@given(st.text(max_size=80))
def test_a_question_stands_in_the_text(text: str) -> None:
    found = question_in(text)
    assert found is None or found in text
