"""What every wire contract shares: the frozen base model and the words of the field.

Units: times inside a call are milliseconds from its start (``*_ms``), instants are UTC datetimes (``*_at``).
"""

from __future__ import annotations

from collections.abc import Sized
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Identifier = Annotated[str, Field(min_length=1, max_length=200)]
Milliseconds = Annotated[int, Field(ge=0)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Za-z0-9]{2,8})*$")]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]


def is_empty(values: Sized) -> bool:
    """For fields that are left out where they hold nothing."""
    return len(values) == 0


class Wire(BaseModel):
    """A frozen value that travels.

    Unknown fields are ignored on reading, so that a field added by a newer producer does not stop an older reader.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")


class Payload(Wire):
    """A value that is published by itself; its name and version make the CloudEvents type.

    ``event_name`` is the name of the design (``call.recording.available``), ``version`` is (major, minor): a new
    optional field raises the minor, anything that breaks a reader the major.
    """

    event_name: ClassVar[str]
    version: ClassVar[tuple[int, int]] = (1, 0)


class CallEvent(Payload):
    """Something that happened in, or was found out about, one call."""

    call_id: Identifier


class Lane(StrEnum):
    """The two ways through every stage: a backlog of recordings never stands in front of a live call."""

    LIVE = "live"
    BATCH = "batch"


class Role(StrEnum):
    """Who speaks on a channel."""

    AGENT = "agent"
    CUSTOMER = "customer"
    SUPERVISOR = "supervisor"
    UNKNOWN = "unknown"


class Direction(StrEnum):
    """Who called whom."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Sentiment(StrEnum):
    """The tone of an utterance or of one side of a call."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Channel(Wire):
    """One audio channel and who is on it; no order is assumed."""

    index: Annotated[int, Field(ge=0, le=31)]
    role: Role
    party: str | None = None


class CallFacts(Wire):
    """What is known of a call from outside; carried along by every event, so that no stage needs a join."""

    scenario: Identifier | None = None
    language: Language | None = None
    direction: Direction | None = None
    agent: str | None = None
    team: str | None = None
    queue: str | None = None
    campaign: str | None = None
    customer_id: str | None = None
    consent: bool | None = None
    started_at: AwareDatetime | None = None
