"""An event loop whose time is simulated: it jumps to whenever the next thing is due, and nothing waits for real."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    """Instead of waiting for files it lets the time go by."""

    def __init__(self) -> None:
        super().__init__()
        self.s = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everything waits, and nothing is due"
        self.s += max(0.0, timeout)
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jumping = _Jumping()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.s


def simulated(main: Coroutine[Any, Any, T]) -> T:
    """What the coroutine comes to; ``asyncio.sleep`` and time-outs in it take no time."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)


def now() -> float:
    """The simulated time, in seconds."""
    return asyncio.get_running_loop().time()
