"""The same worker, but Faust decides what is done: its own ``concurrency=64``, whose losses the chaos tests must see.

Events of one call still wait for each other, so that what is lost is lost by the acknowledgement alone.

``python tests/chaos/faust_acknowledges.py worker STAGE --lane LANE`` in place of ``convmine worker``.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

CONCURRENCY = 64


def faust_worker(stage: str, lane: str) -> Sequence[str]:
    """The command of such a worker."""
    return [sys.executable, str(Path(__file__).resolve()), "worker", stage, "--lane", lane]


def main() -> None:
    """Run convmine with the one method replaced that says how events are read."""
    import faust

    from workers.cli import main as convmine
    from workers.kafka_app import KafkaWorker

    built, agent = KafkaWorker._build, faust.App.agent  # noqa: SLF001 - the method to be replaced

    def build(worker: Any) -> faust.App:
        turns: dict[bytes, asyncio.Lock] = defaultdict(asyncio.Lock)

        async def read(stream: Any) -> None:
            # Faust acknowledges an event when its turn of this loop has ended, whatever else is still under way.
            async for event in stream.events():
                async with turns[event.message.key]:
                    await worker._runner._settler.settle(worker._record(event.message))  # noqa: SLF001 - past our window

        def concurrent(app: faust.App, source: Any) -> Callable[[object], object]:
            return lambda _ours: agent(app, source, concurrency=CONCURRENCY)(read)

        with mock.patch.object(faust.App, "agent", concurrent):
            return built(worker)

    with mock.patch.object(KafkaWorker, "_build", build):
        convmine()


if __name__ == "__main__":
    main()
