"""What a stage's handler is given and what it gives back; the same whichever transport carries it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

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
    """One event that has been decoded and validated; ``body`` is the audio of a live chunk."""

    message: Message
    position: Position
    body: bytes = b""

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


S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Handled(Generic[S]):
    """What became of an event in a stage that remembers calls.

    ``state`` replaces what is remembered of the call; None leaves it as it is. ``held_from`` is the oldest offset of
    this call whose event is still needed because what it brought is in memory alone (audio before its words are out):
    it and what follows is not acknowledged, and comes again after a kill. None: nothing is held.
    """

    outputs: Sequence[Outbound] = ()
    state: S | None = None
    held_from: int | None = None


class Remembering(Protocol[S]):
    """A handler that is given, with each event, what it remembered of the call after the one before.

    The new state is confirmed, with the event's offset and its outputs, before the outputs are published. So an event
    that comes again is not handed in again: where its outputs may be missing they are published as they were. Only a
    held event comes again, to fill the handler's memory; what it gives back then is not published.

    Raises:
        Retryable: try this event again later.
        Poison: this event goes to the dead letters.
    """

    remembers: type[S]

    async def __call__(self, inbound: Inbound, state: S | None) -> Handled[S]: ...


class Holding(Remembering[S], Protocol[S]):
    """A handler that holds events in memory: it can be told to let go of a call, and to forget a partition."""

    async def let_go(self, key: str, state: S | None) -> Handled[S]:
        """Finish what is held of the call with this key (``tenant:call``), now; nothing of it is held afterwards."""

    def drop(self, key: str) -> None:
        """Drop what is held in memory of the call with this key: it is erased."""

    def forget(self, partition: int) -> None:
        """Drop what is held in memory of this partition: it is somebody else's now."""


class Gathering(Protocol):
    """A handler of a stage that goes by partition, and gathers what many events bring before it publishes that.

    Its events are held, unacknowledged, until what was gathered of them is confirmed: after a kill they come again. It
    is asked for that when nothing more waits in the partition and ``due_in`` has passed, or when a window gets full.
    """

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        """Take an event in; what is given back is empty."""

    def due_in(self, partition: int) -> float:
        """Seconds until what was gathered of this partition should be published; 0 is now."""

    def gathered(self, partition: int) -> Sequence[Outbound]:
        """What was gathered of this partition since this was asked last."""

    def forget(self, partition: int) -> None:
        """Drop what is held in memory of this partition: it is somebody else's now."""


class Ending(Protocol):
    """A handler that ends calls of which nothing has come for long."""

    def ends(self) -> Sequence[Outbound]:
        """The events that end the calls that are idle now, told again until they have come; asked from time to time."""


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
