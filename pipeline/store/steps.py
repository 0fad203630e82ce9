"""Events of many calls begin together: what they read and write then goes to the store in few requests.

A request takes a client about as much work for one point as for twenty, and nobody waits for what is stored of a call
that goes on. Nothing is done later than it is acknowledged: an event that waits is at work, and comes again after a
kill.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from pipeline.handling import Handler, Inbound, Outbound
from pipeline.store.lately import Lately

_QUIET_S: Final = 0.05
"""An event that follows the one before it in its call sooner than this was waiting for it, and is not held up again: so
a call that is behind, as in a replay, is not slowed down.
"""
_CALLS: Final = 4_096
"""Calls of which it is known when their last event was done; of another one the next event waits."""


class InSteps:
    """A handler whose events wait for company, for at most ``wait_s``, before they are handed in.

    They go as soon as ``most`` wait, which is when no other could come: as many as are handled at once.

    Args:
        handler: takes the events.
        lately: what the handler keeps in memory of calls.
        wait_s: seconds that the first one waits; with 0 none does.
        most: how many there can be at a time.
        clock: seconds, for the time between two events of a call.
    """

    def __init__(
        self,
        handler: Handler,
        lately: Lately,
        *,
        wait_s: float,
        most: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._handler = handler
        self._lately = lately
        self._wait_s = wait_s
        self._most = most
        self._clock = clock
        self._waiting: list[asyncio.Future[None]] = []
        self._due: asyncio.TimerHandle | None = None
        self._done_at: dict[tuple[str, str], float] = {}

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        """Hand the event in, in step with others.

        Raises:
            Exception: what the handler raises.
        """
        call = inbound.tenant_id, inbound.message.envelope.subject
        done_at = self._done_at.pop(call, None)
        if self._wait_s and (done_at is None or self._clock() - done_at >= _QUIET_S):
            await self._step()
        try:
            return await self._handler(inbound)
        finally:
            self._done_at[call] = self._clock()
            if len(self._done_at) > _CALLS:
                del self._done_at[next(iter(self._done_at))]

    def forget(self, partition: int) -> None:
        """Keep nothing of a partition that is somebody else's now; of the others it is read again."""
        del partition
        self._lately.clear()

    def drop(self, key: str) -> None:
        """Keep nothing of the call with this key (``tenant:call``): it is erased."""
        tenant_id, _, call_id = key.partition(":")
        self._lately.forget(tenant_id, call_id)

    async def _step(self) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        if self._due is None:
            self._due = loop.call_later(self._wait_s, self._go)
        if len(self._waiting) >= self._most:
            self._go()
        try:
            await turn
        finally:
            if turn in self._waiting:  # it was cancelled
                self._waiting.remove(turn)

    def _go(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)
