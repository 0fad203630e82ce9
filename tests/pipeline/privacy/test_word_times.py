# ruff: noqa: RUF001 - Chinese text has full-width marks
from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.privacy.masking import mask, masked_and_found
from pipeline.privacy.word_times import ESTIMATE_MARGIN_MS, WORD_MARGIN_MS
from schemas.transcript import MaskedSpan, Segment, Word
from schemas.wire import Role

WORD_MS = 400
START_MS = 10_000


def timed(words: Sequence[str], text: str | None = None, *, masked: tuple[MaskedSpan, ...] = ()) -> Segment:
    """Words of 400 ms each without a pause from 10 s on, joined to the text unless that is another one."""
    return Segment(
        segment_id="s",
        role=Role.CUSTOMER,
        start_ms=START_MS,
        end_ms=START_MS + max(1, len(words)) * WORD_MS,
        text=" ".join(words) if text is None else text,
        words=tuple(
            Word(text=word, start_ms=START_MS + place * WORD_MS, end_ms=START_MS + (place + 1) * WORD_MS)
            for place, word in enumerate(words)
        ),
        masked=masked,
    )


def masked(segment: Segment, language: str = "en") -> Segment:
    (found,) = mask([segment], language)
    return found


def at(place: int) -> int:
    return START_MS + place * WORD_MS


def texts(segment: Segment) -> list[str]:
    return [word.text for word in segment.words]


def test_a_masked_word_is_the_placeholder_with_the_joint_time_of_the_words_it_covers() -> None:
    found = masked(timed(["call", "five", "five", "five", "zero", "one", "four", "seven", "thanks"]))
    assert found.text == "call [PHONE] thanks"
    assert found.words == (
        Word(text="call", start_ms=at(0), end_ms=at(1)),
        Word(text="[PHONE]", start_ms=at(1), end_ms=at(8)),
        Word(text="thanks", start_ms=at(8), end_ms=at(9)),
    )


def test_what_was_masked_is_not_heard_from_its_first_to_its_last_word_and_a_little_around() -> None:
    found = masked(timed(["call", "five", "five", "five", "zero", "one", "four", "seven", "thanks"]))
    assert found.masked == (MaskedSpan(kind="phone", start_ms=at(1) - WORD_MARGIN_MS, end_ms=at(8) + WORD_MARGIN_MS),)


def test_marks_at_words_and_cased_letters_do_not_keep_words_from_their_places() -> None:
    found = masked(timed(["It's", "555-0142,", "Okay?"]))
    assert (found.text, texts(found)) == ("It's [PHONE], Okay?", ["It's", "[PHONE]", "Okay?"])


def test_chinese_words_are_found_in_a_text_without_spaces() -> None:
    words = ["电话", "是", "一三八", "零零", "一三八", "零零零", "谢谢"]
    found = masked(timed(words, "电话是一三八，零零一三八零零零。谢谢"), "zh")
    assert (found.text, texts(found)) == ("电话是[PHONE]。谢谢", ["电话", "是", "[PHONE]", "谢谢"])
    assert [(span.start_ms, span.end_ms) for span in found.masked] == [(at(2) - 100, at(6) + 100)]


def test_of_a_word_that_holds_more_than_what_is_masked_the_rest_stays() -> None:
    found = masked(timed(["号码是一三八零零一三八零零零谢谢"]), "zh")
    assert texts(found) == ["号码是[PHONE]谢谢"]


def test_two_things_in_one_word_are_both_masked() -> None:
    found = masked(timed(["4242424242424242,cvv737"]))
    assert not any(char.isdigit() for word in texts(found) for char in word)
    assert {span.kind for span in found.masked} == {"card", "code"}


def test_words_that_are_not_those_of_the_text_are_masked_by_themselves() -> None:
    found = masked(timed(["call", "five", "five", "five", "zero", "one", "four", "seven"], "call 555-0147"))
    assert (found.text, texts(found)) == ("call [PHONE]", ["call", "[PHONE]"])
    assert masked(timed(["4242", "4242", "4242", "4242"], "hello")).words[0].text == "[CARD]"


def test_without_words_the_time_is_estimated_from_the_place_in_the_text() -> None:
    text = "x" * 60 + " 415-555-2671 " + "y" * 60
    segment = Segment(segment_id="s", role=Role.CUSTOMER, start_ms=0, end_ms=20_000, text=text)
    (span,) = masked(segment).masked
    middle = (span.start_ms + span.end_ms) // 2
    assert abs(middle - 10_000) < 200
    assert span.start_ms > 2_000
    assert span.end_ms - span.start_ms > 2 * ESTIMATE_MARGIN_MS


@pytest.mark.parametrize("text", ["415-555-2671", "4242 4242 4242 4242 cvv 123"])
def test_an_estimate_stays_within_the_segment(text: str) -> None:
    segment = Segment(segment_id="s", role=Role.CUSTOMER, start_ms=5_000, end_ms=5_900, text=text)
    assert all(5_000 <= span.start_ms <= span.end_ms <= 5_900 for span in masked(segment).masked)


def test_spans_that_are_there_already_stay_and_those_of_one_kind_that_overlap_are_one() -> None:
    before = (
        MaskedSpan(kind="phone", start_ms=at(0), end_ms=at(2)),
        MaskedSpan(kind="name", start_ms=at(0), end_ms=at(1)),
    )
    found = masked(timed(["call", "five", "five", "five", "zero", "one", "four", "seven"], masked=before))
    assert found.masked == (
        MaskedSpan(kind="name", start_ms=at(0), end_ms=at(1)),
        MaskedSpan(kind="phone", start_ms=at(0), end_ms=at(8)),
    )


def test_masking_what_is_masked_changes_neither_words_nor_spans() -> None:
    said = "it is four one five five five five two six seven one and j at x dot com"
    once = masked(timed(said.split()))
    assert masked(once) == once


NUMBERS = "4242 4242424242424242, 555-0142 oh one double seven four 一三八 零零一 三八零零零 A B9"
SAID = st.lists(st.sampled_from(f"call at dot com my cvv is, – {NUMBERS}".split()), max_size=24)


@given(SAID, st.sampled_from(["en", "zh"]))
def test_words_have_no_more_of_what_is_masked_than_the_text_and_stay_in_order(said: list[str], language: str) -> None:
    segment = timed(said)
    (after,), found = masked_and_found([segment], language)
    letters = "".join(char for char in after.text.casefold() if char.isalnum())
    assert letters == "".join(char for word in texts(after) for char in word.casefold() if char.isalnum())
    assert bool(found) == bool(after.masked)
    assert all(left.start_ms <= right.start_ms for left, right in pairwise(after.words))
    assert masked(after, language) == after


def test_a_number_with_letters_right_behind_a_card_is_masked_as_well() -> None:
    found = masked(timed(["4242424242424242,", "A", "38000", "B"]))
    assert found.text == "[CARD], [NUMBER]"
    assert masked(found) == found


def test_a_word_in_which_one_thing_ends_and_another_begins_is_of_both_and_each_is_named_once() -> None:
    found = masked(timed(["555-0142", "B9", "one", "4242424242424242,"]))
    assert (found.text, texts(found)) == ("[NUMBER][CARD],", ["[NUMBER][CARD]"])
    assert {span.kind for span in found.masked} == {"number", "card"}
