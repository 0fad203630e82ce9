from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from live_events import said
from mined_calls import inbound

from pipeline.handling import Inbound, Outbound
from pipeline.store.lately import Lately
from pipeline.store.steps import InSteps

LONG_S = 30.0
"""So long no test takes: who goes before has not waited for the clock."""


class Noting:
    """A handler that notes which calls it was handed."""

    def __init__(self) -> None:
        self.handed: list[str] = []

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        self.handed.append(inbound.message.envelope.subject)
        return ()


def steps(handler: Noting, *, wait_s: float, most: int = 16) -> InSteps:
    return InSteps(handler, Lately(), wait_s=wait_s, most=most)


def event(call: str, number: int = 1) -> Inbound:
    return inbound(said(number, "hello", call_id=call))


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_events_of_several_calls_begin_together_and_none_before_its_time() -> None:
    noted = Noting()
    handler = steps(noted, wait_s=0.05)
    tasks = [asyncio.create_task(handler(event(call))) for call in ("a", "b")]
    await turns()
    assert noted.handed == []
    await asyncio.gather(*tasks)
    assert noted.handed == ["a", "b"]


async def test_as_soon_as_no_other_could_come_nobody_waits() -> None:
    noted = Noting()
    handler = steps(noted, wait_s=LONG_S, most=3)
    async with asyncio.timeout(5):
        await asyncio.gather(*(handler(event(call)) for call in ("a", "b", "c")))
    assert sorted(noted.handed) == ["a", "b", "c"]


async def test_what_was_waiting_behind_another_event_of_its_call_is_not_held_up_again() -> None:
    noted = Noting()
    handler = InSteps(noted, Lately(), wait_s=LONG_S, most=2, clock=lambda: 0.0)
    await asyncio.gather(handler(event("a")), handler(event("b")))
    async with asyncio.timeout(5):
        for number in range(2, 50):
            await handler(event("a", number))
    assert noted.handed.count("a") == 49


async def test_after_a_pause_the_next_event_of_a_call_waits_again() -> None:
    noted, now = Noting(), 0.0
    handler = InSteps(noted, Lately(), wait_s=LONG_S, most=2, clock=lambda: now)
    await asyncio.gather(handler(event("a")), handler(event("b")))
    now = 1.0
    task = asyncio.create_task(handler(event("a", 2)))
    await turns()
    assert len(noted.handed) == 2
    task.cancel()


async def test_who_is_cancelled_is_not_handed_in_and_holds_nobody_up() -> None:
    noted = Noting()
    handler = steps(noted, wait_s=LONG_S, most=2)
    gone = asyncio.create_task(handler(event("a")))
    await turns()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    alone = asyncio.create_task(handler(event("b")))
    await turns()
    assert noted.handed == []
    async with asyncio.timeout(5):
        await asyncio.gather(alone, handler(event("c")))
    assert sorted(noted.handed) == ["b", "c"]


async def test_without_a_time_to_wait_every_event_goes_at_once() -> None:
    noted = Noting()
    handler = steps(noted, wait_s=0)
    task = asyncio.create_task(handler(event("a")))
    await turns()
    assert noted.handed == ["a"]
    await task


async def test_of_an_erased_call_and_of_partitions_that_are_gone_nothing_is_kept() -> None:
    lately = Lately()
    handler = InSteps(Noting(), lately, wait_s=0, most=1)
    erased, other = lately.of("acme", "a:1"), lately.of("acme", "b")
    handler.drop("acme:a:1")
    assert lately.of("acme", "a:1") is not erased
    assert lately.of("acme", "b") is other
    handler.forget(0)
    assert lately.of("acme", "b") is not other
