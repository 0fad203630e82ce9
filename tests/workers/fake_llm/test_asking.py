from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from workers.fake_llm.asked import Asked
from workers.fake_llm.asking import question_meant
from workers.fake_llm.days import span_in

TODAY = date(2026, 3, 11)  # a Wednesday
NAMES = {
    "intent": ("price_concern", "cancel_contract"),
    "topic": ("price", "network"),
    "agent": ("ann", "bob"),
    "team": ("north",),
}


def meant(text: str) -> dict[str, Any]:
    found: dict[str, Any] = question_meant(Asked(text, NAMES, TODAY))["question"]
    return found


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("what rose last week?", "2026-03-02", "2026-03-09"),
        ("calls of this week", "2026-03-09", "2026-03-16"),
        ("上周的通话", "2026-03-02", "2026-03-09"),
        ("last month", "2026-02-01", "2026-03-01"),
        ("本月", "2026-03-01", "2026-04-01"),
        ("yesterday", "2026-03-10", "2026-03-11"),
        ("the last 30 days", "2026-02-09", None),
        ("过去7天", "2026-03-04", None),
        ("in December", "2025-12-01", "2026-01-01"),
        ("during December 2024", "2024-12-01", "2025-01-01"),
        ("2026年2月", "2026-02-01", "2026-03-01"),
        ("since 2026-01-15", "2026-01-15", None),
        ("before 2026-01-15", None, "2026-01-15"),
        ("2026-01-15 to 2026-01-20", "2026-01-15", "2026-01-21"),
        ("on 2026-01-15", "2026-01-15", "2026-01-16"),
        ("how many calls?", None, None),
    ],
)
def test_days_are_reckoned_from_today(text: str, since: str | None, until: str | None) -> None:
    found = span_in(text, TODAY)
    assert tuple(day and day.isoformat() for day in found) == (since, until)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("how many calls?", "aggregate"),
        ("which topics are falling?", "trend"),
        ("compare ann and bob", "compare"),
        ("calls like call-1", "similar"),
        ("who said hello?", "search"),
        ("show the newest calls", "query"),
        ("coach ann", "coach"),
        ("tell me a joke", "none"),
        ("hm", "none"),
        ("平均时长是多少", "aggregate"),
        ("哪些主题在下降", "trend"),
        ("写一首诗", "none"),
    ],
)
def test_the_kind_is_told_by_keywords(text: str, kind: str) -> None:
    assert meant(text)["kind"] == kind


def test_two_names_of_a_field_are_the_sides_of_a_comparison() -> None:
    found = meant("compare bob with ann")
    assert [found[side][0]["values"] for side in "ab"] == [["bob"], ["ann"]]


def test_an_intent_is_named_by_all_of_its_words_and_goes_before_a_topic() -> None:
    assert [one["field"] for one in meant("how many calls with a price concern?")["where"]] == ["intent"]
    assert [one["field"] for one in meant("how many calls about the price?")["where"]] == ["topic"]


def test_lengths_directions_and_sides_become_conditions() -> None:
    found = meant("list inbound calls of north that are longer than 5 minutes")
    assert [(one["field"], one["op"], one["values"]) for one in found["where"]] == [
        ("team", "is", ["north"]),
        ("direction", "is", ["inbound"]),
        ("duration", "at_least", ["300"]),
    ]
