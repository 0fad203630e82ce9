"""What the demo plays: the samples, as their telephone system would send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from pipeline.handling import Inbound
from pipeline.stages import AUDIO, transcripts
from schemas.audio import AudioChunk
from schemas.call import CallEnded, CallStarted
from schemas.transcript import ConversationMessage
from schemas.wire import Lane, Role
from workers.demo.recordings import SampleRecordings
from workers.demo.talks import Talk, earlier, talks
from workers.records import NewRecord, Record, read_event

BEGAN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CALLS, CHATS = talks("acme")


def event(new: NewRecord) -> Inbound:
    """What a stage reads."""
    read = read_event(Record(new.topic, 0, 0, new.key, new.value, new.headers))
    assert read is not None
    return read


def course(talk: Talk) -> list[tuple[int, Inbound]]:
    """The events of a talk with when each is due."""
    return [(due_ms, event(record)) for due_ms, record in talk.course("live-1", "acme", BEGAN)]


def test_a_call_is_sent_as_audio_of_both_sides_and_a_chat_message_by_message() -> None:
    spoken = course(CALLS[0].held_by("you"))
    first, last = spoken[0][1].payload, spoken[-1][1].payload
    assert isinstance(first, CallStarted)
    assert (first.call.agent, first.call.started_at, len(first.channels)) == ("you", BEGAN, 2)
    assert isinstance(last, CallEnded)
    assert last.duration_ms is not None
    chunks = [inbound.payload for _, inbound in spoken[1:-1]]
    assert all(isinstance(chunk, AudioChunk) for chunk in chunks)
    assert len(chunks) == pytest.approx(last.duration_ms / 200, abs=1)
    typed = course(CHATS[0])
    messages = [inbound.payload for _, inbound in typed[1:-1]]
    assert all(isinstance(message, ConversationMessage) for message in messages)
    assert {message.role for message in messages if isinstance(message, ConversationMessage)} == {
        Role.AGENT,
        Role.CUSTOMER,
    }
    assert {inbound.position.topic for _, inbound in spoken} == {AUDIO}
    assert {inbound.position.topic for _, inbound in typed} == {transcripts(Lane.LIVE)}


@pytest.mark.parametrize("talk", [CALLS[0], *CHATS], ids=lambda talk: talk.name)
def test_what_is_due_later_comes_later_and_its_time_says_when_it_was_said(talk: Talk) -> None:
    found = course(talk)
    assert all(earlier_ms <= later_ms for (earlier_ms, _), (later_ms, _) in pairwise(found))
    for due_ms, inbound in found:
        assert inbound.message.envelope.time == BEGAN + timedelta(milliseconds=due_ms)
        assert inbound.message.envelope.subject == "live-1"
    assert len({inbound.message.envelope.id for _, inbound in found}) == len(found)


def test_a_call_in_which_something_happens_soon_is_the_first_and_none_is_left_out() -> None:
    assert CALLS[0].name == "call-06-charged-twice"
    assert len({call.name for call in CALLS}) == 8
    assert {call.recording.call.language for call in CALLS} == {"en"}
    assert {chat.chat.language for chat in CHATS} == {"zh"}


def test_earlier_calls_have_their_facts_and_nobodys_card_number() -> None:
    held = earlier("acme")
    assert len({transcript.call_id for transcript, _ in held}) == len(held) == 10
    for transcript, ended in held:
        assert transcript.call.agent
        assert transcript.call.customer_id
        assert transcript.call.started_at is not None
        assert ended > transcript.call.started_at
    words = " ".join(segment.text for transcript, _ in held for segment in transcript.segments)
    assert "one one one one" not in words
    assert "[CARD]" in words.upper()


def test_a_played_call_is_heard_as_the_sample_that_it_is() -> None:
    recordings, name = SampleRecordings(), CALLS[0].name
    claim = recordings.claim("acme", f"{name}-1123-070855")
    assert claim is not None
    assert claim.uri.endswith(f"{name}.ogg")
    assert recordings.claim("acme", name) == claim
    assert recordings.claim("acme", CHATS[0].name) is None
    assert recordings.claim("acme", "") is None
