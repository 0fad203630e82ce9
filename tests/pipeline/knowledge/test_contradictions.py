from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.knowledge.amounts import stated
from pipeline.knowledge.contradictions import contradictions
from pipeline.knowledge.cutting import cut
from pipeline.scenarios.load import shipped, shipped_names
from schemas.suggestion import Passage


def passages(*texts: str) -> list[Passage]:
    return [one for number, text in enumerate(texts) for one in cut(text, source=f"{number}.md", title=f"{number}")]


def found(*texts: str) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [(one.unit, one.amounts, one.other_amounts) for one in contradictions(passages(*texts))]


@pytest.mark.parametrize(
    ("one", "other", "unit", "amounts"),
    [
        ("Home internet costs fifty dollars ($50) a month.", "Home internet is $60.", "money", ("50", "60")),
        ("The smart plan costs $1,250.", "Smart plan: 1,350 dollars a year", "money", ("1250", "1350")),
        ("Home delivery takes three days.", "Home delivery takes 5 working days.", "day", ("3", "5")),
        ("The late payment interest is 8 percent.", "Late payment interest: 9 %", "%", ("8", "9")),
        ("The basic plan has five gigabytes.", "Basic plan: 10 GB", "GB", ("5", "10")),
        (
            "The summer offer ends on 31 August 2026.",
            "Summer offer ends 2026-09-30",
            "date",
            ("2026-08-31", "2026-09-30"),
        ),
        ("畅享套餐每月五十九元。", "畅享套餐：69元", "money", ("59", "69")),  # noqa: RUF001 - Chinese has wide marks
        ("夏季优惠活动2026年8月31日截止。", "夏季优惠活动2026年9月30日截止", "date", ("2026-08-31", "2026-09-30")),
        (
            "| Plan | Data | Price |\n|---|---|---|\n| Basic plan | 5 GB | $20 |\n| Smart plan | 20 GB | $30 |",
            "The basic plan is now $25 a month.",
            "money",
            ("20", "25"),
        ),
    ],
)
def test_the_same_thing_with_another_amount_is_a_contradiction(
    one: str, other: str, unit: str, amounts: tuple[str, str]
) -> None:
    assert found(one, other) == [(unit, (amounts[0],), (amounts[1],))]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Home internet costs fifty dollars ($50) a month.", "Home internet is $50."),
        ("The basic plan costs $20.", "The smart plan costs $30."),
        ("A day pass costs eight dollars.", "A week pass costs $25."),
        ("Home internet costs $50.", "Home internet has 500 megabits."),
        ("The term of a contract is twelve months.", "A contract may be ended with a term of one year."),
        ("日包三十元。", "周包一百元。"),
        ("It costs $5.", "It costs $6."),
        ("A refund takes three to five days.", "A refund takes five days."),
    ],
)
def test_another_thing_or_the_same_amount_is_none(one: str, other: str) -> None:
    assert found(one, other) == []


def test_both_clauses_are_quoted_with_their_passages() -> None:
    (one,) = contradictions(passages("# Prices\n\nHi. Home internet costs $50.", "Yes. Home internet costs $60. Bye."))
    assert (one.one.source, one.one.title, one.one.text) == ("0.md", "Prices", "Home internet costs $50.")
    assert (one.other.source, one.other.text) == ("1.md", "Home internet costs $60.")
    assert set(one.about) >= {"internet"}


@pytest.mark.parametrize("scenario", shipped_names())
def test_the_pages_that_ship_contradict_each_other_nowhere(scenario: str) -> None:
    for edition in shipped(scenario).editions.values():
        whole = [cut(page.text, source=page.name, title=page.title) for page in edition.knowledge]
        assert contradictions([one for part in whole for one in part]) == []


def test_lines_that_are_wrapped_are_one_sentence_and_items_of_lists_are_not() -> None:
    clauses = [one.quote for one in stated("Bank transfers take up to\nthree days.\n- One: two days\n- Two: 4 days")]
    assert clauses == ["Bank transfers take up to three days.", "- One: two days", "- Two: 4 days"]


def test_a_range_has_all_of_its_amounts() -> None:
    (one,) = stated("Delivery takes from three days up to 5 days.")
    assert one.amounts == {3.0, 5.0}


@pytest.mark.parametrize("text", ["31st of August 2026", "August 31, 2026", "2026-08-31", "2026年8月31日"])
def test_dates_are_read_as_people_write_them(text: str) -> None:
    assert [one.amounts for one in stated(f"Offer until {text}")] == [{date(2026, 8, 31)}]


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert all(one.amounts for one in stated(text))
