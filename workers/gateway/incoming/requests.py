"""What requests about calls that come in may say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Header, Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from pipeline.ids import stable_id
from schemas.call import OutcomeResult
from schemas.wire import CallFacts, Channel, Identifier, Role
from workers.gateway.incoming.events import Medium

CALL_ID: Final = r"^[^\s/\x00-\x1f\x7f]{1,200}$"
"""An id without blanks, slashes and control characters, so that it stands in a path as it is."""
_YEARS: Final = range(2000, 2100)


def _plausible(value: datetime) -> datetime:
    if value.year in _YEARS and value.astimezone(UTC).year in _YEARS:
        return value
    raise ValueError(f"expected a time between {_YEARS[0]} and {_YEARS[-1]}")


Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]
"""A time that is not obviously wrong: what is counted from it must fit."""
WithinCall = Annotated[int, Field(ge=0, le=7 * 86_400_000)]
"""Milliseconds from a call's start; no call lasts a week."""
CallId = Annotated[str, Field(pattern=CALL_ID)]
CallPath = Annotated[str, Path(pattern=CALL_ID, description="The call; one id of two tenants are two calls")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key of the same call is the same request: it makes no second event",
    ),
]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Facts(CallFacts):
    """What is known of the call from outside; `customer_id` is a pseudonym."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent: Identifier | None = None
    team: Identifier | None = None
    queue: Identifier | None = None
    campaign: Identifier | None = None
    customer_id: Identifier | None = None
    started_at: Moment | None = None

    def facts(self) -> CallFacts:
        """The facts alone."""
        return CallFacts.model_validate(self.model_dump(include=set(CallFacts.model_fields)))


class NewCall(Facts):
    """A call that has begun."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "call_id": "call-1",
                    "agent": "ann",
                    "customer_id": "c-81",
                    "scenario": "telecom",
                    "language": "en",
                    "consent": True,
                    "channels": [{"index": 0, "role": "agent"}, {"index": 1, "role": "customer"}],
                }
            ]
        },
    )

    call_id: Annotated[CallId | None, Field(description="Made up where it is not given")] = None
    medium: Annotated[Medium, Field(description="`text` for a chat without audio")] = "voice"
    channels: Annotated[tuple[Channel, ...], Field(max_length=32)] = ()

    @model_validator(mode="after")
    def _channels_differ(self) -> NewCall:
        if len({channel.index for channel in self.channels}) < len(self.channels):
            msg = "a channel is named twice"
            raise ValueError(msg)
        return self


class At(_Said):
    """When it happened, in milliseconds from the call's start; now, where it is not said."""

    at_ms: WithinCall | None = None


class TheEnd(_Said):
    """The call is over."""

    duration_ms: WithinCall | None = None
    reason: Annotated[str | None, Field(max_length=200)] = None
    medium: Annotated[Medium | None, Field(description="Where another gateway took its start: `text` of a chat")] = None


class NewMessage(_Said):
    """One message of a chat; personal numbers are masked before it leaves the gateway."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"role": "customer", "text": "That is more than I pay now", "message_id": "m-7"}]
        },
    )

    role: Role
    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    message_id: Annotated[Identifier | None, Field(description="The same id is the same message")] = None
    sent_at: Annotated[Moment | None, Field(description="Now, where it is not given")] = None


class NewOutcome(_Said):
    """How a call ended, as CRM or agent observed it."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"name": "bought", "result": "won", "observed_by": "crm"}]},
    )

    name: Identifier
    result: OutcomeResult
    observed_by: Identifier
    observed_at: Moment | None = None


class Taken(BaseModel):
    """Kafka has it."""

    call_id: str
    at_ms: Annotated[int | None, Field(description="When it was, in milliseconds of the call")] = None
    message_id: str | None = None


def told_by(key: str | None, said: BaseModel) -> str:
    """What makes a request known again: its key, else what it says."""
    return f"key:{key}" if key is not None else "said:" + said.model_dump_json(exclude_none=True)


def message_id_of(said: NewMessage, key: str | None, fresh: str) -> str:
    """The id of a message: its own; that of its key; or, as "yes" may be said twice, that of its words and time.

    One without any of them is another one each time.
    """
    if said.message_id is not None:
        return said.message_id
    if key is not None:
        return stable_id("message", key)
    return fresh if said.sent_at is None else stable_id("message", said.role, said.text, said.sent_at.isoformat())
