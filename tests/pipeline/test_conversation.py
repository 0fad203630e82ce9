from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conversation import read_conversation, transcript_of
from pipeline.errors import Poison


def conversation(**changes: Any) -> bytes:
    messages = [{"role": "agent", "at_ms": 0, "text": "hello"}, {"role": "customer", "at_ms": 900, "text": "hi"}]
    return json.dumps({"call_id": "c", "messages": messages, **changes}).encode()


def test_messages_become_segments_in_order_of_time() -> None:
    messages = [{"role": "customer", "at_ms": 900, "text": "hi"}, {"role": "agent", "at_ms": 0, "text": "hello"}]
    transcript = transcript_of(read_conversation(conversation(messages=messages)), "t")
    assert [(segment.role, segment.start_ms) for segment in transcript.segments] == [("agent", 0), ("customer", 900)]


def test_instants_count_from_the_first_message() -> None:
    messages = [
        {"role": "agent", "sent_at": "2026-01-01T10:00:00+08:00", "text": "a"},
        {"role": "customer", "sent_at": "2026-01-01T02:00:01.500Z", "text": "b"},
    ]
    transcript = transcript_of(read_conversation(conversation(messages=messages)), "t")
    assert [segment.start_ms for segment in transcript.segments] == [0, 1_500]
    assert transcript.duration_ms == 1_500


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "no JSON"),
        (conversation(messages=[]), "messages"),
        (conversation(messages=[{"role": "agent", "text": "when?"}]), "at_ms or sent_at"),
        (conversation(messages=[{"role": "robot", "at_ms": 0, "text": "x"}]), "messages.0.role"),
        (b"\xff\xfe", "no JSON"),
    ],
)
def test_a_file_that_is_no_conversation_says_what_is_wrong(text: bytes, reason: str) -> None:
    with pytest.raises(Poison, match=reason):
        read_conversation(text)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.text(max_size=20)), min_size=1, max_size=20))
def test_no_message_is_lost_and_ids_are_the_same_the_second_time(messages: list[tuple[int, str]]) -> None:
    rows = [{"role": "agent", "at_ms": at, "text": text} for at, text in messages]
    first, second = (transcript_of(read_conversation(conversation(messages=rows)), "t") for _ in range(2))
    assert first == second
    assert sorted(segment.text for segment in first.segments) == sorted(text for _, text in messages)
    assert len({segment.segment_id for segment in first.segments}) == len(messages)
