"""The one thread that has a speech model in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from pipeline.dependencies import answered
from pipeline.ports import Recognition, Speech


class ModelThread:
    """Runs a model's blocking work, batch after batch, and says of each that the dependency ``name`` has answered.

    A thread, and not a lock: a cancelled call's batch still finishes before the next one starts.
    """

    def __init__(self, name: str, work: Callable[[Sequence[Speech]], list[Recognition]], *, batch: int) -> None:
        self._name = name
        self._work = work
        self._batch = batch
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        """What the work gives for the stretches, at most ``batch`` of them at once; raises what it raises."""
        loop = asyncio.get_running_loop()
        results: list[Recognition] = []
        for start in range(0, len(speeches), self._batch):
            batch = speeches[start : start + self._batch]
            results += await loop.run_in_executor(self._thread, self._work, batch)
            answered(self._name)
        return results

    async def close(self) -> None:
        """Wait for the batch that is at work, and end the thread."""
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)
