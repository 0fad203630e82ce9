"""Waiting on one event loop until something is true, where what makes it true is plain synchronous code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Changes:
    """Like ``asyncio.Condition`` without its lock: nothing else runs between a check and the wait on one loop."""

    def __init__(self) -> None:
        self._next = asyncio.Event()
        self._waiting = 0

    def notify(self) -> None:
        """Something has changed; all who wait look again."""
        if self._waiting:
            self._next.set()
            self._next = asyncio.Event()

    async def wait_until(self, true: Callable[[], bool]) -> None:
        """Return when ``true()`` is; it is asked again after every change."""
        self._waiting += 1
        try:
            while not true():
                await self._next.wait()
        finally:
            self._waiting -= 1
