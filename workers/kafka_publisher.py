"""Writing to Kafka: every record confirmed by all replicas, nothing written twice by the client's own retries."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import structlog

from pipeline.errors import Poison, Retryable
from pipeline.settings import KafkaSettings
from workers.breaker import Audience
from workers.kafka_asking import error_of
from workers.kafka_refusals import away, refusal_in
from workers.kafka_security import aiokafka_options
from workers.records import NewRecord, largest_record

_PATIENCE_S: Final = 5.0
"""After which a record that is not confirmed is said to wait for the broker."""
_FLUSH_S: Final = 5.0
"""How long a rebalance may wait for records that are on their way; less than any session time-out."""
_BATCH: Final = 262_144
"""Bytes of a batch for one partition. Where it is full, aiokafka has every record that waits ask again and again."""
_DEPENDENCY: Final = "kafka"

log: Final = structlog.get_logger()


@lru_cache(maxsize=8_192)
def _hash(key: bytes) -> int:
    """Kafka's hash of a key. In aiokafka it is plain Python and takes 40 µs; the events of a call have one key."""
    from aiokafka.partitioner import murmur2

    return int(murmur2(key)) & 0x7FFFFFFF


def _partition(key: bytes, every: Sequence[int], _available: Sequence[int]) -> int:
    """The partition of a key, as every client of Kafka computes it."""
    return every[_hash(key) % len(every)]


class KafkaPublisher:
    """A ``Publisher`` over an idempotent producer.

    Such a producer never gives a record up: while the broker is away, ``publish`` waits. ``watch`` says so.

    Args:
        settings: of the broker.
        audience: is told when records wait for it.
        linger_ms: how long a record waits for others of its partition, to go with them in one request.
    """

    def __init__(self, settings: KafkaSettings, audience: Audience, *, linger_ms: int = 2) -> None:
        self._settings = settings
        self._audience = audience
        self._linger_ms = linger_ms
        self._producer: Any = None
        self._renewing = asyncio.Lock()
        self._numbers = itertools.count()
        self._waiting: dict[int, float] = {}
        self._confirmed = 0

    async def start(self) -> None:
        """Connect.

        Raises:
            Retryable: no broker answers.
            Config: a broker does not let us in.
        """
        from aiokafka import AIOKafkaProducer
        from aiokafka.errors import KafkaError

        producer = AIOKafkaProducer(
            **aiokafka_options(self._settings),
            acks="all",
            enable_idempotence=True,
            linger_ms=self._linger_ms,
            max_batch_size=_BATCH,
            partitioner=_partition,
            max_request_size=largest_record(self._settings),
        )
        try:
            await producer.start()
        except KafkaError as error:
            await producer.stop()
            raise await error_of(self._settings, error) from error
        self._producer = producer

    async def publish(self, records: Sequence[NewRecord]) -> None:
        """Write records and wait until all are confirmed."""
        from aiokafka.errors import (
            KafkaError,
            KafkaTimeoutError,
            MessageSizeTooLargeError,
            RecordListTooLargeError,
            UnknownTopicOrPartitionError,
        )

        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().time()
        producer = self._producer
        try:
            await self._write(producer, records)
            self._confirmed += 1
        except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
            raise Poison(f"the result is larger than a message may be: {error}") from error
        except UnknownTopicOrPartitionError as error:
            raise Retryable(
                f"a topic is missing: {error}", dependency=_DEPENDENCY, hint="convmine topics apply"
            ) from error
        except KafkaError as error:
            if refused := refusal_in(self._settings, error):
                raise refused from error
            if not error.retriable and not isinstance(error, KafkaTimeoutError):
                await self._renew(producer)
            raise away(self._settings, error) from error
        finally:
            del self._waiting[number]

    async def watch(self) -> None:
        """For ever: tell the audience when records wait for the broker, and when they do not any more."""
        away_since: int | None = None
        while True:
            await asyncio.sleep(1)
            oldest = next(iter(self._waiting.values()), None)
            late = oldest is not None and asyncio.get_running_loop().time() - oldest > _PATIENCE_S
            if late and away_since is None:
                away_since = self._confirmed
                reason = f"Kafka at {self._settings.bootstrap_servers} does not confirm what is written"
                log.warning("dependency away: partitions pause", dependency=_DEPENDENCY, reason=reason)
                self._audience.away(_DEPENDENCY, reason, datetime.now(UTC))
            elif away_since is not None and not late and self._confirmed > away_since:
                away_since = None
                log.warning("dependency back: going on", dependency=_DEPENDENCY)
                self._audience.back(_DEPENDENCY)

    async def flush(self) -> None:
        """Wait until nothing is on its way any more, for at most five seconds."""
        try:
            async with asyncio.timeout(_FLUSH_S):
                await self._producer.flush()
        except TimeoutError:
            log.warning("records are still on their way", after_s=_FLUSH_S)

    async def close(self) -> None:
        """Send what is buffered, for at most five seconds, and disconnect."""
        if self._producer is not None:
            await self._close(self._producer)

    async def _write(self, producer: Any, records: Sequence[NewRecord]) -> None:  # noqa: ANN401 - aiokafka has no types
        pending = [
            await producer.send(
                self._settings.topic_prefix + record.topic,
                value=record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
            for record in records
        ]
        if len(pending) == 1:
            await pending[0]
        else:
            await asyncio.gather(*pending)

    async def _renew(self, broken: Any) -> None:  # noqa: ANN401 - likewise
        """A producer whose sequence the broker has lost stays refused: begin with a new one."""
        async with self._renewing:
            if self._producer is broken:
                log.warning("the producer is refused; beginning with a new one")
                await self._close(broken)
                await self.start()

    @staticmethod
    async def _close(producer: Any) -> None:  # noqa: ANN401 - likewise
        try:
            async with asyncio.timeout(_FLUSH_S):
                await producer.stop()
        except TimeoutError:
            log.warning("records were not sent before the end", after_s=_FLUSH_S)
