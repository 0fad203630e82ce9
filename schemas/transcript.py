"""Speech and chat as text: segments while the talk goes on, gaps, and the whole transcript."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, model_validator

from schemas.wire import CallEvent, CallFacts, Identifier, Lane, Milliseconds, Role, Share, Wire, is_empty


class Word(Wire):
    """One word of a segment and when it was said, in ms of the call; where it was masked it is the placeholder."""

    text: str
    start_ms: Milliseconds
    end_ms: Milliseconds


class MaskedSpan(Wire):
    """When something personal was said, in ms of the call, and what it was (``card``); playback is silent there."""

    kind: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
    start_ms: Milliseconds
    end_ms: Milliseconds


class Segment(Wire):
    """What one channel said without a pause; a message of a chat is a segment, too.

    ``words`` are there where the engine tells when each was said. ``masked`` says which time of it nobody may hear.
    """

    segment_id: Identifier
    channel: Annotated[int, Field(ge=0)] = 0
    role: Role
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    confidence: Share | None = None
    words: tuple[Word, ...] = Field(default=(), exclude_if=is_empty)
    masked: tuple[MaskedSpan, ...] = Field(default=(), exclude_if=is_empty)

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


class ChannelHealth(Wire):
    """How a channel of a recording was: ``dead`` never had a signal, ``duplicate`` has the same talk as ``same_as``.

    Neither is transcribed. ``spoken_ms`` is how long somebody spoke.
    """

    channel: Annotated[int, Field(ge=0)]
    state: Literal["ok", "dead", "duplicate"]
    same_as: Annotated[int, Field(ge=0)] | None = None
    spoken_ms: Milliseconds = 0


class Hearing(Wire):
    """What became of a recording's audio, in ms over all channels.

    ``cut_ms`` is speech whose words were taken for phantoms, by reason in ``cuts``; ``masked_ms`` is what was masked.
    """

    heard_ms: Milliseconds
    spoken_ms: Milliseconds
    cut_ms: Milliseconds = 0
    masked_ms: Milliseconds = 0
    cuts: dict[str, int] = Field(default_factory=dict)


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
    channel_health: tuple[ChannelHealth, ...] = Field(default=(), exclude_if=is_empty)
    hearing: Hearing | None = None
