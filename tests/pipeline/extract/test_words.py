from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.words import clause_ends, letters, spelled_out, words


@given(st.text())
def test_every_word_stands_where_it_says(text: str) -> None:
    for found in (words(text), letters(text)):
        assert all(0 <= word.start < word.end <= len(text) for word in found)
        assert [word.start for word in found] == sorted(word.start for word in found)


def test_words_are_lower_case_and_without_punctuation() -> None:
    found = [word.text for word in words("Hello, I DON\u2019T pay $4.50!")]
    assert found == ["hello", "i", "don't", "pay", "4", "50"]


def test_chinese_is_cut_into_words_or_letters() -> None:
    assert [word.text for word in words("我想取消套餐")] == ["我", "想", "取消", "套餐"]
    assert [word.text for word in letters("取消 ok")] == ["取", "消", "ok"]


@pytest.mark.parametrize(
    ("short", "full"),
    [("don't", "do not"), ("can't", "can not"), ("i'm", "i am"), ("let's", "let us"), ("bob's", "bob's")],
)
def test_contractions_are_spelled_out(short: str, full: str) -> None:
    assert spelled_out(short) == full


def test_a_decimal_point_ends_no_clause() -> None:
    text = "It is 3.50, no. Yes"
    assert [text[end] for end in clause_ends(text)] == [",", "."]


def test_a_masked_number_is_no_word() -> None:
    assert [word.text for word in words("it is [CARD] or [PHONE], thanks")] == ["it", "is", "or", "thanks"]
    assert [word.text for word in letters("[CARD] [not] masked [")] == ["masked"]
