from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.phrases import LENIENT, STRICT, find_phrase
from pipeline.extract.words import letters


@pytest.mark.parametrize(
    ("phrase", "text", "at_least", "quote"),
    [
        ("call is recorded", "Note: this Call is recorded, ok?", STRICT, "Call is recorded"),
        ("call is recorded", "this call as recorded", LENIENT, "call as recorded"),
        ("call is recorded", "the call was nice", LENIENT, None),
        ("this call is recorded", "this call is not recorded", LENIENT, None),
        ("you have fourteen days", "well you have forty days", LENIENT, None),
        ("sue you", "i see you", STRICT, None),
        ("lawyer", "a lower bill", STRICT, None),
        ("lawyer", "I will call a lawyer.", STRICT, "lawyer"),
        ("找媒体", "我要找媒体曝光", STRICT, "找媒体"),
        ("找媒体", "我要找记者", LENIENT, None),
        ("", "anything", STRICT, None),
        ("anything", "", STRICT, None),
    ],
)
def test_a_phrase_is_found_as_it_stands_in_the_text(phrase: str, text: str, at_least: float, quote: str | None) -> None:
    assert find_phrase(phrase, text, at_least=at_least) == quote


@given(st.text(alphabet="abc ,.好", min_size=1, max_size=40), st.data())
def test_what_stands_in_a_text_is_found_in_it(text: str, data: st.DataObject) -> None:
    found = letters(text)
    if not found:
        return
    first = data.draw(st.integers(0, len(found) - 1))
    last = data.draw(st.integers(first, len(found) - 1))
    said = text[found[first].start : found[last].end]
    quote = find_phrase(said, text)
    assert quote is not None
    assert [word.text for word in letters(quote)] == [word.text for word in letters(said)]
