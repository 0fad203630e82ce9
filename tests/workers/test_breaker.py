"""The breaker: who may ask whether a dependency is back, and when everybody goes on."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from pipeline.errors import Retryable
from workers.breaker import Breaker


class Told:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.away_since: dict[str, datetime] = {}
        self.heard: list[str] = []

    def away(self, dependency: str, reason: str, since: datetime) -> None:
        self.heard.append(f"{dependency} away: {reason}")
        self.away_since[dependency] = since

    def back(self, dependency: str) -> None:
        self.heard.append(f"{dependency} back")


def breaker(told: Told, failures: int = 3, delay_s: float = 0.0) -> Breaker:
    return Breaker(failures, lambda _asked, error: error.retry_after_s or delay_s, told)


def outage(dependency: str = "qdrant", after_s: float | None = None, *, alone: bool = False) -> Retryable:
    return Retryable("no answer", dependency=dependency, retry_after_s=after_s, alone=alone)


async def test_it_opens_after_so_many_failures_in_a_row_and_says_so_once() -> None:
    told = Told()
    it = breaker(told)
    assert [it.failed(outage()) for _ in range(5)] == [False, False, True, True, True]
    assert told.heard == ["qdrant away: no answer"]


async def test_what_was_handled_between_two_failures_begins_a_new_row() -> None:
    told = Told()
    it = breaker(told)
    for _ in range(4):
        it.failed(outage())
        it.failed(outage())
        it.worked({"qdrant"})
    assert told.heard == []


async def test_what_was_handled_without_asking_the_dependency_shows_nothing() -> None:
    it = breaker(Told())
    for _ in range(3):
        it.failed(outage("llm"))
        it.worked({"kafka"})
    assert it.is_open


async def test_failures_of_two_dependencies_are_counted_apart() -> None:
    it = breaker(Told())
    for _ in range(2):
        it.failed(outage("qdrant"))
        it.failed(outage("llm"))
    assert not it.is_open


async def test_a_failure_that_concerns_one_event_alone_opens_nothing() -> None:
    it = breaker(Told())
    assert not any(it.failed(outage(alone=True)) for _ in range(10))
    assert not it.is_open


async def test_while_it_is_open_one_event_at_a_time_passes_in_the_order_of_coming() -> None:
    it = breaker(Told(), failures=1)
    it.failed(outage())
    inside, most, order = 0, 0, []

    async def ask(name: int) -> None:
        nonlocal inside, most
        async with it.passage():
            inside += 1
            most = max(most, inside)
            order.append(name)
            await asyncio.sleep(0)
            inside -= 1
        it.failed(outage())

    await asyncio.gather(*(ask(number) for number in range(5)))
    assert most == 1
    assert order == [0, 1, 2, 3, 4]


async def test_when_one_event_was_handled_all_others_go_on_side_by_side() -> None:
    told = Told()
    it = breaker(told, failures=1)
    it.failed(outage())
    together, all_here = 0, asyncio.Event()

    async def work() -> None:
        nonlocal together
        async with it.passage():
            together += 1
            if together == 4:
                all_here.set()
            await asyncio.wait_for(all_here.wait(), 5)

    async def probe() -> None:
        async with it.passage():
            it.worked({"qdrant"})

    await asyncio.gather(probe(), *(work() for _ in range(4)))
    assert told.heard == ["qdrant away: no answer", "qdrant back"]


async def test_a_servers_retry_after_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    it = breaker(Told(), failures=1)
    it.failed(outage(after_s=0.3))
    loop = asyncio.get_running_loop()
    before = loop.time()
    async with it.passage():
        assert loop.time() - before >= 0.3


async def test_who_waits_for_a_turn_goes_on_at_once_when_another_was_handled_meanwhile() -> None:
    it = breaker(Told(), failures=1, delay_s=60)
    it.failed(outage())

    async def wait() -> None:
        async with it.passage():
            pass

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    it.worked({"qdrant"})
    await asyncio.wait_for(waiting, 1)


async def test_one_that_is_cancelled_while_it_waits_leaves_its_turn_to_the_next() -> None:
    it = breaker(Told(), failures=1, delay_s=0.05)
    it.failed(outage())

    async def wait() -> None:
        async with it.passage():
            pass

    first, second = asyncio.create_task(wait()), asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.wait_for(second, 1)
