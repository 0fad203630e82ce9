from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from workers.faust_steps import Begun, in_turns


async def numbers(count: int, *, waits_before: int = -1, gate: asyncio.Event | None = None) -> AsyncIterator[int]:
    """As Faust's stream: one sleep before each event; before one of them it waits for a gate."""
    for number in range(count):
        await asyncio.sleep(0)
        if number == waits_before and gate is not None:
            await gate.wait()
        yield number


class Turns:
    """Counts the turns of the loop from when it is made."""

    def __init__(self) -> None:
        self.count = -1
        self._turn()

    def _turn(self) -> None:
        self.count += 1
        asyncio.get_running_loop().call_soon(self._turn)


async def test_work_that_waits_for_nothing_is_done_when_it_has_begun() -> None:
    said: list[str] = []

    async def deliver() -> None:
        said.append("delivered")

    begun = Begun(deliver())

    assert begun.done
    assert said == ["delivered"]
    await begun


async def test_work_that_waits_is_brought_to_its_end_by_a_task() -> None:
    gate, said = asyncio.Event(), []

    async def deliver() -> None:
        await gate.wait()
        await asyncio.sleep(0)
        said.append("delivered")

    begun = Begun(deliver())
    task = asyncio.ensure_future(begun)
    await asyncio.sleep(0)
    assert not begun.done
    assert said == []

    gate.set()
    await task

    assert said == ["delivered"]


async def test_an_error_of_the_first_step_is_raised_at_once() -> None:
    async def deliver() -> None:
        raise ValueError("no such channel")

    with pytest.raises(ValueError, match="no such channel"):
        Begun(deliver())


async def test_begun_work_that_is_cancelled_cleans_up() -> None:
    said: list[str] = []

    async def deliver() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            said.append("cleaned up")

    task = asyncio.ensure_future(Begun(deliver()))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert said == ["cleaned up"]


async def test_events_come_in_order_and_many_in_a_turn_of_the_loop() -> None:
    turns = Turns()

    assert [number async for number in in_turns(numbers(320))] == list(range(320))
    assert turns.count <= 12


async def test_others_get_their_turn_while_events_are_there() -> None:
    turns = Turns()
    at_half: int | None = None
    async for number in in_turns(numbers(10_000)):
        if number == 5_000:
            at_half = turns.count

    assert at_half is not None
    assert at_half > 100


async def test_an_event_that_is_not_there_yet_is_waited_for() -> None:
    gate = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, gate.set)

    assert [number async for number in in_turns(numbers(5, waits_before=3, gate=gate))] == [0, 1, 2, 3, 4]


async def test_whoever_is_cancelled_while_waiting_for_an_event_ends_the_source() -> None:
    ended = asyncio.Event()

    async def source() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def read() -> None:
        async for _number in in_turns(source()):
            pass

    task = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert ended.is_set()


async def test_an_error_of_the_source_reaches_the_reader() -> None:
    async def source() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(0.001)
        raise RuntimeError("the stream has crashed")

    with pytest.raises(RuntimeError, match="crashed"):
        async for _number in in_turns(source()):
            pass
