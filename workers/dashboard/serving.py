"""The dashboard as a process: listens, follows live calls on Kafka, answers from the store that the settings name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, NoReturn

from pipeline.errors import Retryable
from pipeline.ports import Meter
from pipeline.privacy.sealing import seal_of
from pipeline.scenarios.library import Library
from pipeline.scenarios.opened import load_library
from pipeline.settings import KafkaSettings, Settings
from pipeline.stages import ERASURES
from workers.beside import beside
from workers.dashboard.app import create_dashboard
from workers.dashboard.oidc import OidcSignIn
from workers.dashboard.operations.on_kafka import KafkaPlant
from workers.dashboard.rooms import Surroundings, recordings_of, rooms_of
from workers.dashboard.sessions import Sessions
from workers.dashboard.shell import Shell
from workers.dashboard.workbench.room import workbench_on_kafka
from workers.followed import FollowedOnKafka
from workers.gateway.bounds import Limits
from workers.gateway.erasing import obeying
from workers.gateway.kafka import waiting_publisher
from workers.gateway.key_file import KeyFile
from workers.gateway.opened import opened
from workers.gateway.outgoing.room import opened_streams
from workers.gateway.rates import Rates
from workers.gateway.serving import Place, holds, serve, tokens
from workers.health import Health
from workers.measures import Measures
from workers.probes import probes_of
from workers.records import Record
from workers.uptake import CONFIG_TOPICS, Uptake

_AGAIN_S: Final = 5.0
"""Seconds until a broker that was away is asked again what is published."""


async def run_dashboard(settings: Settings, listening_at: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``listening_at`` is told the address.

    Raises:
        Retryable: the store is away.
        Config: the keys cannot be read, the address cannot be listened on, or another setting is wrong.
    """
    ours, bounds, runtime = settings.dashboard, settings.gateway, settings.runtime
    keys, measures, health = KeyFile(bounds.keys), Measures(), Health((), stall_s=runtime.stall_s)
    still_valid, library, recordings = partial(holds, keys), load_library(settings), recordings_of(settings)
    async with (
        opened(settings, measures.meter) as asked,
        tokens(settings.oidc) as provider,
        waiting_publisher(settings.kafka, measures.registry) as publisher,
        opened_streams(settings, publisher, measures.registry, still_valid) as streams,
        obeying(FollowedOnKafka(settings.kafka, [ERASURES]), streams.hub),
        beside(_take_up(settings.kafka, library, measures.meter)),
    ):
        around = Surroundings(
            plant=KafkaPlant(settings.kafka, seal_of(settings.privacy)),
            recordings=recordings,
            scenarios=library,
            workbench=workbench_on_kafka(settings, asked.store, asked.auditing),
        )
        app = create_dashboard(
            asked.answers_for,
            Shell(
                Sessions(ours, still_valid),
                keys.principal,
                tokens=provider.principal if provider else None,
                quiet_s=ours.quiet_s,
                provider=OidcSignIn.of(provider, settings.oidc, ours),
            ),
            streams=streams,
            rooms=rooms_of(settings, asked, streams, around),
            put=asked.put,
            ask_sql=asked.ask_sql,
            auditing=asked.auditing,
            health=health,
            limits=Limits.of(bounds),
            rates=Rates.of(bounds, measures.registry),
            registry=measures.registry,
        )
        place = Place(ours.host, ours.port, "CONVMINE_DASHBOARD", runtime.drain_s)
        with probes_of(runtime, health, measures.registry):
            await serve(app, place, listening_at, health=health, hub=streams.hub)


async def _take_up(kafka: KafkaSettings, library: Library, meter: Meter) -> NoReturn:
    """Scenarios, prompts and cards as they are published, so that pages name things as stages do."""
    uptake, followed = Uptake(library, meter), FollowedOnKafka(kafka, CONFIG_TOPICS)

    def take(record: Record) -> None:
        uptake.take(record)

    while True:
        try:
            uptake.take_all(await followed.whole())
        except Retryable:  # streams tell it already
            await asyncio.sleep(_AGAIN_S)
        else:
            await followed.follow(take)
