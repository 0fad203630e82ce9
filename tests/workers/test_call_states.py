from __future__ import annotations

from collections.abc import AsyncIterator

from pipeline.ports import Remembered
from pipeline.stages import DAY
from workers.call_states import CompactedCallState
from workers.in_process import InProcessBroker
from workers.records import Record


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def nothing(_topic: str, _partition: int) -> AsyncIterator[Record]:
    none: tuple[Record, ...] = ()
    for record in none:
        yield record


async def test_a_call_of_which_nothing_came_for_a_day_is_forgotten_and_the_others_are_not() -> None:
    clock = Clock()
    states = CompactedCallState("flow.live.state", nothing, InProcessBroker(), clock)
    for key in ("acme:ended", "acme:goes-on"):
        await states.save(0, key, Remembered(1, b"what was said"))
    clock.now = DAY / 1_000
    await states.save(0, "acme:goes-on", Remembered(2, b"more"))
    clock.now += 1
    await states.save(0, "acme:new", Remembered(3, b"hello"))

    assert await states.load(0, "acme:ended") is None
    assert await states.load(0, "acme:goes-on") == Remembered(2, b"more")
    assert await states.load(0, "acme:new") == Remembered(3, b"hello")
