"""Scenarios, prompts and cards that change while a worker runs: taken up as published, and told which of them run."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final, NoReturn

import structlog

from pipeline.errors import ConvmineError
from pipeline.handling import Outbound
from pipeline.ids import stable_id
from pipeline.ports import Meter
from pipeline.scenarios.library import Library
from pipeline.scenarios.model import Scenario
from pipeline.settings import Settings
from pipeline.stages import RUNNING, Stage
from schemas.envelope import message
from schemas.reference import ConfigRunning, RunningPrompt
from workers.beside import beside
from workers.followed import Followed
from workers.kafka_publisher import KafkaPublisher
from workers.records import NewRecord, Publisher, Record, write_event
from workers.uptake import Uptake

EVERY_S: Final = 30.0
"""Seconds after which a worker says again what it runs; one that has long said nothing has died."""
_LEAVING_S: Final = 5.0
"""Seconds that a worker which leaves has to say so."""

log = structlog.get_logger()


@asynccontextmanager
async def online_on_kafka(
    settings: Settings, library: Library, stages: Sequence[Stage], meter: Meter, followed: Followed
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """``online`` on Kafka, where ``followed`` are the topics of configuration.

    Raises:
        Retryable: the broker is away, or a topic is missing.
    """
    publisher = KafkaPublisher(settings.kafka, _Nobody())
    presence = Presence(library, Uptake(library, meter), stages, settings.tenant)
    await publisher.start()
    try:
        async with online(presence, followed, publisher) as tasks:
            yield tasks
    finally:
        await publisher.close()


@asynccontextmanager
async def online(
    presence: Presence, followed: Followed, publisher: Publisher, *, every_s: float = EVERY_S
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Take up all that is published, then what follows; tell what runs at start, at each change and every so often.

    What runs beside is yielded; it does not end by itself.

    Raises:
        Retryable: what is published cannot be read.
    """
    presence.uptake.take_all(await followed.whole())
    changed = asyncio.Event()

    def take(record: Record) -> None:
        if presence.uptake.take(record):
            changed.set()

    try:
        async with beside(followed.follow(take), _keep_telling(presence, publisher, changed, every_s)) as tasks:
            yield tasks
    finally:
        await _leave(presence, publisher)


class Presence:
    """What one worker process says of itself: a record for its own tenant and for each that has published anything.

    Args:
        library: what runs.
        uptake: what was refused.
        stages: those of this process.
        tenant_id: of the settings.
        now: the time, in UTC.
    """

    def __init__(
        self,
        library: Library,
        uptake: Uptake,
        stages: Sequence[Stage],
        tenant_id: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.uptake = uptake
        self.worker: Final = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._library = library
        self._stages = tuple(f"{stage.name}.{stage.lane}" for stage in stages)
        self._tenant_id = tenant_id
        self._now = now
        self._started_at = now()
        self._told: frozenset[str] = frozenset()

    def records(self) -> list[NewRecord]:
        """What runs now; of a tenant that has nothing published any more, that nothing is to be told."""
        tenants = frozenset({self._tenant_id, *self.uptake.tenants})
        gone, self._told = self._told - tenants, tenants
        return [
            *(self._running(tenant) for tenant in sorted(tenants)),
            *(self._gone(tenant) for tenant in sorted(gone)),
        ]

    def farewell(self) -> list[NewRecord]:
        """That this worker runs nothing any more."""
        return [self._gone(tenant) for tenant in sorted(self._told)]

    def _running(self, tenant_id: str) -> NewRecord:
        now = self._now()
        scenarios = [self._library(name, tenant_id) for name in self._library.names(tenant_id)]
        payload = ConfigRunning(
            worker=self.worker,
            stages=self._stages,
            started_at=self._started_at,
            seen_at=now,
            scenarios={scenario.id: scenario.version for scenario in scenarios},
            prompts=tuple(prompt for scenario in scenarios for prompt in running_prompts(scenario)),
            refused=self.uptake.refused(tenant_id),
            cards={":".join(name): version for name, version in self._library.running_cards(tenant_id).items()},
        )
        told = message(
            payload,
            id=stable_id("event", RUNNING, tenant_id, self.worker, now.isoformat()),
            source="/convmine/worker",
            time=now,
            subject=self.worker,
            tenant_id=tenant_id,
        )
        return write_event(Outbound(RUNNING, told))

    def _gone(self, tenant_id: str) -> NewRecord:
        return NewRecord(RUNNING, f"{tenant_id}:{self.worker}".encode(), None, ())


def running_prompts(scenario: Scenario) -> Iterator[RunningPrompt]:
    """The version in which each prompt of a scenario runs, language by language."""
    for language, edition in scenario.editions.items():
        for prompt_id in sorted({prompt.id for prompt in edition.prompts}):
            if (runs := edition.runs(prompt_id)) is not None:
                yield RunningPrompt(
                    scenario=scenario.id,
                    language=language,
                    prompt=prompt_id,
                    prompt_version=runs.version,
                    challenger_version=runs.challenger.version if runs.challenger else None,
                )


async def _keep_telling(presence: Presence, publisher: Publisher, changed: asyncio.Event, every_s: float) -> NoReturn:
    while True:
        changed.clear()
        try:
            await publisher.publish(presence.records())
        except ConvmineError as error:
            log.warning("what runs could not be told", reason=error.message)
        with suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                await changed.wait()


async def _leave(presence: Presence, publisher: Publisher) -> None:
    try:
        async with asyncio.timeout(_LEAVING_S):
            await publisher.publish(presence.farewell())
    except (ConvmineError, TimeoutError) as error:
        log.warning("that this worker leaves could not be told", reason=str(error) or "no answer in time")


class _Nobody:
    """An ``Audience`` that nobody needs: no event waits for what is published here."""

    def away(self, dependency: str, reason: str, since: datetime) -> None:
        """Nothing is held back."""

    def back(self, dependency: str) -> None:
        """Nothing was held back."""
