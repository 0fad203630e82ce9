from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from pipeline.asr.live_turns import Turns


def test_what_takes_little_time_is_let_through_in_one_turn() -> None:
    assert _turns_of(50, lambda: None) == {0}


def test_what_takes_long_leaves_the_loop_to_others_between() -> None:
    assert len(_turns_of(4, lambda: _work(0.006))) == 4


def test_those_who_wait_go_on_in_the_order_in_which_they_came() -> None:
    order: list[int] = []

    async def run() -> None:
        turns = Turns()

        async def one(number: int) -> None:
            await turns.wait()
            order.append(number)
            _work(0.002)

        await asyncio.gather(*(one(number) for number in range(20)))

    asyncio.run(run())
    assert order == list(range(20))


def _work(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def _turns_of(count: int, work: Callable[[], None]) -> set[int]:
    """In which turns of the loop so much work was let through."""
    seen: set[int] = set()

    async def run() -> None:
        turns, turn = Turns(), 0

        async def one() -> None:
            await turns.wait()
            seen.add(turn)
            work()

        working = asyncio.gather(*(one() for _ in range(count)))
        await asyncio.sleep(0)  # they begin
        while not working.done():
            turn += 1
            await asyncio.sleep(0)

    asyncio.run(run())
    return seen
