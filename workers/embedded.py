"""The whole pipeline in this process: every stage, the in-process broker, and no server but those that are set."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from pipeline.erasure.erased import Erased
from pipeline.erasure.record import erased_on_record
from pipeline.ports import VectorStore
from pipeline.scenarios.opened import load_library
from pipeline.settings import Settings
from pipeline.stages import stages_of
from schemas.wire import Lane
from workers.assembly import Assembly
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import limits_of
from workers.measures import Measures
from workers.records import NewRecord
from workers.snapshots import graph_snapshots
from workers.tracing.hops import sending
from workers.tracing.opened import hops_from

STAGES: Final = stages_of(Lane.BATCH)
Progress = Callable[[Mapping[str, tuple[int, int]]], None]
"""Told, for each stage, how many events are done and how many there are so far."""
Show = Callable[[VectorStore, Erased], Awaitable[None]]
"""Is handed the store when all is done, and which calls were passed over as they are erased."""


async def run_embedded(settings: Settings, records: Sequence[NewRecord], progress: Progress, show: Show) -> None:
    """Publish the records, run every stage until nothing is left to do, and hand the store to ``show``.

    Calls that the store's record of erasures names are passed over.

    Raises:
        Config: a setting is missing or wrong.
        Retryable: the store is away, or another process has its folder open.
    """
    broker = InProcessBroker()
    measures = Measures()
    library = load_library(settings)
    with hops_from(settings, measures.registry) as hops_of:
        async with Assembly(settings, graph_snapshots(broker.read_back), library, measures.meter) as assembly:
            erased = await erased_on_record(assembly.connection(), settings.store.prefix)
            workers: list[InProcessWorker] = []
            with sending(hops_of(None), records) as carrying:
                await broker.publish(carrying)
            for stage in STAGES:  # the first stages are at work while the handlers of the next are made
                handler, limits = await assembly.handler(stage), limits_of(settings, stage)
                workers.append(
                    InProcessWorker(broker, stage, handler, limits, measures, erased=erased, hops=hops_of(stage))
                )
                await workers[-1].start()
            idle = asyncio.ensure_future(broker.wait_idle(STAGES))
            watching = asyncio.ensure_future(_watch(broker, progress))
            try:
                await asyncio.wait([idle, *(worker.broken for worker in workers)], return_when=asyncio.FIRST_COMPLETED)
                for worker in workers:
                    if worker.broken.done():
                        worker.broken.result()
            finally:
                idle.cancel()
                watching.cancel()
                await asyncio.gather(*(worker.stop(settings.runtime.drain_s) for worker in workers))
            progress(_state(broker))
            await show(await assembly.store(), erased)


async def _watch(broker: InProcessBroker, progress: Progress) -> None:
    while True:
        progress(_state(broker))
        await asyncio.sleep(0.2)


def _state(broker: InProcessBroker) -> dict[str, tuple[int, int]]:
    return {stage.name: (broker.done(stage), broker.done(stage) + broker.lag(stage)) for stage in STAGES}
