"""What a stage's handler is given and what it gives back; the same whichever transport carries it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.ids import stable_id
from schemas.envelope import Message, message
from schemas.wire import CallEvent, Payload


@dataclass(frozen=True, slots=True)
class Position:
    """Where an event stands in its topic."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Inbound:
    """One event that has been decoded and validated."""

    message: Message
    position: Position

    @property
    def payload(self) -> Payload:
        return self.message.payload

    @property
    def tenant_id(self) -> str:
        return self.message.envelope.tenantid


@dataclass(frozen=True, slots=True)
class Outbound:
    """One event to publish; ``partition`` only where the key must not decide."""

    topic: str
    message: Message
    partition: int | None = None


class Handler(Protocol):
    """Handles one event at a time for each key.

    Raises:
        Retryable: try this event again later.
        Poison: this event goes to the dead letters.
    """

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]: ...


def follow(inbound: Inbound, payload: Payload, *, stage: str, topic: str, part: str = "") -> Outbound:
    """An event of the same call that follows from ``inbound``.

    Its id comes from the input's id, the stage and what it is (``part`` tells several of one type apart), and its time
    is the input's: a redelivery publishes the very same event, which consumers drop by ``ce_id``.
    """
    envelope = inbound.message.envelope
    subject = payload.call_id if isinstance(payload, CallEvent) else envelope.subject
    return Outbound(
        topic,
        message(
            payload,
            id=stable_id("event", envelope.id, stage, payload.event_name, part),
            source=f"/convmine/{stage}",
            time=envelope.time,
            subject=subject,
            tenant_id=envelope.tenantid,
            traceparent=envelope.traceparent,
        ),
    )
