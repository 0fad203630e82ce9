"""The calls that ship with convmine, as the events that a telephone system would publish."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel

from pipeline.conversation import read_conversation, transcript_of
from schemas.audio import RecordingAvailable, Sha256
from schemas.transcript import TranscriptCompleted
from schemas.wire import CallFacts, Channel

Entry = tuple[RecordingAvailable | TranscriptCompleted, datetime]
"""What enters the pipeline, and when it did: at the end of the call."""


class _SampleCall(BaseModel):
    call_id: str
    language: str
    scenario: str
    direction: str
    agent: str
    customer_id: str
    started_at: datetime
    duration_ms: int
    channels: tuple[Channel, ...]
    sha256: Sha256


def folder() -> Path:
    """Where the samples lie."""
    return Path(str(files("pipeline") / "samples"))


def recordings() -> list[Entry]:
    """The recorded calls, in order of their names."""
    return [_recording(path) for path in sorted((folder() / "calls").glob("*.json"))]


def sound_of(recording: RecordingAvailable) -> Path:
    """The file of a recorded call that ships."""
    return Path(unquote(urlsplit(recording.dataref).path))


def conversations(tenant_id: str) -> list[tuple[TranscriptCompleted, datetime]]:
    """The text conversations, in order of their names."""
    found: list[tuple[TranscriptCompleted, datetime]] = []
    for path in sorted((folder() / "chats").glob("*.json")):
        transcript = transcript_of(read_conversation(path.read_bytes()), tenant_id)
        start = transcript.call.started_at or datetime.fromtimestamp(0, UTC)
        found.append((transcript, start + timedelta(milliseconds=transcript.duration_ms)))
    return found


def _recording(path: Path) -> Entry:
    sample = _SampleCall.model_validate(json.loads(path.read_text(encoding="utf-8")))
    facts = sample.model_dump(include={"language", "scenario", "direction", "agent", "customer_id", "started_at"})
    payload = RecordingAvailable(
        call_id=sample.call_id,
        call=CallFacts.model_validate(facts),
        dataref=path.with_suffix(".ogg").as_uri(),
        sha256=sample.sha256,
        channels=sample.channels,
    )
    return payload, sample.started_at + timedelta(milliseconds=sample.duration_ms)
