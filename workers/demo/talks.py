"""What the demo plays: the calls and chats that ship with convmine, as their telephone system would send them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from pipeline.privacy.entry import masked
from pipeline.workbench.written_calls import read_call
from schemas.audio import RecordingAvailable
from schemas.call import CallEnded, CallStarted
from schemas.transcript import ConversationMessage, TranscriptCompleted
from schemas.wire import CallEvent
from workers.entry import LiveCall, live_records
from workers.gateway.incoming.events import event_record
from workers.records import NewRecord

_RATE_HZ: Final = 16_000
_LONGEST_S: Final = 600.0
_FIRST: Final = ("call-06", "call-01", "call-05")
"""These begin: within ten seconds their customers say what a card answers."""


class Talk(Protocol):
    """A conversation that can be played again and again."""

    @property
    def name(self) -> str: ...

    def course(self, call_id: str, tenant_id: str, began: datetime) -> Iterator[tuple[int, NewRecord]]:
        """Its records in order, each with when it is due, in ms from its start. Decodes audio: call it in a thread."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A recorded call, sent as audio."""

    recording: RecordingAvailable

    @property
    def name(self) -> str:
        return self.recording.call_id

    def held_by(self, agent: str) -> Spoken:
        """The same call, of another agent."""
        facts = self.recording.call.model_copy(update={"agent": agent})
        return Spoken(self.recording.model_copy(update={"call": facts}))

    def course(self, call_id: str, tenant_id: str, began: datetime) -> Iterator[tuple[int, NewRecord]]:
        from pipeline.asr.decode import Limits, decode

        recording = self.recording
        audio = decode(_file(recording), sample_rate_hz=_RATE_HZ, limits=Limits(_LONGEST_S))
        facts = recording.call.model_copy(update={"started_at": began})
        call = LiveCall(call_id, audio, recording.channels, facts)
        return live_records(call, tenant_id=tenant_id, started_at=began)


@dataclass(frozen=True, slots=True)
class Typed:
    """A chat, sent message by message."""

    chat: TranscriptCompleted

    @property
    def name(self) -> str:
        return self.chat.call_id

    def course(self, call_id: str, tenant_id: str, began: datetime) -> Iterator[tuple[int, NewRecord]]:
        for number, (due_ms, event) in enumerate(self._events(call_id, began)):
            at = began + timedelta(milliseconds=due_ms)
            yield due_ms, event_record(event, tenant_id=tenant_id, time=at, told_by=str(number), medium="text")

    def _events(self, call_id: str, began: datetime) -> Iterator[tuple[int, CallEvent]]:
        facts = self.chat.call.model_copy(update={"started_at": began})
        yield 0, CallStarted(call_id=call_id, call=facts)
        for segment in self.chat.segments:
            sent_at = began + timedelta(milliseconds=segment.start_ms)
            yield (
                segment.start_ms,
                ConversationMessage(
                    call_id=call_id,
                    call=facts,
                    message_id=segment.segment_id,
                    role=segment.role,
                    sent_at=sent_at,
                    text=segment.text,
                ),
            )
        yield self.chat.duration_ms, CallEnded(call_id=call_id, duration_ms=self.chat.duration_ms)


def talks(tenant_id: str) -> tuple[list[Spoken], list[Typed]]:
    """The calls, those first in which something happens soon, and the chats."""
    from pipeline import samples

    calls = [Spoken(payload) for payload, _ in samples.recordings() if isinstance(payload, RecordingAvailable)]
    calls.sort(key=lambda call: next((n for n, name in enumerate(_FIRST) if call.name.startswith(name)), len(_FIRST)))
    return calls, [Typed(masked(transcript)) for transcript, _ in samples.conversations(tenant_id)]


def earlier(tenant_id: str) -> list[tuple[TranscriptCompleted, datetime]]:
    """The same conversations as they were held before, in words: no engine has to hear them. And when each ended."""
    from pipeline import samples

    heard = [
        (read_call(_file(payload).with_suffix(".json").read_bytes(), tenant_id), payload, time)
        for payload, time in samples.recordings()
        if isinstance(payload, RecordingAvailable)
    ]
    calls = [(transcript.model_copy(update={"call": payload.call}), time) for transcript, payload, time in heard]
    return [*calls, *((masked(transcript), time) for transcript, time in samples.conversations(tenant_id))]


def _file(recording: RecordingAvailable) -> Path:
    return Path(recording.dataref.removeprefix("file://"))
