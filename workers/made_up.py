"""Made-up calls into the store, through the handler of the ``index`` stage as real ones go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import cast

from pipeline.erasure.obeying import obeying
from pipeline.erasure.record import erased_on_record
from pipeline.handling import Handler, Inbound, Outbound, Position
from pipeline.scenarios.opened import load_library
from pipeline.settings import Settings
from pipeline.stages import stage_named
from schemas.wire import Lane
from workers.assembly import Assembly
from workers.in_process import InProcessBroker
from workers.snapshots import graph_snapshots


async def store_made_up(settings: Settings, calls: Iterable[Sequence[Outbound]], stored: Callable[[int], None]) -> None:
    """Store the events of calls, as many calls at a time as a worker has in flight; ``stored`` is told of each.

    Raises:
        Config: a setting is wrong, or the store was made with another embedder.
        Retryable: the store is away, or another process has its folder open.
    """
    stage = stage_named("index", Lane.BATCH)
    assert stage is not None
    graphs = graph_snapshots(InProcessBroker().read_back)
    async with Assembly(settings, graphs, load_library(settings)) as assembly:
        erased = await erased_on_record(assembly.connection(), settings.store.prefix)
        handler = obeying(erased, cast("Handler", await assembly.handler(stage)))
        waiting, done = iter(calls), 0

        async def work() -> None:
            nonlocal done
            for events in waiting:
                for inbound in _inbound(events):
                    await handler(inbound)
                done += 1
                stored(done)

        workers = [asyncio.create_task(work()) for _ in range(settings.runtime.in_flight)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)


def _inbound(events: Iterable[Outbound]) -> Iterator[Inbound]:
    return (Inbound(event.message, Position(event.topic, 0, 0)) for event in events)
