from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from talks import talk

from pipeline.errors import Config
from pipeline.extract.chunks import Chunk, turns_of
from pipeline.extract.questions import LEAST_ROOM, questions, smaller
from pipeline.extract.tokens import prompt_tokens
from pipeline.ports import ChatMessage

RULES = ChatMessage("system", "label what is said " * 40)
ROOM = prompt_tokens([RULES]) + 300


def show(chunk: Chunk) -> tuple[ChatMessage, ...]:
    return RULES, ChatMessage("user", "".join(f"[{turn.name}] {turn.text}\n" for turn in chunk))


def show_twice(chunk: Chunk) -> tuple[ChatMessage, ...]:
    """A prompt that shows each turn a second time from its third turn on, which no single turn tells."""
    again = show(chunk)[1:] if len(chunk) > 2 else ()
    return (*show(chunk), *again)


def turns(count: int, text: str = "it is too expensive for me and i want to cancel it") -> Chunk:
    return turns_of(talk(*[f"c: {text}"] * count))


def test_what_fits_is_asked_in_one_piece() -> None:
    (asked,) = questions(turns(5), show, limit=ROOM, overlap=2)
    assert asked.chunk == turns(5)
    assert asked.messages == show(turns(5))


@settings(max_examples=20)
@given(st.integers(20, 80), st.integers(0, 8), st.sampled_from([show, show_twice]), st.integers(ROOM, 3 * ROOM))
def test_no_prompt_is_longer_than_the_limit(count: int, overlap: int, shown: object, limit: int) -> None:
    assert callable(shown)
    asked = questions(turns(count), shown, limit=limit, overlap=overlap)
    assert max(prompt_tokens(question.messages) for question in asked) <= limit
    assert {turn.name for question in asked for turn in question.chunk} == {turn.name for turn in turns(count)}
    assert all(question.messages == shown(question.chunk) for question in asked)


def test_instructions_that_leave_no_room_are_a_wrong_setting() -> None:
    limit = prompt_tokens(show(())) + LEAST_ROOM - 1
    with pytest.raises(Config, match=rf"CONVMINE_EXTRACT_CHUNK_TOKENS: is {limit}: the instructions take \d+"):
        questions(turns(100), show, limit=limit, overlap=2)


def test_a_question_is_asked_again_in_shorter_ones() -> None:
    (asked,) = questions(turns(60), show, limit=5_000, overlap=2)
    parts = smaller(asked, show, overlap=2)
    assert len(parts) == 2
    talk_of = [prompt_tokens(one.messages) - prompt_tokens(show(())) for one in (asked, *parts)]
    assert max(talk_of[1:]) <= talk_of[0] * 5 // 8
    assert {turn.name for part in parts for turn in part.chunk} == {turn.name for turn in asked.chunk}


def test_one_long_turn_is_asked_about_in_pieces_too() -> None:
    (asked,) = questions(turns(1, "it is too expensive, " * 100), show, limit=5_000, overlap=2)
    parts = smaller(asked, show, overlap=2)
    assert len(parts) > 1
    assert {turn.name for part in parts for turn in part.chunk} == {"s1"}


def test_a_question_about_a_few_turns_is_not_cut_further() -> None:
    (asked,) = questions(turns(10), show, limit=5_000, overlap=2)
    assert smaller(asked, show, overlap=2) == []
