"""A text conversation as people write it down (a chat, or a call transcribed elsewhere), read into a transcript."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from pipeline.blobs.names import LARGEST_BLOB
from pipeline.errors import Poison
from pipeline.ids import stable_id
from schemas.transcript import ConversationMessage, Segment, TranscriptCompleted
from schemas.wire import CallFacts, Direction, Identifier, Language, Milliseconds, Role, Wire


class WrittenMessage(Wire):
    """One message or turn; ``at_ms`` counts from the conversation's start, ``sent_at`` is an instant; one is needed."""

    role: Role
    text: str
    at_ms: Milliseconds | None = None
    end_ms: Milliseconds | None = None
    sent_at: AwareDatetime | None = None


class WrittenConversation(Wire):
    """The file that ``convmine publish transcript`` and ``convmine demo`` take."""

    call_id: Identifier
    messages: Annotated[tuple[WrittenMessage, ...], Field(min_length=1, max_length=20_000)]
    language: Language | None = None
    scenario: Identifier | None = None
    direction: Direction | None = None
    agent: str | None = None
    customer_id: str | None = None
    consent: bool | None = None
    started_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _every_message_has_a_time(self) -> WrittenConversation:
        if any(message.at_ms is None and message.sent_at is None for message in self.messages):
            msg = "every message needs at_ms or sent_at"
            raise ValueError(msg)
        return self


def read_conversation(text: str | bytes) -> WrittenConversation:
    """Read the file's content.

    Raises:
        Poison: it is no JSON, lacks something, or is too large; the message says what.
    """
    if len(text) > LARGEST_BLOB:
        raise Poison(f"the conversation has {len(text):,} bytes, and {LARGEST_BLOB:,} are the most")
    try:
        return WrittenConversation.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the conversation"
        raise Poison(f"{where}: {first['msg']}") from error
    except ValueError as error:
        raise Poison(f"the conversation is no JSON: {error}") from error


def transcript_of(
    conversation: WrittenConversation, tenant_id: str, *, revision: int = 1, default_scenario: str | None = None
) -> TranscriptCompleted:
    """The transcript: one segment a message, in order of time, ids as a recording's segments have them."""
    first_sent = min((m.sent_at for m in conversation.messages if m.sent_at), default=None)
    start = conversation.started_at or first_sent
    messages = sorted(conversation.messages, key=lambda message: _at(message, start))
    segments = tuple(
        Segment(
            segment_id=stable_id("segment", tenant_id, conversation.call_id, revision, number, _at(message, start)),
            role=message.role,
            start_ms=_at(message, start),
            end_ms=max(message.end_ms or 0, _at(message, start)),
            text=message.text,
        )
        for number, message in enumerate(messages)
    )
    return TranscriptCompleted(
        call_id=conversation.call_id,
        call=CallFacts(
            scenario=conversation.scenario or default_scenario,
            language=conversation.language,
            direction=conversation.direction,
            agent=conversation.agent,
            customer_id=conversation.customer_id,
            consent=conversation.consent,
            started_at=start,
        ),
        revision=revision,
        language=conversation.language,
        duration_ms=max(segment.end_ms for segment in segments),
        engine="text",
        segments=segments,
    )


def segment_of(message: ConversationMessage, tenant_id: str, start: datetime) -> Segment:
    """One message of a conversation that goes on; its times count from ``start``."""
    at_ms = _ms_between(start, message.sent_at)
    return Segment(
        segment_id=stable_id("segment", tenant_id, message.call_id, message.message_id),
        role=message.role,
        start_ms=at_ms,
        end_ms=at_ms,
        text=message.text,
    )


def _at(message: WrittenMessage, start: datetime | None) -> int:
    if message.at_ms is not None:
        return message.at_ms
    assert message.sent_at is not None
    return _ms_between(start or message.sent_at, message.sent_at)


def _ms_between(start: datetime, at: datetime) -> int:
    return max(0, round((at - start).total_seconds() * 1_000))
