"""Turns of the event loop, so that listening to many chunks at once leaves time for what has been said to go out."""

from __future__ import annotations

import asyncio
from typing import Final

_TURN_S: Final = 0.005
"""Two or three chunks of 200 ms. One chunk in each turn is too few: a turn costs some milliseconds where other threads
and processes want the same cores, so that 50 calls at once waited longer from second to second (docs/measurements.md).
"""


class Turns:
    """Lets through in each turn of the loop what begins in its first 5 ms."""

    def __init__(self) -> None:
        self._began: float | None = None

    async def wait(self) -> None:
        """Wait for a turn with time left; those who wait go on in the order in which they came."""
        loop = asyncio.get_running_loop()
        while self._began is not None and loop.time() - self._began > _TURN_S:  # noqa: ASYNC110 - for a turn, no event
            await asyncio.sleep(0)
        if self._began is None:
            self._began = loop.time()
            loop.call_soon(self._end)

    def _end(self) -> None:
        self._began = None
