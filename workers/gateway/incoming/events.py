"""What comes in, as records: each with an id that the same request has again, and a time that never goes back."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal
from zlib import crc32

from pipeline.ids import stable_id
from pipeline.stages import AUDIO, OUTCOMES, RECORDINGS, transcripts
from schemas.audio import AudioChunk, RawFormat, RecordingAvailable
from schemas.call import CallOutcome
from schemas.envelope import Envelope, Headers, encode, message, to_headers
from schemas.transcript import ConversationMessage
from schemas.wire import CallEvent, Channel, Lane
from workers.gateway.incoming.framing import Joined
from workers.records import CHUNK_HEADER, NewRecord

Medium = Literal["voice", "text"]
"""Whether somebody is heard. The life of a call with audio goes the way of its audio, through ``asr``, so that its end
comes after its last words; that of a chat goes straight to where its messages are.
"""
SOURCE: Final = "/convmine/gateway"
_CHANGED: Final = frozenset({"ce_id", "ce_time"})


def topic_of(payload: CallEvent, medium: Medium) -> str:
    """Where an event of a call goes."""
    match payload:
        case RecordingAvailable():
            return RECORDINGS
        case CallOutcome():
            return OUTCOMES
        case ConversationMessage():
            return transcripts(Lane.LIVE)
        case _:
            return AUDIO if medium == "voice" else transcripts(Lane.LIVE)


def event_record(payload: CallEvent, *, tenant_id: str, time: datetime, told_by: str, medium: Medium) -> NewRecord:
    """The record of an event; ``told_by`` is what makes the same request known again."""
    sent = message(
        payload,
        id=stable_id("gateway", tenant_id, payload.call_id, payload.event_name, told_by),
        source=SOURCE,
        time=time,
        subject=payload.call_id,
        tenant_id=tenant_id,
    )
    key = sent.envelope.partitionkey.encode()
    return NewRecord(topic_of(payload, medium), key, encode(payload), to_headers(sent.envelope))


class ChunkWriter:
    """Chunks of one call as records; what is the same in all of them is made once."""

    def __init__(self, tenant_id: str, call_id: str, raw: RawFormat, channels: tuple[Channel, ...]) -> None:
        self._tenant_id = tenant_id
        self._first = AudioChunk(call_id=call_id, sequence=0, offset_ms=0, raw=raw, channels=channels)
        self._envelope: Envelope | None = None
        self._fixed: Headers = ()

    def record(self, sequence: int, joined: Joined, time: datetime) -> NewRecord:
        """The record of a chunk."""
        envelope = self._envelope or self._begin(time)
        call_id, facts = self._first.call_id, {"sequence": sequence, "offset_ms": joined.offset_ms}
        id_ = stable_id("gateway", self._tenant_id, call_id, "chunk", sequence, joined.offset_ms, crc32(joined.audio))
        headers = (
            ("ce_id", id_.encode()),
            ("ce_time", time.isoformat().encode()),
            *self._fixed,
            (CHUNK_HEADER, encode(self._first.model_copy(update=facts))),
        )
        return NewRecord(AUDIO, envelope.partitionkey.encode(), joined.audio, headers)

    def _begin(self, time: datetime) -> Envelope:
        sent = message(
            self._first,
            id="first",
            source=SOURCE,
            time=time,
            subject=self._first.call_id,
            tenant_id=self._tenant_id,
        )
        self._envelope = sent.envelope.model_copy(update={"datacontenttype": "application/octet-stream"})
        self._fixed = tuple(header for header in to_headers(self._envelope) if header[0] not in _CHANGED)
        return self._envelope


def said(payload: CallEvent) -> str:
    """What an event says, for its id: the same words have the same id."""
    return encode(payload).decode()
