"""A replay put together: the installation's store and handlers, its erasures read first, and Kafka to read from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from pipeline.erasure.opened import stored_calls
from pipeline.erasure.stored import StoredCalls
from pipeline.handling import Handler
from pipeline.privacy.vault import Subject
from pipeline.scenarios.opened import load_library
from pipeline.settings import Settings
from pipeline.stages import ERASURES
from workers.assembly import Assembly
from workers.beside import beside
from workers.claims import claims_of
from workers.compacted import read_back_on_kafka
from workers.edge import Spans
from workers.erasures import Erasures
from workers.followed import FollowedOnKafka
from workers.limits import limits_of
from workers.measures import Measures
from workers.replaying import INDEX, TOPICS, Replay, Replayed, Told
from workers.replaying_order import records_on_kafka
from workers.snapshots import graph_snapshots
from workers.uptake import CONFIG_TOPICS, Uptake


async def replay_on_kafka(settings: Settings, spans: Spans, told: Told) -> Replayed:
    """Replay these spans of the topics in ``TOPICS`` into the store of these settings.

    Raises:
        Unfinished: it broke off; it says where to go on.
        Retryable: the broker or the store is away at the start.
        Config: a setting is wrong.
    """
    erasures = Erasures(FollowedOnKafka(settings.kafka, [ERASURES]))
    await erasures.read()
    library, meter = load_library(settings), Measures().meter
    Uptake(library, meter).take_all(await FollowedOnKafka(settings.kafka, CONFIG_TOPICS).whole())
    snapshots = graph_snapshots(read_back_on_kafka(settings.kafka))
    async with Assembly(settings, snapshots, library, meter) as assembly:
        stages = [stage for stage in INDEX if any(TOPICS[topic] is stage for topic, _ in spans)]
        handlers = {stage: cast("Handler", await assembly.handler(stage)) for stage in stages}
        replay = Replay(handlers, erasures.erased, limits_of(settings, INDEX[0]), claims_of(settings))
        async with obeying(erasures, stored_calls(assembly.connection(), settings.store)):
            return await replay.run(records_on_kafka(settings.kafka, spans), told)


@asynccontextmanager
async def obeying(erasures: Erasures, stored: StoredCalls) -> AsyncIterator[None]:
    """Follow what is erased meanwhile, and remove it at the end: events of it that were in hand were still written."""
    fresh: list[Subject] = []
    erasures.erased.told = lambda tenant_id, call_id: fresh.append(Subject(tenant_id, call_id))
    try:
        async with beside(erasures.follow()):
            yield
    finally:
        for subject in fresh:
            await stored.remove(subject)
