from __future__ import annotations

import pytest
from asked_questions import ASKED
from hypothesis import given
from hypothesis import strategies as st

from pipeline.knowledge.asking import questions_in


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("Hi, I'm Kim. What does it cost? I need it today.", ("What does it cost?",)),
        ("so how much is the smart plan", ("so how much is the smart plan",)),
        ("I was wondering if you could help", ("I was wondering if you could help",)),
        ("can you tell me what a day pass costs", ("can you tell me what a day pass costs",)),
        ("What I want is a refund. Fine.", ("What I want is a refund.",)),
        ("I want a refund.", ()),
        ("The day when it broke, nobody came.", ()),
        ("你好。这个套餐多少钱？", ("这个套餐多少钱？",)),  # noqa: RUF001 - Chinese has wide marks
        ("路由器要钱吗", ("路由器要钱吗",)),
        ("我想取消套餐。", ()),
        ("", ()),
    ],
)
def test_questions_are_the_sentences_that_ask(text: str, questions: tuple[str, ...]) -> None:
    assert questions_in(text) == questions


def test_most_questions_are_recognised_without_their_marks() -> None:
    asked = [question.rstrip("?") for part in ASKED.values() for question, page in part if page is not None]
    recognised = [question for question in asked if questions_in(question)]
    assert len(recognised) >= 0.95 * len(asked), set(asked) - set(recognised)


@given(st.text(max_size=200))
def test_a_question_is_a_part_of_what_was_said(text: str) -> None:
    said = "".join(text.split())
    assert all("".join(one.split()) in said for one in questions_in(text))
