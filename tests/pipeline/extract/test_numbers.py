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
        ("星期三上午", "星期三上午"),
        ("下周一", "下周一"),
    ],
)
def test_spoken_numbers_become_digits(said: str, written: str) -> None:
    assert digits(said) == written


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert digits(digits(text)) == digits(text) or any(letter in text for letter in "零一二两三四五六七八九十百千")
