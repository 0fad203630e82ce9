from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.questions.differences.phrases import Phrase, as_said, phrases_of, words_of

TALK = st.lists(st.lists(st.text("ab ", max_size=8), max_size=3), max_size=6)


@given(TALK, st.integers(1, 3))
def test_all_phrases_of_up_to_three_words_that_calls_enough_have_are_found(calls: list[list[str]], fewest: int) -> None:
    holding: dict[tuple[str, ...], set[int]] = {}
    for number, texts in enumerate(calls):
        for text in texts:
            words = text.split()
            for length in (1, 2, 3):
                for at in range(len(words) - length + 1):
                    holding.setdefault(tuple(words[at : at + length]), set()).add(number)
    expected = {terms: held for terms, held in holding.items() if len(held) >= fewest}
    assert {phrase.terms: set(phrase.calls) for phrase in phrases_of(calls, fewest)} == expected


def test_a_phrase_counts_once_a_call_and_ends_with_its_utterance() -> None:
    found = {one.terms: one.calls for one in phrases_of([["no deal", "no deal"], ["no", "deal"]], 1)}
    assert found["no", "deal"] == {0}
    assert found["no",] == {0, 1}


def test_chinese_is_cut_into_words_that_do_not_overlap() -> None:
    assert [token.term for token in words_of("北京大学的套餐")] == ["北京大学", "的", "套餐"]


def test_a_phrase_is_shown_as_it_was_said() -> None:
    assert as_said(("loyalty", "discount"), "All our Loyalty  Discounts, yes") == "Loyalty  Discounts"
    assert as_said(("loyalty", "plan"), "All our loyalty discounts") is None


def test_phrases_that_the_same_calls_have_are_one() -> None:
    def phrase(*terms: str, calls: range) -> Phrase:
        return Phrase(terms, frozenset(calls))

    loyal = phrase("a", "discount", calls=range(10))
    assert phrase("discount", calls=range(20)).is_like(loyal)
    assert phrase("discount", "of", calls=range(2, 12)).is_like(loyal)
    assert phrase("percent", calls=range(1, 10)).is_like(loyal)
    assert not phrase("percent", calls=range(2, 12)).is_like(loyal)
