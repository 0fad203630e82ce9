"""The life of a worker process: check, start the stages, wait for a signal or a fault, drain, leave."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence

import structlog

from pipeline.errors import ConvmineError
from pipeline.settings import Settings
from pipeline.stages import Stage
from workers.assembly import Assembly
from workers.edge import Edge
from workers.kafka_app import KafkaWorker
from workers.measures import Measures
from workers.outcomes import RetryPolicy
from workers.runtime import Limits
from workers.snapshots import graphs_on_kafka

log = structlog.get_logger()


def limits_of(settings: Settings) -> Limits:
    """The runtime's limits as they are set."""
    runtime = settings.runtime
    return Limits(
        in_flight=runtime.in_flight,
        window=runtime.window,
        policy=RetryPolicy(runtime.backoff_s, runtime.backoff_max_s, runtime.max_attempts),
        tenant=settings.tenant,
    )


async def run_stages(settings: Settings, stages: Sequence[Stage]) -> None:
    """Run these stages until SIGTERM or SIGINT; both drain.

    Raises:
        Config: a setting is missing or wrong.
        ConvmineError: a topic is missing.
        Retryable: Kafka or the store is away at start.
    """
    await _topics_are_there(settings, stages)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    measures = Measures()
    async with Assembly(settings, graphs_on_kafka(settings.kafka)) as assembly:
        workers = [
            KafkaWorker(settings.kafka, stage, await assembly.handler(stage), limits_of(settings), measures)
            for stage in stages
        ]
        try:
            for worker in workers:
                await worker.start()
            await _first([asyncio.create_task(_is_set(stop)), *(worker.broken for worker in workers)])
        finally:
            log.info("draining", seconds=settings.runtime.drain_s)
            await asyncio.gather(*(worker.stop(settings.runtime.drain_s) for worker in workers))


async def _is_set(event: asyncio.Event) -> None:
    await event.wait()


async def _first(futures: Sequence[asyncio.Future[None]]) -> None:
    done, waiting = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    for future in waiting:
        future.cancel()
    for future in done:
        future.result()


async def _topics_are_there(settings: Settings, stages: Sequence[Stage]) -> None:
    there = await asyncio.to_thread(Edge(settings.kafka).topics)
    needed = {topic for stage in stages for topic in (*stage.reads, *stage.writes)}
    if missing := sorted(topic for topic in needed if not there[topic]):
        raise ConvmineError(
            f"Kafka at {settings.kafka.bootstrap_servers} has no topic {', '.join(missing)}",
            hint="run: convmine topics apply",
        )
