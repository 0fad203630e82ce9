from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.numbers import digits


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("forty five dollars", "45 dollars"),
        ("a hundred dollars", "100 dollars"),
        ("one hundred and twenty dollars", "120 dollars"),
        ("two thousand three hundred", "2300"),
        ("nineteen", "19"),
        ("twenty-five percent", "25 percent"),
        ("five five five zero one", "55501"),
        ("$45.50", "$45.50"),
        ("the phone and one line", "the phone and 1 line"),
        ("nineteen eighty", "nineteen eighty"),
        ("someone often", "someone often"),
        ("五十九元", "59元"),
        ("一百二十九块", "129块"),
        ("两百块", "200块"),
        ("十五号", "15号"),
        ("百分之二十", "20%"),
        ("零一四七", "0147"),
        ("forty five point nine nine dollars", "45.99 dollars"),
        ("two million three hundred thousand", "2300000"),
        ("一百二", "120"),
        ("两千五", "2500"),
        ("一百零五", "105"),
        ("一万二", "12000"),
        ("一万两千三百", "12300"),
        ("三亿五千万", "350000000"),
        ("九十九点九元", "99.9元"),
        ("百分之九点五", "9.5%"),
        ("三点十分", "3点10分"),
        ("三点二十五分", "3点25分"),
        ("三点五十", "3点50"),
        ("两三天内", "两三天内"),
        ("十五六天", "十五六天"),
        ("一万三万", "一万三万"),
        ("万一", "万一"),
        ("2.5 million dollars", "2500000 dollars"),
        ("3.5万元", "35000元"),
        ("星期三上午", "星期三上午"),
        ("下周一", "下周一"),
    ],
)
def test_spoken_numbers_become_digits(said: str, written: str) -> None:
    assert digits(said) == written


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert digits(digits(text)) == digits(text) or any(letter in text for letter in "零一二两三四五六七八九十百千")


def in_chinese(number: int) -> str:
    """As it is said, below a hundred million."""
    if number >= 10_000:
        rest = number % 10_000
        return f"{in_chinese(number // 10_000)}万{'零' if 0 < rest < 1_000 else ''}{in_chinese(rest) if rest else ''}"
    said, gap = "", False
    for scale, name in ((1_000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, scale)
        if digit:
            said += f"{'零' if gap and said else ''}{'零一二三四五六七八九'[digit]}{name}"
        gap = not digit
    return said


@given(st.integers(1, 99_999_999))
def test_every_chinese_number_is_read_as_it_was_said(number: int) -> None:
    assert digits(f"{in_chinese(number)}元") == f"{number}元"
