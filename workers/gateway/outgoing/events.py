"""Events as they go out: each read once, with what decides who gets it, and its JSON, which all its readers share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from schemas.envelope import Envelope, encode
from schemas.suggestion import SuggestionCreated
from schemas.wire import CallEvent, CallFacts, Lane
from workers.edge import Partition

Of = Literal["suggestions", "recaps", "checklists", "alerts", "transcript", "flow"]
"""What a stream can be of."""
EVERY: Final[tuple[Of, ...]] = get_args(Of)
USUAL: Final[tuple[Of, ...]] = ("suggestions", "recaps", "checklists", "alerts")
"""What it is of where nothing is said: advice, and none of the words and states that it comes from."""
_LIFE: Final = ("call.started", "call.updated", "call.held", "call.resumed", "call.ended")
NAMES: Final[Mapping[Of, tuple[str, ...]]] = {
    "suggestions": ("suggestion.created", "suggestion.withdrawn"),
    "recaps": ("call.recap",),
    "checklists": ("checklist.updated",),
    "alerts": ("call.alert",),
    "transcript": ("transcript.segment", "transcript.gap", "conversation.message", *_LIFE),
    "flow": ("flow.state",),
}
"""The events of each."""
_OF: Final[Mapping[str, Of]] = {name: of for of, names in NAMES.items() for name in names}
_LINE_BREAKS: Final = tuple((char.encode(), b"\\u%04x" % ord(char)) for char in "\x85\u2028\u2029")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of a stream: its name, the mark from which to go on after it (or none), and JSON in one line."""

    name: str
    mark: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a call; ``agent`` is whose call it is, as far as that is known.

    ``written_ms`` is when its record was written, since 1970. ``suggestion`` are the ids of suggestion and card.
    """

    place: Partition
    offset: int
    written_ms: int
    tenant_id: str
    call_id: str
    agent: str | None
    of: Of
    lane: Lane
    ce_id: str
    frame: Frame
    suggestion: tuple[str, str] | None = None

    @property
    def size(self) -> int:
        """About the bytes of memory that it takes."""
        return len(self.frame.data) + len(self.frame.mark) + 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants of a tenant and may see: of one call, of one agent, of all."""

    tenant_id: str
    of: frozenset[Of] = frozenset(USUAL)
    call_id: str | None = None
    agent: str | None = None
    lane: Lane | None = None

    def takes(self, event: Event) -> bool:
        """Whether an event is one of these."""
        return (
            event.tenant_id == self.tenant_id
            and event.of in self.of
            and self.call_id in {None, event.call_id}
            and self.agent in {None, event.agent}
            and self.lane in {None, event.lane}
        )


def of_event(payload: CallEvent) -> Of | None:
    """What a stream must be of to have this event; None where none has it."""
    return _OF.get(payload.event_name)


def facts_of(payload: CallEvent) -> CallFacts | None:
    """What an event says of its call."""
    facts = getattr(payload, "call", None)
    return facts if isinstance(facts, CallFacts) else None


def lane_of(payload: CallEvent) -> Lane:
    """The lane of an event: only suggestions come in both."""
    return payload.lane if isinstance(payload, SuggestionCreated) else Lane.LIVE


def json_of(envelope: Envelope, payload: CallEvent) -> bytes:
    """The event as one line: its type, id and time, then the fields of its schema.

    It is written anew from what was read, so that nothing but JSON of ours goes out, whatever the record held: JSON
    escapes line breaks, and no text of a call can end a line of a stream; those of Unicode that JSON leaves, but on
    which some readers break lines, are escaped here.
    """
    head = {"type": payload.event_name, "ce_id": envelope.id, "ce_time": envelope.time.isoformat()}
    written = json.dumps(head, ensure_ascii=False).encode()[:-1] + b"," + encode(payload)[1:]
    for found, escaped in _LINE_BREAKS:
        written = written.replace(found, escaped)
    return written


def said(name: str, **facts: str | float) -> Frame:
    """A message of the stream itself: ``status``, ``gap``, ``dropped`` or ``bye``."""
    return Frame(name, b"", json.dumps({"type": name, **facts}).encode())
