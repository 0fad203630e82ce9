from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.quantities import PERCENT, Quantity, quantity
from pipeline.scenarios.load import shipped
from pipeline.scenarios.model import EntityDefinition

WEDNESDAY = date(2026, 3, 4)


def slot(name: str, language: str) -> EntityDefinition:
    return next(one for one in shipped("telecom").edition(language).taxonomy.entities if one.name == name)


@pytest.mark.parametrize(
    ("name", "said", "amount", "unit"),
    [
        ("money", "forty five dollars", 45, "USD"),
        ("money", "$1,200.50", 1_200.5, "USD"),
        ("money", "fifty cents", 0.5, "USD"),
        ("money", "45 dollars and 50 cents", 45.5, "USD"),
        ("money", "twenty euros", 20, "EUR"),
        ("money", "two million dollars", 2_000_000, "USD"),
        ("money", "30 to 40 dollars", None, None),
        ("percent", "twenty percent", 20, PERCENT),
        ("percent", "12.5 %", 12.5, PERCENT),
        ("percent", "half the price", 50, PERCENT),
        ("percent", "20 to 30 percent", None, None),
        ("duration", "six months", 6, "month"),
        ("duration", "a year", 1, "year"),
        ("duration", "24-hours", 24, "hour"),
        ("duration", "a year or two", None, None),
        ("data_volume", "twenty gigabytes", 20, "GB"),
        ("data_volume", "500 mb", 500, "MB"),
        ("data_volume", "100 mbps", None, None),
        ("data_volume", "unlimited data", None, None),
        ("competitor", "5 star mobile", None, None),
    ],
)
def test_english_words_are_amounts_with_units(name: str, said: str, amount: float | None, unit: str | None) -> None:
    assert quantity(said, slot(name, "en"), None) == Quantity(amount, unit)


@pytest.mark.parametrize(
    ("name", "said", "amount", "unit"),
    [
        ("money", "九十九块", 99, "CNY"),
        ("money", "九十九块九", 99.9, "CNY"),
        ("money", "五毛", 0.5, "CNY"),
        ("money", "三角五分", 0.35, "CNY"),
        ("money", "¥99.9", 99.9, "CNY"),
        ("money", "3.5万元", 35_000, "CNY"),
        ("money", "二十美元", 20, "USD"),
        ("money", "一百多块", None, None),
        ("percent", "八折", 20, PERCENT),
        ("percent", "八五折", 15, PERCENT),
        ("percent", "百分之二十", 20, PERCENT),
        ("duration", "六个月", 6, "month"),
        ("duration", "半年", 6, "month"),
        ("duration", "两小时", 2, "hour"),
        ("duration", "一年半", None, None),
        ("data_volume", "二十个G", 20, "GB"),
        ("data_volume", "100兆", None, None),
    ],
)
def test_chinese_words_are_amounts_with_units(name: str, said: str, amount: float | None, unit: str | None) -> None:
    assert quantity(said, slot(name, "zh"), None) == Quantity(amount, unit)


@pytest.mark.parametrize(
    ("said", "called_on", "day"),
    [
        ("tomorrow", WEDNESDAY, date(2026, 3, 5)),
        ("下周一", WEDNESDAY, date(2026, 3, 9)),
        ("on friday", WEDNESDAY, None),
        ("tomorrow", None, None),
        ("2026-04-01", None, date(2026, 4, 1)),
    ],
)
def test_a_date_is_a_day_where_the_day_of_the_call_is_known(
    said: str, called_on: date | None, day: date | None
) -> None:
    assert quantity(said, slot("date", "en"), called_on) == Quantity(day=day)


def test_an_amount_without_a_currency_has_none() -> None:
    money = EntityDefinition(name="fee", title="Fee", kind="money", patterns=(r"\d+ dollars",))
    assert quantity("45 dollars", money, None) == Quantity()
    assert quantity("45 euros", money, None) == Quantity(45, "EUR")


@given(st.text(max_size=30), st.sampled_from(["money", "percent", "duration", "data_volume", "date", "plan"]))
def test_any_words_are_measured_or_not(said: str, name: str) -> None:
    for language in ("en", "zh"):
        measured = quantity(said, slot(name, language), WEDNESDAY)
        assert (measured.amount is None) == (measured.unit is None)
        assert measured.amount is None or measured.amount >= 0


@given(st.integers(0, 999_999), st.integers(0, 99))
def test_dollars_and_cents_come_back_as_they_were_written(dollars: int, cents: int) -> None:
    said = f"${dollars:,}.{cents:02}"
    assert quantity(said, slot("money", "en"), None) == Quantity(float(f"{dollars}.{cents:02}"), "USD")
