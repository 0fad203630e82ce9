"""What a stage remembers of a call, and with it what makes a second delivery harmless."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Generic

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.handling import Handled, Inbound, Remembering, S
from pipeline.ports import CallState, Remembered
from workers.records import NewRecord, write_event

log: Final = structlog.get_logger()

_SEEN: Final = 256
"""Events of a call that are known again by their ``ce_id``: more than a stage before this one publishes again of one
call after a kill, since its window of 1,000 offsets is shared by all calls of a partition.
"""
_MOST_READ: Final = 1_000
"""Calls whose memory is held as it was read, for events that change nothing in it: of live audio nine in ten."""


class _Output(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    topic: str
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    partition: int | None


class _Facts(BaseModel):
    """What is kept beside the stage's own state."""

    model_config = _Output.model_config

    seen: tuple[str, ...] = ()
    held_from: int | None = None
    outputs: tuple[_Output, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A call (``tenant:call``) at one of its events."""

    partition: int
    call: str
    offset: int

    @classmethod
    def of(cls, inbound: Inbound) -> Place:
        """The place of an event."""
        envelope, position = inbound.message.envelope, inbound.position
        return cls(position.partition, f"{envelope.tenantid}:{envelope.subject}", position.offset)


@dataclass(frozen=True, slots=True)
class Known(Generic[S]):
    """What was remembered of a call after the event at ``offset``, and what that event gave."""

    offset: int
    state: S
    held_from: int | None
    outputs: tuple[NewRecord, ...]
    seen: tuple[str, ...]

    def has_applied(self, ce_id: str) -> bool:
        """Whether the event of this id is in the state already, published twice by the stage before."""
        return _digest(ce_id) in self.seen


class Memory(Generic[S]):
    """Reads and writes what one stage remembers.

    A value is two lines: our facts as JSON, the stage's state as JSON. A state that the stage's model cannot read any
    more, after an upgrade, is as if there were none.
    """

    def __init__(self, handler: Remembering[S], states: CallState) -> None:
        self._model = handler.remembers
        self._states = states
        self._read: dict[str, tuple[Remembered, Known[S]]] = {}

    async def load(self, partition: int, key: str) -> Known[S] | None:
        """What is remembered of a call; None at its first event."""
        kept = await self._states.load(partition, key)
        if kept is None:
            return None
        if (read := self._read.get(key)) is not None and read[0] == kept:
            return read[1]
        line, _, body = kept.value.partition(b"\n")
        try:
            facts, state = _Facts.model_validate_json(line), self._model.model_validate_json(body)
        except ValidationError as error:
            log.warning("forgotten: what was remembered of a call cannot be read", call=key, reason=str(error))
            return None
        outputs = tuple(NewRecord(o.topic, o.key, o.value, o.headers, o.partition) for o in facts.outputs)
        known = Known(kept.offset, state, facts.held_from, outputs, facts.seen)
        self._read[key] = (kept, known)
        if len(self._read) > _MOST_READ:
            del self._read[next(iter(self._read))]
        return known

    async def save(self, place: Place, ce_id: str | None, handled: Handled[S], before: Known[S] | None) -> None:
        """Keep the state after an event together with its outputs; returns when that will survive a kill."""
        assert handled.state is not None
        seen = before.seen if before else ()
        facts = _Facts(
            seen=seen if ce_id is None else (*seen, _digest(ce_id))[-_SEEN:],
            held_from=handled.held_from,
            outputs=tuple(_kept(write_event(output)) for output in handled.outputs),
        )
        value = facts.model_dump_json().encode() + b"\n" + handled.state.model_dump_json(exclude_none=True).encode()
        self._read.pop(place.call, None)
        await self._states.save(place.partition, place.call, Remembered(place.offset, value))

    async def drop(self, key: str) -> None:
        """Remember nothing more of a call; returns when that will survive a kill."""
        self._read.pop(key, None)
        await self._states.drop(key)

    def forget(self, partition: int) -> None:
        """The partition is somebody else's now."""
        self._read.clear()
        self._states.forget(partition)


def written(handled: Handled[S]) -> Sequence[NewRecord]:
    """The records of what a handler gave back."""
    return [write_event(output) for output in handled.outputs]


def _kept(record: NewRecord) -> _Output:
    return _Output(
        topic=record.topic, key=record.key, value=record.value, headers=record.headers, partition=record.partition
    )


def _digest(ce_id: str) -> str:
    """48 bits: of 256 ids one in 10^12 new ones is taken for an old one."""
    return blake2b(ce_id.encode(), digest_size=6).hexdigest()
