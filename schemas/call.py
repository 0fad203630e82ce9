"""The life of a call as telephone system, CRM and we tell it: started, held, ended, its outcome, its failure."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from schemas.wire import CallEvent, CallFacts, Channel, Milliseconds


class CallStarted(CallEvent):
    """A conversation has begun."""

    event_name: ClassVar[str] = "call.started"

    call: CallFacts = CallFacts()
    channels: tuple[Channel, ...] = ()


class CallUpdated(CallEvent):
    """Facts of a call became known later; fields that are set replace the earlier ones."""

    event_name: ClassVar[str] = "call.updated"

    call: CallFacts


class CallHeld(CallEvent):
    """The call was put on hold."""

    event_name: ClassVar[str] = "call.held"

    at_ms: Milliseconds


class CallResumed(CallEvent):
    """The call came back from hold."""

    event_name: ClassVar[str] = "call.resumed"

    at_ms: Milliseconds


class CallEnded(CallEvent):
    """The call is over; no audio follows."""

    event_name: ClassVar[str] = "call.ended"

    duration_ms: Milliseconds | None = None
    reason: str | None = None


class OutcomeResult(StrEnum):
    """What an outcome means for the business."""

    WON = "won"
    LOST = "lost"
    OPEN = "open"


class CallOutcome(CallEvent):
    """The outcome observed by the CRM or the agent; it beats what a model inferred and is never mixed with it."""

    event_name: ClassVar[str] = "call.outcome"

    name: Annotated[str, Field(min_length=1)]
    result: OutcomeResult
    observed_at: AwareDatetime
    observed_by: Annotated[str, Field(min_length=1)]


class CallFailed(CallEvent):
    """A failure that a person should see; the bytes that failed are in the stage's dead letters."""

    event_name: ClassVar[str] = "call.failed"

    stage: str
    reason: str
    error: str
    retryable: bool
    attempts: Annotated[int, Field(ge=1)]
    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
