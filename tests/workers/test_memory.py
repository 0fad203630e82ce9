"""What is remembered of a call is what is kept of it, also where it was read before and is not read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from pipeline.handling import Handled, Inbound
from pipeline.ports import Remembered
from pipeline.testing import InMemoryCallState
from workers import memory
from workers.memory import Memory, Place


class Count(BaseModel):
    model_config = ConfigDict(frozen=True)

    events: int = 0


@dataclass
class Counting:
    remembers: type[Count] = Count

    async def __call__(self, inbound: Inbound, state: Count | None) -> Handled[Count]:
        raise NotImplementedError  # what is remembered is asked for here, never a handler


class Reads:
    """How many values were read."""

    count = 0


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    found, read = Reads(), Count.model_validate_json

    def counted(value: bytes, **rest: Any) -> Count:
        found.count += 1
        return read(value, **rest)

    monkeypatch.setattr(Count, "model_validate_json", counted)
    return found


async def save(kept: Memory[Count], events: int, *, call: str = "acme:call-1", offset: int | None = None) -> None:
    at = events if offset is None else offset
    await kept.save(Place(0, call, at), f"event-{at}", Handled(state=Count(events=events)), None)


async def events_of(kept: Memory[Count], call: str = "acme:call-1") -> int | None:
    known = await kept.load(0, call)
    return None if known is None else known.state.events


async def test_what_nothing_has_changed_is_read_once(reads: Reads) -> None:
    kept = Memory(Counting(), InMemoryCallState())
    await save(kept, 1)
    assert [await events_of(kept) for _ in range(5)] == [1] * 5
    assert reads.count == 1


async def test_a_change_is_seen_by_the_next_event() -> None:
    kept = Memory(Counting(), InMemoryCallState())
    for events in range(1, 4):
        await save(kept, events)
        assert await events_of(kept) == events


async def test_what_somebody_else_has_kept_since_counts() -> None:
    states = InMemoryCallState()
    ours, theirs = Memory(Counting(), states), Memory(Counting(), states)
    await save(ours, 1)
    assert await events_of(ours) == 1
    await save(theirs, 2)
    assert await events_of(ours) == 2


async def test_what_cannot_be_kept_is_not_remembered() -> None:
    class Away(InMemoryCallState):
        async def save(self, partition: int, key: str, state: Remembered) -> None:
            if state.offset > 1:
                raise ConnectionError
            await super().save(partition, key, state)

    kept = Memory(Counting(), Away())
    await save(kept, 1)
    assert await events_of(kept) == 1
    with pytest.raises(ConnectionError):
        await save(kept, 2)
    assert await events_of(kept) == 1


async def test_a_call_that_is_dropped_is_remembered_no_more() -> None:
    kept = Memory(Counting(), InMemoryCallState())
    await save(kept, 1)
    await events_of(kept)
    await kept.drop("acme:call-1")
    assert await events_of(kept) is None


async def test_what_is_kept_as_read_is_bounded(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_MOST_READ", 2)
    kept = Memory(Counting(), InMemoryCallState())
    calls = [f"acme:call-{number}" for number in range(3)]
    for call in calls:
        await save(kept, 1, call=call)
    for call in (*calls, calls[2], calls[0]):
        assert await events_of(kept, call) == 1
    assert reads.count == 4  # the first was let go for the third
