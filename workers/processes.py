"""The life of a worker process: check, start the stages, wait for a signal or a fault, drain, leave."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import structlog

from pipeline.erasure.opened import places_of
from pipeline.erasure.places import Cleared, erase
from pipeline.erasure.record import ErasureRecord
from pipeline.privacy.sealing import seal_of
from pipeline.privacy.vault import Subject
from pipeline.scenarios.opened import load_library
from pipeline.settings import Settings
from pipeline.stages import ERASURES, GRAPH, RUNNING, Stage
from schemas.wire import Lane
from workers.assembly import Assembly
from workers.beside import beside
from workers.claims import Claims, claims_of
from workers.compacted import read_back_on_kafka
from workers.edge import Edge
from workers.erasures import Erasures
from workers.followed import FollowedOnKafka
from workers.followed_together import Together
from workers.graphs import Graphs
from workers.health import Health, heartbeat
from workers.kafka_app import KafkaWorker
from workers.lag import offsets_on_kafka, watch_lag
from workers.limits import limits_of
from workers.measures import Measures
from workers.online import online_on_kafka
from workers.probes import probes_of
from workers.snapshots import graph_snapshots
from workers.told_to_end import SIGNALS
from workers.tracing.opened import hops_from
from workers.uptake import CONFIG_TOPICS

log = structlog.get_logger()

_GARBAGE: Final = (20_000, 2, 2)
"""New objects between two collections of garbage, instead of 700, which took a fifth of the CPU time of a hop; and how
many of these until older ones are looked through, instead of 10 each, so that garbage stays below 80,000 objects.
"""
_LEAVING_S: Final = 15.0
"""Seconds after the drain in which a worker leaves its group and closes what it has open; then it ends all the same."""


async def run_stages(settings: Settings, stages: Sequence[Stage]) -> None:
    """Run these stages until SIGTERM or SIGINT; both drain, and a second one ends the process at once.

    Until the stages start, signals are left to the caller: nothing is at work yet, and a model may load for a minute.

    Raises:
        Config: a setting is missing or wrong.
        Retryable: Kafka, a topic or the store is away at start, or the consumer crashed.
    """
    library = load_library(settings)
    await _topics_are_there(settings, stages)
    health, measures, claims = Health(stages, stall_s=settings.runtime.stall_s), Measures(), claims_of(settings)
    measures.show(health)
    async with AsyncExitStack() as stack:
        background = await stack.enter_async_context(_observed(settings, health, measures, claims))
        snapshots, graphs = graph_snapshots(read_back_on_kafka(settings.kafka)), None
        if settings.flow.guidance and any((stage.name, stage.lane) == ("flow", Lane.LIVE) for stage in stages):
            graphs, source = Graphs(settings.flow.version_every_s), FollowedOnKafka(settings.kafka, [GRAPH])
            await source.each(graphs.take)
            background += await stack.enter_async_context(beside(source.follow(graphs.take)))
        assembly = await stack.enter_async_context(Assembly(settings, snapshots, library, measures.meter, guide=graphs))
        together = Together(FollowedOnKafka(settings.kafka, (*CONFIG_TOPICS, ERASURES)))
        background += await stack.enter_async_context(
            online_on_kafka(settings, library, stages, measures.meter, together.of(CONFIG_TOPICS))
        )
        erasures = Erasures(together.of([ERASURES]))
        await erasures.read()
        seal = seal_of(settings.privacy)
        hops_of = stack.enter_context(hops_from(settings, measures.registry))
        workers = [
            KafkaWorker(
                settings.kafka,
                stage,
                await assembly.handler(stage),
                limits_of(settings, stage),
                measures=measures,
                health=health.of(stage),
                claims=claims,
                seal=seal,
                erased=erasures.erased,
                hops=hops_of(stage),
            )
            for stage in stages
        ]
        clear = partial(_clear, settings, assembly, erasures)
        background += await stack.enter_async_context(beside(erasures.follow(), erasures.clear(workers, clear)))
        stop = asyncio.Event()
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, _on_signal, stop)
        try:
            for worker in workers:
                await worker.start()
            collect_garbage_seldom()
            await _first([asyncio.create_task(_is_set(stop)), *background, *(worker.broken for worker in workers)])
        finally:
            health.drain()
            _end_after(settings.runtime.drain_s + _LEAVING_S)
            log.info("draining", seconds=settings.runtime.drain_s)
            await asyncio.gather(*(worker.stop(settings.runtime.drain_s) for worker in workers))


async def _clear(settings: Settings, assembly: Assembly, erasures: Erasures, subject: Subject) -> Cleared:
    """Remove a call from every place of this process, and note in the store that it is erased."""
    connection = assembly.connection() if assembly.has_store else None
    async with places_of(settings, connection, "worker") as places:
        cleared = await erase(places, [subject])
    since = erasures.erased.since(subject.tenant_id, subject.call_id)
    if connection is not None and since is not None and not cleared.not_reached:
        record = ErasureRecord(connection, prefix=settings.store.prefix)
        await record.note(subject.tenant_id, subject.call_id, since, "")
    return cleared


def collect_garbage_seldom() -> None:
    """What a worker has loaded by now it keeps: look through it never again, and through the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)


@asynccontextmanager
async def _observed(
    settings: Settings, health: Health, measures: Measures, claims: Claims
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """What runs beside the stages, and never ends by itself: probes, the watch over lag, the tidying of old claims."""
    watch_every_s = min(15.0, settings.runtime.stall_s / 4)
    watching = watch_lag(health, partial(offsets_on_kafka, settings.kafka), every_s=watch_every_s)
    async with beside(heartbeat(health), watching, claims.tidy()) as background:
        with probes_of(settings.runtime, health, measures.registry):
            yield background


def _on_signal(stop: asyncio.Event) -> None:
    """Begin to drain; from now on a signal ends the process at once, even where the event loop stands still."""
    stop.set()
    for number in SIGNALS:
        asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(number, lambda got, _frame: os._exit(128 + got))


def _end_after(seconds: float) -> None:
    """End the process even if something does not let it: a thread at work, a broker that does not answer."""

    def end() -> None:
        log.error("not drained in time", seconds=seconds)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


async def _is_set(event: asyncio.Event) -> None:
    await event.wait()


async def _first(futures: Sequence[asyncio.Future[None]]) -> None:
    done, waiting = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    for future in waiting:
        future.cancel()
    for future in done:
        future.result()


async def _topics_are_there(settings: Settings, stages: Sequence[Stage]) -> None:
    needed = {topic for stage in stages for topic in (*stage.reads, *stage.writes)}
    needed |= {stage.state_topic for stage in stages if stage.remembers} | {*CONFIG_TOPICS, RUNNING, ERASURES}
    await asyncio.to_thread(Edge(settings.kafka).partitions_of, sorted(needed))
