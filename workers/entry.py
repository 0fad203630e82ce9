"""How a call enters from outside: the event that announces it, or its life and audio, on the topic of their kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Final

from pipeline.asr.decode import Audio
from pipeline.asr.pcm import pcm16
from pipeline.handling import Outbound
from pipeline.ids import stable_id
from pipeline.stages import AUDIO, OUTCOMES, RECORDINGS, transcripts
from schemas.audio import AudioChunk, Encoding, RawFormat, RecordingAvailable
from schemas.call import CallEnded, CallHeld, CallOutcome, CallResumed, CallStarted
from schemas.envelope import Message, encode, message
from schemas.transcript import TranscriptCompleted
from schemas.wire import CallEvent, CallFacts, Channel, Lane, Role
from workers.records import NewRecord, chunk_record, write_event

_TOPICS: Final[Mapping[type[CallEvent], str]] = {
    RecordingAvailable: RECORDINGS,
    TranscriptCompleted: transcripts(Lane.BATCH),
    CallStarted: AUDIO,
    CallHeld: AUDIO,
    CallResumed: AUDIO,
    CallEnded: AUDIO,
    CallOutcome: OUTCOMES,
}
CHUNK_MS: Final = 200
"""Milliseconds of audio in a chunk: five records a second, and words are late by no more than one of them."""


def entry_record(payload: CallEvent, *, tenant_id: str, time: datetime) -> NewRecord:
    """The record that brings in a recording, a conversation or an outcome; the same thing twice has one ``ce_id``."""
    return write_event(Outbound(_TOPICS[type(payload)], entering(payload, tenant_id=tenant_id, time=time)))


@dataclass(frozen=True, slots=True)
class LiveCall:
    """Audio that is played as a live call; channels that nobody is named for have an unknown role.

    In ``holds``, pairs of milliseconds, in order and disjoint, the call is on hold and its audio is not sent.
    """

    call_id: str
    audio: Audio
    channels: tuple[Channel, ...] = ()
    facts: CallFacts = field(default_factory=CallFacts)
    chunk_ms: int = CHUNK_MS
    holds: tuple[tuple[int, int], ...] = ()

    @property
    def all_channels(self) -> tuple[Channel, ...]:
        """Each channel of the audio with who is on it."""
        named = {channel.index: channel for channel in self.channels}
        unknown = (Channel(index=index, role=Role.UNKNOWN) for index in range(self.audio.channels))
        return tuple(named.get(channel.index, channel) for channel in unknown)


def live_records(call: LiveCall, *, tenant_id: str, started_at: datetime) -> Iterator[tuple[int, NewRecord]]:
    """The records of a live call, each with when it is due, in milliseconds from the call's start.

    ``call.started``, then L16 chunks, each due when its last sample was heard, ``call.held`` and ``call.resumed``, then
    ``call.ended``. The rate of the audio must be one that is read live (``pipeline.asr.live_audio.RATES_HZ``).
    """
    facts = call.facts.model_copy(update={"started_at": call.facts.started_at or started_at})
    for due_ms, payload, body in _course(call, facts):
        at = started_at + timedelta(milliseconds=due_ms)
        if isinstance(payload, AudioChunk):
            chunk = entering(payload, tenant_id=tenant_id, time=at, body=body)
            raw = chunk.envelope.model_copy(update={"datacontenttype": "application/octet-stream"})
            yield due_ms, chunk_record(AUDIO, replace(chunk, envelope=raw), body)
        else:
            yield due_ms, entry_record(payload, tenant_id=tenant_id, time=at)


def _course(call: LiveCall, facts: CallFacts) -> Iterator[tuple[int, CallEvent, bytes]]:
    """What happens in the call and when it is known, in order; a chunk comes with its audio."""
    yield 0, CallStarted(call_id=call.call_id, call=facts, channels=call.all_channels), b""
    duration_ms, sequence, heard_ms = call.audio.duration_ms, count(), 0
    for held_ms, resumed_ms in call.holds:
        yield from _chunks(call, sequence, heard_ms, held_ms)
        yield held_ms, CallHeld(call_id=call.call_id, at_ms=held_ms), b""
        yield resumed_ms, CallResumed(call_id=call.call_id, at_ms=resumed_ms), b""
        heard_ms = resumed_ms
    yield from _chunks(call, sequence, heard_ms, duration_ms + 1)
    yield duration_ms, CallEnded(call_id=call.call_id, duration_ms=duration_ms), b""


def _chunks(
    call: LiveCall, sequence: Iterator[int], from_ms: int, to_ms: int
) -> Iterator[tuple[int, AudioChunk, bytes]]:
    audio, channels = call.audio, call.all_channels
    raw = RawFormat(encoding=Encoding.L16, sample_rate_hz=audio.sample_rate_hz, channels=audio.channels)
    frames_a_ms = audio.sample_rate_hz // 1_000
    for start_ms in range(from_ms, to_ms, call.chunk_ms):
        end_ms = min(start_ms + call.chunk_ms, to_ms)
        samples = audio.samples[:, start_ms * frames_a_ms : end_ms * frames_a_ms]
        if not samples.shape[1]:
            return
        chunk = AudioChunk(
            call_id=call.call_id, sequence=next(sequence), offset_ms=start_ms, raw=raw, channels=channels
        )
        yield min(end_ms, audio.duration_ms), chunk, pcm16(samples.T.ravel())


def entering(payload: CallEvent, *, tenant_id: str, time: datetime, body: bytes = b"") -> Message:
    """An event in its envelope; its id is made of what it says."""
    said = [encode(payload).decode(), *([sha256(body).hexdigest()] if body else [])]
    return message(
        payload,
        id=stable_id("entry", tenant_id, payload.call_id, payload.event_name, *said),
        source="/convmine/publish",
        time=time,
        subject=payload.call_id,
        tenant_id=tenant_id,
    )
