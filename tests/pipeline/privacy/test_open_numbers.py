# ruff: noqa: RUF001 - Chinese text has full-width marks
from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.privacy.open_numbers import is_open
from schemas.transcript import Segment
from schemas.wire import Role

OPEN = [
    ("my card number is four two four two", "en"),
    ("it's four one five, uh,", "en"),
    ("four", "en"),
    ("five five five zero one four seven", "en"),
    ("my phone is 4", "en"),
    ("415-555", "en"),
    ("4242 4242 4242", "en"),
    ("oh seven seven double oh", "en"),
    ("john dot", "en"),
    ("it is j o h n", "en"),
    ("john underscore smith at", "en"),
    ("卡号是六二二二", "zh"),
    ("幺三八，嗯", "zh"),
    ("三个八", "zh"),
    ("身份证四四零一零六", "zh"),
    ("zhang点", "zh"),
]
CLOSED = [
    ("", "en"),
    ("I want to change my plan", "en"),
    ("I would like that one", "en"),
    ("it is thirty nine dollars", "en"),
    ("for 12 months", "en"),
    ("five hundred and twenty", "en"),
    ("the card is 4242 4242 4242 4242", "en"),
    ("call me at 415-555-2671", "en"),
    ("four one five five five five two six seven one", "en"),
    ("my number is four one five, did you get that", "en"),
    ("the card is [CARD]", "en"),
    ("I will be there at", "en"),
    ("我想换套餐", "zh"),
    ("等一下", "zh"),
    ("下午三点", "zh"),
    ("一百二十五块", "zh"),
    ("我的手机是一三八零零一三八零零零", "zh"),
    ("身份证四四零一零六一九八五一一二零四五六九", "zh"),
]


def segment(text: str) -> Segment:
    return Segment(segment_id="s", role=Role.CUSTOMER, start_ms=0, end_ms=1_000, text=text)


@pytest.mark.parametrize(("text", "language"), OPEN)
def test_a_segment_that_ends_inside_a_number_or_an_address_is_open(text: str, language: str) -> None:
    assert is_open(segment(text), language)


@pytest.mark.parametrize(("text", "language"), CLOSED)
def test_a_segment_that_ends_otherwise_is_not(text: str, language: str) -> None:
    assert not is_open(segment(text), language)


@given(st.text(max_size=300), st.sampled_from(["en", "zh", None, "x"]))
def test_any_text_has_an_answer(text: str, language: str | None) -> None:
    assert is_open(segment(text), language) in {True, False}


def test_a_long_segment_takes_no_longer() -> None:
    started = time.process_time()
    is_open(segment("one " * 50_000), "en")
    assert time.process_time() - started < 0.1
