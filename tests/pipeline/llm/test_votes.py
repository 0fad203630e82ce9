from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.votes import vote

ANSWERS = st.lists(st.lists(st.sampled_from("abcd"), max_size=5), min_size=1, max_size=5)


def first_letter(claim: str) -> str:
    return claim[0]


def test_what_more_than_half_say_is_kept_in_the_words_of_the_first() -> None:
    answers = [["a1", "b1"], ["b2", "c2"], ["b3", "a3"]]
    assert vote(answers, first_letter) == ("a1", "b1")


def test_half_is_no_majority() -> None:
    assert vote([["a"], ["b"]], first_letter) == ()
    assert vote([["a"], ["a"], ["b"], []], first_letter) == ()


def test_what_two_answers_say_twice_is_kept_twice() -> None:
    assert vote([["a1", "a2"], ["a3", "a4"], ["a5"]], first_letter) == ("a1", "a2")


def test_a_field_without_a_value_is_a_vote_against_one() -> None:
    assert vote([[], ["a"], []], first_letter) == ()


@given(ANSWERS)
def test_one_voice_is_its_own_majority_and_equal_voices_agree(answers: list[list[str]]) -> None:
    assert vote(answers[:1], first_letter) == tuple(answers[0])
    assert vote([answers[0]] * 3, first_letter) == tuple(answers[0])


@given(ANSWERS, st.randoms(use_true_random=False))
def test_the_order_of_the_answers_decides_no_vote(answers: list[list[str]], random: Random) -> None:
    shuffled = answers.copy()
    random.shuffle(shuffled)
    assert sorted(vote(shuffled, first_letter)) == sorted(vote(answers, first_letter))
