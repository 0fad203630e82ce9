"""How a call enters from outside: the event that announces it, on the topic that its kind goes to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pipeline.handling import Outbound
from pipeline.ids import stable_id
from pipeline.stages import RECORDINGS, transcripts
from schemas.audio import RecordingAvailable
from schemas.envelope import encode, message
from schemas.transcript import TranscriptCompleted
from schemas.wire import CallEvent, Lane
from workers.records import NewRecord, write_event

_TOPICS: Final[Mapping[type[CallEvent], str]] = {
    RecordingAvailable: RECORDINGS,
    TranscriptCompleted: transcripts(Lane.BATCH),
}


def entry_record(payload: CallEvent, *, tenant_id: str, time: datetime) -> NewRecord:
    """The record that brings a recording or a conversation in; publishing the same thing twice gives one ``ce_id``."""
    envelope = message(
        payload,
        id=stable_id("entry", tenant_id, payload.call_id, payload.event_name, encode(payload).decode()),
        source="/convmine/publish",
        time=time,
        subject=payload.call_id,
        tenant_id=tenant_id,
    )
    return write_event(Outbound(_TOPICS[type(payload)], envelope))
