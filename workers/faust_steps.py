"""Faust with fewer turns of the event loop for a message, and with none of the first messages of a partition lost.

Faust's consumer starts four tasks for every message, to wait for the first of: delivered, flow suspended, stopped,
crashed; and its stream sleeps for one turn of the loop before each event. Nearly always there is nothing to wait for,
as there is room in the queue and an event in it. Measured with faust-streaming 0.15.3: docs/measurements.md, "One hop".

What it has fetched while a rebalance goes on it throws away, and then goes back to where the group has committed to. Of
a partition of which nothing is committed yet aiokafka 0.14 knows no such place and stays where it is: what was thrown
away is never read again. It happened in one of some dozens of runs of ``tests/chaos``, to the first calls of a
partition.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Mapping
from types import coroutine
from typing import Any, Final

from faust.transport.drivers import aiokafka
from mode.services import WaitResults

_TURN: Final = 32
"""Events that are taken in one turn of the loop; then whatever else is ready gets its own."""


class Transport(aiokafka.Transport):
    """Faust's transport, with this consumer."""

    class Consumer(aiokafka.Consumer):
        """Starts no task to deliver what is delivered at once, and knows where a partition begins."""

        def __init__(self, transport: Any, callback: Callable[[Any], Coroutine[Any, Any, None]], **rest: Any) -> None:  # noqa: ANN401 - faust ships no types
            super().__init__(transport, lambda message: Begun(callback(message)), **rest)

        async def seek_to_committed(self) -> Mapping[Any, int]:
            """Go to where the group has committed to, or else to the start; what is committed, by partition."""
            committed = await super().seek_to_committed()
            if unread := [tp for tp, offset in committed.items() if not offset]:
                await self.seek_wait(await self.earliest_offsets(*unread))
            return committed

        async def wait_first(self, *waits: Any, **rest: Any) -> Any:  # noqa: ANN401 - likewise
            """Of what is waited for, what is done first."""
            delivery, *others = waits
            if not isinstance(delivery, Begun) or not delivery.done:
                return await super().wait_first(*waits, **rest)
            for other in others:
                other.close()
            return WaitResults([delivery], [None], self.should_stop)


class Begun:
    """A coroutine that was begun: ``done`` where it had nothing to wait for; otherwise to be awaited, for the rest.

    Until its first wait it runs in the task of whoever begins it.
    """

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = work
        self._waits_for: object = None
        self.done = False
        try:
            self._waits_for = work.send(None)
        except StopIteration:
            self.done = True

    def __await__(self) -> Generator[Any, Any, None]:
        if not self.done:
            yield from _steps(self._work, self._waits_for)


async def in_turns(events: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The same events, up to 32 of them in one turn of the loop."""
    while True:
        await asyncio.sleep(0)
        for _ in range(_TURN):
            try:
                yield await _without_pauses(anext(events))
            except StopAsyncIteration:
                return


@coroutine
def _without_pauses(work: Awaitable[Any]) -> Generator[Any, Any, Any]:
    """As ``await work``, but where it would only let others have a turn (``sleep(0)``) it goes on."""
    steps = work.__await__()
    waits_for = None
    while waits_for is None:
        try:
            waits_for = next(steps)
        except StopIteration as end:
            return end.value
    return (yield from _steps(steps, waits_for))


def _steps(work: Any, waits_for: object) -> Generator[Any, Any, Any]:  # noqa: ANN401 - a coroutine or its generator
    """As ``yield from work`` goes on, where its last step has been made already and gave what it waits for."""
    while True:
        try:
            step, given = work.send, (yield waits_for)
        except GeneratorExit:
            work.close()
            raise
        except BaseException as error:  # noqa: BLE001 - it is the coroutine's to deal with
            step, given = work.throw, error
        try:
            waits_for = step(given)
        except StopIteration as end:
            return end.value
