from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talks import talk

from pipeline.extract.follow_ups import follow_ups_among
from schemas.insight import FollowUpKind

PROMISE, NEXT_STEP = FollowUpKind.PROMISE, FollowUpKind.NEXT_STEP


def found(line: str, language: str = "en") -> list[tuple[FollowUpKind, str, str | None]]:
    return [(one.kind, one.what, one.due_said) for one in follow_ups_among(talk(line), language)]


@pytest.mark.parametrize(
    ("line", "kind", "what", "due"),
    [
        ("a: Good. I'll send you the papers, okay?", PROMISE, "I'll send you the papers", None),
        ("a: well I will call you on Friday.", PROMISE, "I will call you on Friday", "on Friday"),
        ("c: we are going to pay it tomorrow", PROMISE, "we are going to pay it tomorrow", "tomorrow"),
        ("a: we will do it in two days", PROMISE, "we will do it in two days", "in two days"),
        (
            "a: yes and a technician will come by tomorrow morning",
            NEXT_STEP,
            "a technician will come by tomorrow morning",
            "by tomorrow morning",
        ),
        ("a: you will get it within a week, sir", NEXT_STEP, "you will get it within a week", "within a week"),
    ],
)
def test_an_english_follow_up_is_told_in_its_own_words(
    line: str, kind: FollowUpKind, what: str, due: str | None
) -> None:
    assert found(line) == [(kind, what, due)]


@pytest.mark.parametrize(
    ("line", "kind", "what", "due"),
    [
        ("a: 好的 我会给您发短信。", PROMISE, "我会给您发短信", None),
        ("a: 那我下周一再给您打电话", PROMISE, "我下周一再给您打电话", "下周一"),
        ("a: 我昨天给您打电话了", None, "", None),
        ("a: 我们的费用会打电话说明", None, "", None),
        ("a: 我可以给您退款", None, "", None),
        ("a: 我帮您登记了", None, "", None),
        ("a: 我会不会打电话呢", None, "", None),
        ("a: 我们会在三天内退款", PROMISE, "我们会在三天内退款", "三天内"),
        ("a: 同事会明天上门 请在家", NEXT_STEP, "同事会明天上门 请在家", "明天"),
        ("a: 解约确认会在两天内发短信给您。", NEXT_STEP, "解约确认会在两天内发短信给您", "两天内"),
    ],
)
def test_a_chinese_follow_up_is_told_in_its_own_words(
    line: str, kind: FollowUpKind | None, what: str, due: str | None
) -> None:
    assert found(line, "zh") == ([] if kind is None else [(kind, what, due)])


@pytest.mark.parametrize(
    "line",
    [
        "c: then i will stay with you",
        "a: we will not send you anything",
        "a: we will never call you on friday",
        "a: you will like it",
        "a: i sent it yesterday",
        "a: will you send it tomorrow",
        "a: the price will stay the same",
    ],
)
def test_what_is_no_follow_up_is_not_found(line: str) -> None:
    assert found(line) == []


def test_two_follow_ups_of_one_breath_are_two() -> None:
    assert [what for _, what, _ in found("a: i will send it today and i will call you back on monday")] == [
        "i will send it today and",
        "i will call you back on monday",
    ]


def test_in_a_language_that_is_not_known_nothing_is_found() -> None:
    assert found("a: i will call you tomorrow", "fr") == []
    assert found("a: i will call you tomorrow", "en-GB") != []


@given(
    st.lists(
        st.sampled_from(["i will", "send", "tomorrow", "it", ",", "not", "你", "我会", "发短信", "[CARD]"]), max_size=12
    )
)
def test_every_quote_stands_in_its_segment(parts: list[str]) -> None:
    segments = talk(f"a: {' '.join(parts)}")
    for language in ("en", "zh"):
        for one in follow_ups_among(segments, language):
            assert one.what in segments[0].text
            assert one.due_said is None or one.due_said in one.what
