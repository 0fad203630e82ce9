"""The gateway's way to Kafka: it waits for a broker that is away, and whoever asks meanwhile is told so at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge

from pipeline.errors import Config, Retryable
from pipeline.settings import KafkaSettings
from workers.kafka_publisher import KafkaPublisher
from workers.records import NewRecord
from workers.tracing.hops import Hops, sending

_AGAIN_S: Final = 2.0
"""Seconds between two attempts to reach a broker, and after which somebody who was refused may ask again."""

LINGER_MS: Final = 20
"""Fifty calls send 250 chunks a second, each at its own moment: that many requests cost the broker, and those who read
from it, more than all else (docs/measurements.md). A chunk has waited 200 ms for its end already.
"""

log: Final = structlog.get_logger()


class WaitingPublisher:
    """A ``Publisher`` that is there before its broker is; ``run`` connects it, again and again.

    ``publish`` is refused with ``Retryable`` while there is no connection, or records of others have waited for long.
    """

    def __init__(self, settings: KafkaSettings, registry: CollectorRegistry, hops: Hops | None = None) -> None:
        self._publisher = KafkaPublisher(settings, self, linger_ms=LINGER_MS)
        self._hops = hops
        self._connected = False
        self._away = False
        self._gauge = Gauge(
            "convmine_gateway_kafka_away", "1 while Kafka does not take what comes in.", registry=registry
        )
        self._gauge.set(1)

    @property
    def is_away(self) -> bool:
        """Whether what is given now would wait."""
        return self._away or not self._connected

    def away(self, dependency: str, reason: str, since: datetime) -> None:
        """Records have waited for long: as an ``Audience`` is told."""
        del dependency, reason, since
        self._away = True
        self._gauge.set(1)

    def back(self, dependency: str) -> None:
        """Records are confirmed again."""
        del dependency
        self._away = False
        self._gauge.set(0)

    async def publish(self, records: Sequence[NewRecord]) -> None:
        """Write records and wait until all are confirmed.

        Raises:
            Retryable: there is no connection.
            Poison: the broker refuses a record, for example as too large.
        """
        if not self._connected:
            raise Retryable("Kafka does not answer", dependency="kafka", retry_after_s=_AGAIN_S)
        with sending(self._hops, records) as carrying:
            await self._publisher.publish(carrying)

    async def run(self) -> None:
        """For ever: connect, and watch whether records wait."""
        told = False
        while not self._connected:
            try:
                await self._publisher.start()
            except Retryable as error:
                if not told:
                    log.warning("calls cannot come in yet", dependency="kafka", reason=error.message)
                told = True
                await asyncio.sleep(_AGAIN_S)
            else:
                self._connected = True
                self._gauge.set(0)
        if told:
            log.warning("dependency back: going on", dependency="kafka")
        await self._publisher.watch()

    async def close(self) -> None:
        """Send what is buffered, for at most five seconds, and disconnect."""
        await self._publisher.close()


def _end_where_refused(running: asyncio.Task[None]) -> None:
    """A broker that does not let us in will not do so later: the process ends as by a signal, with the error."""
    if not running.cancelled() and isinstance(error := running.exception(), Config):
        end_as_refused(error)


def end_as_refused(error: Config) -> None:
    """Say what Kafka refuses, and begin to end this process."""
    log.error("Kafka refuses this process", reason=error.in_one_line)
    signal.raise_signal(signal.SIGTERM)


@asynccontextmanager
async def waiting_publisher(
    settings: KafkaSettings, registry: CollectorRegistry, hops: Hops | None = None
) -> AsyncIterator[WaitingPublisher]:
    """A publisher that connects beside what the block does, closed at its end."""
    publisher = WaitingPublisher(settings, registry, hops)
    running = asyncio.create_task(publisher.run())
    running.add_done_callback(_end_where_refused)
    try:
        yield publisher
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await publisher.close()
