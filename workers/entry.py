"""How a call enters from outside: the event that announces it, or its life and audio, on the topic of their kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from pipeline.asr.decode import Audio
from pipeline.asr.pcm import pcm16
from pipeline.handling import Outbound
from pipeline.ids import stable_id
from pipeline.stages import AUDIO, RECORDINGS, transcripts
from schemas.audio import AudioChunk, Encoding, RawFormat, RecordingAvailable
from schemas.call import CallEnded, CallStarted
from schemas.envelope import Message, encode, message
from schemas.transcript import TranscriptCompleted
from schemas.wire import CallEvent, CallFacts, Channel, Lane, Role
from workers.records import NewRecord, chunk_record, write_event

_TOPICS: Final[Mapping[type[CallEvent], str]] = {
    RecordingAvailable: RECORDINGS,
    TranscriptCompleted: transcripts(Lane.BATCH),
    CallStarted: AUDIO,
    CallEnded: AUDIO,
}
CHUNK_MS: Final = 200
"""Milliseconds of audio in a chunk: five records a second, and words are late by no more than one of them."""


def entry_record(payload: CallEvent, *, tenant_id: str, time: datetime) -> NewRecord:
    """The record that brings a recording or a conversation in; publishing the same thing twice gives one ``ce_id``."""
    return write_event(Outbound(_TOPICS[type(payload)], _entering(payload, tenant_id=tenant_id, time=time)))


@dataclass(frozen=True, slots=True)
class LiveCall:
    """Audio that is played as a live call; channels that nobody is named for have an unknown role."""

    call_id: str
    audio: Audio
    channels: tuple[Channel, ...] = ()
    facts: CallFacts = field(default_factory=CallFacts)

    @property
    def all_channels(self) -> tuple[Channel, ...]:
        """Each channel of the audio with who is on it."""
        named = {channel.index: channel for channel in self.channels}
        unknown = (Channel(index=index, role=Role.UNKNOWN) for index in range(self.audio.channels))
        return tuple(named.get(channel.index, channel) for channel in unknown)


def live_records(call: LiveCall, *, tenant_id: str, started_at: datetime) -> Iterator[tuple[int, NewRecord]]:
    """The records of a live call, each with when it is due, in milliseconds from the call's start.

    ``call.started``, then L16 chunks of 200 ms, each due when its last sample was heard, then ``call.ended``. The rate
    of the audio must be one that is read live (``pipeline.asr.live_audio.RATES_HZ``).
    """

    def at(ms: int) -> datetime:
        return started_at + timedelta(milliseconds=ms)

    facts = call.facts.model_copy(update={"started_at": call.facts.started_at or started_at})
    started = CallStarted(call_id=call.call_id, call=facts, channels=call.all_channels)
    yield 0, entry_record(started, tenant_id=tenant_id, time=started_at)
    for chunk, body in _chunks(call):
        due_ms = min(chunk.offset_ms + CHUNK_MS, call.audio.duration_ms)
        entering = _entering(chunk, tenant_id=tenant_id, time=at(due_ms), body=body)
        raw = entering.envelope.model_copy(update={"datacontenttype": "application/octet-stream"})
        yield due_ms, chunk_record(AUDIO, replace(entering, envelope=raw), body)
    duration_ms = call.audio.duration_ms
    ended = CallEnded(call_id=call.call_id, duration_ms=duration_ms)
    yield duration_ms, entry_record(ended, tenant_id=tenant_id, time=at(duration_ms))


def _chunks(call: LiveCall) -> Iterator[tuple[AudioChunk, bytes]]:
    audio, channels = call.audio, call.all_channels
    raw = RawFormat(encoding=Encoding.L16, sample_rate_hz=audio.sample_rate_hz, channels=audio.channels)
    frames = audio.sample_rate_hz * CHUNK_MS // 1_000
    for sequence, start in enumerate(range(0, audio.samples.shape[1], frames)):
        body = pcm16(audio.samples[:, start : start + frames].T.ravel())
        chunk = AudioChunk(
            call_id=call.call_id, sequence=sequence, offset_ms=sequence * CHUNK_MS, raw=raw, channels=channels
        )
        yield chunk, body


def _entering(payload: CallEvent, *, tenant_id: str, time: datetime, body: bytes = b"") -> Message:
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
