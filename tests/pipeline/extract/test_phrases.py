from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.extract import phrases
from pipeline.extract.phrases import LENIENT, STRICT, find_span, line
from pipeline.extract.words import letters


def found_in(text: str, phrase: str, at_least: float = STRICT) -> str | None:
    """The words of a text that say a phrase, as they stand there."""
    span = find_span(line(phrase), line(text), at_least=at_least)
    return None if span is None else text[span[0] : span[1]]


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
    assert found_in(text, phrase, at_least) == quote


@given(st.text(alphabet="abc ,.好", min_size=1, max_size=40), st.data())
def test_what_stands_in_a_text_is_found_in_it(text: str, data: st.DataObject) -> None:
    found = letters(text)
    if not found:
        return
    first = data.draw(st.integers(0, len(found) - 1))
    last = data.draw(st.integers(first, len(found) - 1))
    said = text[found[first].start : found[last].end]
    quote = found_in(text, said)
    assert quote is not None
    assert [word.text for word in letters(quote)] == [word.text for word in letters(said)]


@given(
    st.lists(st.text("abcd ", min_size=1, max_size=9), min_size=2, max_size=5).map(" ".join),
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["", "a", "x", " "])), max_size=4),
    st.text("abcd ", max_size=12),
    st.sampled_from([STRICT, LENIENT]),
)
@example("abcde fghij klmno pqrst", [(2, "cx"), (8, "gx"), (15, "lx"), (22, "qx")], "", STRICT)  # 92 of 100
@example("you will be cut off", [(4, "x"), (9, ""), (13, "a")], "so", STRICT)
def test_a_phrase_that_is_passed_over_at_a_glance_is_not_there(
    phrase: str, changes: list[tuple[int, str]], before: str, at_least: float
) -> None:
    text = phrase
    for place, letter in changes:
        text = text[:place] + letter + text[place + 1 :]
    text = f"{before} {text} {before}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phrases, "_parts", lambda *_: ("",))  # which stands everywhere
        looked_for = found_in(text, phrase, at_least)
    assert found_in(text, phrase, at_least) == looked_for
