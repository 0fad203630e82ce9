"""Audio on its way in: a recording by claim check, or a live chunk whose bytes are the record's value."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from schemas.wire import CallEvent, CallFacts, Channel, Identifier, Milliseconds, Wire, is_empty

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Encoding(StrEnum):
    """How the samples of headerless audio are written."""

    L16 = "L16"
    PCMU = "PCMU"
    PCMA = "PCMA"


class RawFormat(Wire):
    """What a container would have said: needed for audio without a header, refused for audio with one."""

    encoding: Encoding
    sample_rate_hz: Annotated[int, Field(ge=4_000, le=192_000)]
    channels: Annotated[int, Field(ge=1, le=32)]


class Extent(Wire):
    """A part of a recording, in ms from its start; the end is not part of it."""

    start_ms: Milliseconds
    end_ms: Annotated[int, Field(gt=0)]

    @model_validator(mode="after")
    def _ends_after_start(self) -> Extent:
        if self.end_ms <= self.start_ms:
            msg = "end_ms does not lie after start_ms"
            raise ValueError(msg)
        return self


class Split(StrEnum):
    """How one recording becomes several conversations, as that of a badge or a shift."""

    SILENCE = "silence"
    MARKERS = "markers"


class RecordingAvailable(CallEvent):
    """A finished recording lies at ``dataref``; the bytes stay out of Kafka.

    With ``split`` it holds many conversations, cut at long silences or at ``markers_ms``: each becomes an event like
    this one with a call id of its own, ``part_of`` this call, and only its ``extent`` of the recording.
    """

    event_name: ClassVar[str] = "call.recording.available"

    call: CallFacts = CallFacts()
    revision: Annotated[int, Field(ge=1)] = 1
    dataref: Annotated[str, Field(min_length=1, max_length=4_096)]
    sha256: Sha256 | None = None
    raw: RawFormat | None = None
    channels: Annotated[tuple[Channel, ...], Field(max_length=32)] = ()
    split: Split | None = None
    markers_ms: tuple[Milliseconds, ...] = Field(default=(), max_length=10_000, exclude_if=is_empty)
    extent: Extent | None = None
    part_of: Identifier | None = None


class AudioChunk(CallEvent):
    """The facts of one live chunk; they travel as JSON in the ``convmine-chunk`` header, the audio is the value."""

    event_name: ClassVar[str] = "call.audio.chunk"

    sequence: Annotated[int, Field(ge=0)]
    offset_ms: Milliseconds
    raw: RawFormat
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=32)]
