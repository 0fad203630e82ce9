from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.sparse import K1, B, document_vector, highlights, query_vector, term_index, tokens


def terms(text: str) -> list[str]:
    return [token.term for token in tokens(text)]


def test_words_are_casefolded_and_lose_plural_endings() -> None:
    assert terms("The PRICES, companies' plans?") == ["the", "price", "company", "plan"]


def test_short_words_and_words_in_ss_keep_their_s() -> None:
    assert terms("gas is less a bonus") == ["gas", "is", "less", "a", "bonus"]


def test_both_apostrophes_are_one_word() -> None:
    assert terms("don't don\u2019t") == ["don't", "don't"]


def test_chinese_is_cut_into_words_and_their_parts() -> None:
    assert {"国际", "漫游", "国际漫游"} & set(terms("国际漫游怎么收费")) >= {"漫游"}


def test_latin_inside_chinese_is_a_word_of_its_own() -> None:
    assert "5g" in terms("我要办5G套餐")
    assert "套餐" in terms("我要办5G套餐")


@given(st.text())
def test_every_token_stands_where_it_says(text: str) -> None:
    for token in tokens(text):
        assert 0 <= token.start < token.end <= len(text)
        assert token.term


@given(st.text(), st.integers(1, 100))
def test_vectors_have_rising_indices_of_32_bits_and_positive_weights(text: str, average: int) -> None:
    for vector in (document_vector(text, average), query_vector(text)):
        assert list(vector.indices) == sorted(set(vector.indices))
        assert all(0 <= index < 2**32 for index in vector.indices)
        assert all(value > 0 for value in vector.values)
        assert len(vector.indices) == len(vector.values)


def test_the_weight_is_the_term_frequency_part_of_bm25() -> None:
    vector = document_vector("price price plan", average_words=3)
    weights = dict(zip(vector.indices, vector.values, strict=True))
    assert weights[term_index("price")] == pytest.approx(2 * (K1 + 1) / (2 + K1))
    longer = document_vector("price price plan", average_words=1)
    expected = 2 * (K1 + 1) / (2 + K1 * (1 - B + B * 3))
    assert dict(zip(longer.indices, longer.values, strict=True))[term_index("price")] == pytest.approx(expected)


def test_a_repeated_word_of_the_query_counts_once() -> None:
    assert query_vector("price price") == query_vector("price")


def test_an_index_is_the_same_on_every_machine() -> None:
    assert term_index("price") == 2_272_107_510


def test_highlights_are_the_words_of_the_query_as_they_stand() -> None:
    text = "Your prices went up, and a price is a Price."
    assert [text[start:end] for start, end in highlights(text, "the price")] == ["prices", "price", "Price"]


def test_overlapping_chinese_highlights_are_one() -> None:
    assert highlights("请问国际漫游怎么收费", "国际漫游") == ((2, 6),)


def test_a_text_without_the_words_has_no_highlight() -> None:
    assert highlights("we are moving", "price") == ()
