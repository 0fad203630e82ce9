"""Speech and chat as text: segments while the talk goes on, gaps, and the whole transcript."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field, model_validator

from schemas.wire import CallEvent, CallFacts, Identifier, Lane, Milliseconds, Role, Share, Wire


class Segment(Wire):
    """What one channel said without a pause; a message of a chat is a segment, too."""

    segment_id: Identifier
    channel: Annotated[int, Field(ge=0)] = 0
    role: Role
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    confidence: Share | None = None

    @model_validator(mode="after")
    def _ends_after_start(self) -> Segment:
        if self.end_ms < self.start_ms:
            msg = "end_ms lies before start_ms"
            raise ValueError(msg)
        return self


class TranscriptSegment(CallEvent):
    """One segment of a live call; a higher ``revision`` of the same segment replaces the lower."""

    event_name: ClassVar[str] = "transcript.segment"

    call: CallFacts = CallFacts()
    segment: Segment
    final: bool
    revision: Annotated[int, Field(ge=1)] = 1


class TranscriptGap(CallEvent):
    """Audio that never came: what was said between these times is not known."""

    event_name: ClassVar[str] = "transcript.gap"

    channel: Annotated[int, Field(ge=0)]
    start_ms: Milliseconds
    end_ms: Milliseconds


class ConversationMessage(CallEvent):
    """One message of a text conversation while it goes on."""

    event_name: ClassVar[str] = "conversation.message"

    call: CallFacts = CallFacts()
    message_id: Identifier
    role: Role
    sent_at: AwareDatetime
    text: str


class TranscriptCompleted(CallEvent):
    """The whole conversation, in order of start; ``empty_because`` says why there is no segment."""

    event_name: ClassVar[str] = "transcript.completed"

    call: CallFacts = CallFacts()
    revision: Annotated[int, Field(ge=1)] = 1
    lane: Lane = Lane.BATCH
    language: str | None = None
    duration_ms: Milliseconds
    engine: str
    segments: tuple[Segment, ...]
    empty_because: str | None = None
