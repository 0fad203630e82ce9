import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluate.wer import Edits, Errors, is_chinese, normalise, score, total

WORDS = st.lists(st.sampled_from(["a", "be", "cat", "dog", "5", "it's"]), max_size=12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Good morning, Harbor-Mobile!", ("good", "morning", "harbor", "mobile")),
        ("It’s 'fine', isn't it?", ("it's", "fine", "isn't", "it")),  # noqa: RUF001 - the typographic apostrophe is the case
        ("Pay 12.50 on May 3rd", ("pay", "12", "50", "on", "may", "3rd")),
        ("您好，请问 5G 套餐？", ("您", "好", "请", "问", "5g", "套", "餐")),  # noqa: RUF001 - Chinese punctuation is the case
        ("ＦＵＬＬ　ｗｉｄｔｈ", ("full", "width")),  # noqa: RUF001 - full-width letters are the case
        ("Über café", ("über", "café")),
        (" ... '' ", ()),
    ],
)
def test_case_and_punctuation_do_not_count_and_chinese_counts_by_character(text: str, words: tuple[str, ...]) -> None:
    assert normalise(text) == words


def test_errors_are_counted_by_word_and_by_character() -> None:
    errors = score("The cat sat on the mat.", "the bat sat on mat")
    assert errors == Errors(Edits(substitutions=1, deletions=1), 6, Edits(substitutions=1, deletions=3), 17)
    assert (errors.wer, errors.cer) == (2 / 6, 4 / 17)


def test_a_chinese_text_is_scored_by_character_whatever_its_punctuation_and_width() -> None:
    errors = score("我要，退订 ５Ｇ。", "我要订5g")  # noqa: RUF001 - full-width characters are the case
    assert errors.of_characters == Edits(deletions=1)
    assert errors.cer == 1 / 6


def test_numerals_count_as_they_are_written() -> None:
    assert score("room five", "room 5").of_words == Edits(substitutions=1)
    assert score("三百元", "300元").cer == 1.0


def test_words_that_nobody_said_are_insertions() -> None:
    assert score("yes", "oh yes please").of_words == Edits(insertions=2)


@pytest.mark.parametrize(
    ("text", "chinese"), [("您好 5G 套餐", True), ("hello 您好", False), ("", False), ("5", False)]
)
def test_a_text_is_chinese_when_most_of_it_is(text: str, *, chinese: bool) -> None:
    assert is_chinese(text) is chinese


@pytest.mark.parametrize(("reference", "heard", "wer"), [("", "", 0.0), ("", "two words", 2.0), ("two words", "", 1.0)])
def test_a_side_without_words_is_scored_too(reference: str, heard: str, wer: float) -> None:
    assert score(reference, heard).wer == wer


def test_long_texts_weigh_more_in_the_total() -> None:
    assert total([score("a b c d e f g h i", "a b c d e f g h i"), score("a", "b")]).wer == 0.1
    assert total([]).wer == 0.0


@given(reference=WORDS, heard=WORDS)
def test_the_distance_is_none_only_for_equal_texts_and_never_more_than_all_words(
    reference: list[str], heard: list[str]
) -> None:
    edits = score(" ".join(reference), " ".join(heard)).of_words.count
    assert (edits == 0) == (reference == heard)
    assert abs(len(reference) - len(heard)) <= edits <= max(len(reference), len(heard))
    assert edits == score(" ".join(heard), " ".join(reference)).of_words.count
