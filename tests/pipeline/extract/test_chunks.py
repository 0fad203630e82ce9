from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from talks import talk

from pipeline.extract.chunks import Chunk, Turn, chunked, turns_of
from pipeline.extract.tokens import estimated_tokens

LINE = 10
WORDS = st.sampled_from(
    ["yes", "well,", "cancel", "contract.", "4711", "please", "月租太贵了。", "我想转网", "unbelievably"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)
LONG_TEXTS = st.lists(WORDS, min_size=60, max_size=120).map(" ".join) | st.text("x", min_size=400, max_size=900)
ROOMS = st.integers(120, 400)
OVERLAPS = st.integers(0, 6)

FEWER = settings(max_examples=40)


def cost(text: str) -> int:
    return estimated_tokens(text) + LINE


def turns(texts: list[str]) -> Chunk:
    return turns_of(talk(*(f"c: {text}" for text in texts)))


def used(chunk: Chunk) -> int:
    return sum(cost(turn.text) for turn in chunk)


def names(chunk: Chunk) -> list[str]:
    return [turn.name for turn in chunk]


@FEWER
@given(st.lists(TEXTS | LONG_TEXTS, min_size=1, max_size=20), ROOMS, OVERLAPS)
def test_every_letter_of_every_turn_is_shown_and_in_order(texts: list[str], room: int, overlap: int) -> None:
    said = turns(texts)
    shown: dict[str, set[int]] = defaultdict(set)
    for chunk in chunked(said, cost, room=room, overlap=overlap):
        places = [(int(turn.name[1:]), turn.start, turn.end) for turn in chunk]
        assert places == sorted(places)
        assert len(set(names(chunk))) == len(chunk)
        for turn in chunk:
            shown[turn.name] |= {*range(turn.start, turn.end)}
    assert shown == {turn.name: {*range(turn.end)} for turn in said}


@FEWER
@given(st.lists(TEXTS | LONG_TEXTS, min_size=1, max_size=20), ROOMS, OVERLAPS)
def test_no_chunk_is_longer_than_there_is_room(texts: list[str], room: int, overlap: int) -> None:
    assert max(map(used, chunked(turns(texts), cost, room=room, overlap=overlap))) <= room


@FEWER
@given(st.lists(TEXTS, min_size=1, max_size=40), ROOMS, OVERLAPS)
def test_a_chunk_begins_with_the_turns_before_it_that_are_a_quarter_of_it_at_most(
    texts: list[str], room: int, overlap: int
) -> None:
    said = turns(texts)
    chunks = chunked(said, cost, room=room, overlap=overlap)
    ends = [0]
    for before, chunk in pairwise(chunks):
        ends.append(int(before[-1].name[1:]))
        again = [turn for turn in chunk if int(turn.name[1:]) <= ends[-1]]
        assert len(again) <= overlap
        assert again == [*before[len(before) - len(again) :]]
        assert sum(cost(turn.text) for turn in again) <= room // 4
        new = said[ends[-1]]
        assert new in chunk
        more = [*before[: len(before) - len(again)]][-1:]
        free = min(room // 4, room - cost(new.text))
        assert len(again) == overlap or not more or used((*more, *again)) > free


@FEWER
@given(st.lists(TEXTS, min_size=1, max_size=20), OVERLAPS)
def test_what_fits_is_one_chunk_of_whole_turns(texts: list[str], overlap: int) -> None:
    said = turns(texts)
    assert chunked(said, cost, room=used(said), overlap=overlap) == [said]


@FEWER
@given(st.lists(TEXTS, min_size=30, max_size=120), ROOMS, OVERLAPS)
def test_all_chunks_together_are_at_most_twice_the_talk(texts: list[str], room: int, overlap: int) -> None:
    said = turns(texts)
    chunks = chunked(said, cost, room=room, overlap=overlap)
    assert sum(map(used, chunks)) <= 2 * used(said)


def test_nothing_is_no_chunk() -> None:
    assert chunked((), cost, room=100, overlap=2) == []


@pytest.mark.parametrize(
    ("text", "ends_with"),
    [
        ("well it is too expensive, " * 40, ","),
        ("well it is too expensive " * 40, " "),
        ("这个月租太贵了，我想转网。" * 40, ("，", "。")),  # noqa: RUF001 - Chinese punctuation
    ],
)
def test_a_long_turn_is_cut_at_clause_ends_else_between_words(text: str, ends_with: str | tuple[str, ...]) -> None:
    text = text.strip()
    chunks = chunked(turns([text]), cost, room=160, overlap=2)
    assert len(chunks) > 2
    for chunk in chunks[:-1]:
        assert names(chunk) == ["s1"]
        assert chunk[0].text.endswith(ends_with)
    for before, chunk in pairwise(chunks):
        assert before[0].start < chunk[0].start < before[0].end < chunk[0].end


def test_pieces_of_one_turn_in_one_chunk_are_one_turn() -> None:
    first, long, last = turns(["hello", "x " * 200, "bye"])
    chunks = chunked((first, long, last), cost, room=150, overlap=0)
    assert chunks[0] == (first, Turn("s2", long.segment, 0, chunks[0][1].end))
    assert names(chunks[-1]) == ["s2", "s3"]
