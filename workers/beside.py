"""What runs beside a block and never ends by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside(*forever: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run these until the block is left; gives their tasks, so that somebody may see that one has failed."""
    tasks: list[asyncio.Task[None]] = [asyncio.create_task(one) for one in forever]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
