"""How many events wait for each stage, asked of the broker itself: a consumer that is frozen would not say.

Waiting is what was not acknowledged, as ``convmine topics lag`` counts it, less what can never be read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

import structlog

from pipeline.errors import ConvmineError, Retryable
from pipeline.settings import KafkaSettings
from workers.health import Health, Partition
from workers.kafka_security import aiokafka_options

EVERY_S: Final = 15.0
_REQUEST_MS: Final = 10_000
"""Milliseconds that the broker may take for one answer."""
_ROUND_S: Final = 60.0
"""Seconds for one round of questions; a broker that takes longer is as good as away."""
_LOOK_S: Final = 5.0
"""Seconds that a record may take to come from where one should be."""

log = structlog.get_logger()


class Offsets(Protocol):
    """Somebody who knows how far consumer groups are. Anything may be raised: then the broker counts as away."""

    async def waiting(self, group: str, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Events that the group has not acknowledged; with no partitions, the group's coordinator has answered."""


Connect = Callable[[], AbstractAsyncContextManager[Offsets]]


async def watch_lag(health: Health, connect: Connect, *, every_s: float = EVERY_S) -> NoReturn:
    """Tell ``health``, again and again, how many events wait for each stage, and whether the broker answers at all.

    Never ends by itself: while the broker is away the last values stay, and ``health`` knows that it is away.
    """
    while True:
        try:
            async with connect() as offsets:
                while True:
                    async with asyncio.timeout(_ROUND_S):
                        await _measure(health, offsets)
                    _back(health)
                    await asyncio.sleep(every_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, a watch that fails must not end the worker
            _gone(health, _reason(error))
        await asyncio.sleep(every_s)


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, ConvmineError) else f"the broker does not answer: {type(error).__name__}"


def _gone(health: Health, reason: str) -> None:
    if health.broker is None:
        log.warning("dependency away", dependency="kafka", reason=reason)
    health.broker_gone(reason)


def _back(health: Health) -> None:
    if health.broker is not None:
        log.warning("dependency back", dependency="kafka")
    health.broker_back()


async def _measure(health: Health, offsets: Offsets) -> None:
    for stage in health.stages:
        stage.measured(await offsets.waiting(stage.stage.group, stage.partitions))


@asynccontextmanager
async def offsets_on_kafka(settings: KafkaSettings) -> AsyncIterator[Offsets]:
    """Ask Kafka, over connections that no stage shares."""
    from aiokafka import AIOKafkaConsumer
    from aiokafka.admin import AIOKafkaAdminClient

    consumer = AIOKafkaConsumer(**aiokafka_options(settings), request_timeout_ms=_REQUEST_MS)
    admin = AIOKafkaAdminClient(**aiokafka_options(settings), request_timeout_ms=_REQUEST_MS)
    try:
        async with asyncio.timeout(_ROUND_S):
            await consumer.start()
            await admin.start()
        yield _KafkaOffsets(settings, consumer, admin)
    finally:
        await consumer.stop()
        await admin.close()


@dataclass(frozen=True, slots=True)
class _Span:
    """The offsets from the one that a group goes on from to the end of a partition; -1 is: nothing committed."""

    start: int
    end: int

    @classmethod
    def of(cls, committed: int, first: int, end: int) -> _Span:
        """What was deleted before the group came to it does not wait."""
        return cls(min(max(committed, first), end), end)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A span, and whether there are records in it; None where nobody has looked."""

    span: _Span
    records: bool | None


class _KafkaOffsets:
    """What is committed, from the group's coordinator; where partitions begin and end, from their leaders."""

    def __init__(self, settings: KafkaSettings, consumer: Any, admin: Any) -> None:  # noqa: ANN401 - aiokafka has no types
        self._settings = settings
        self._consumer = consumer
        self._admin = admin
        self._seen: dict[tuple[str, Any], _Seen] = {}

    async def waiting(self, group: str, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        from aiokafka import TopicPartition

        prefix = self._settings.topic_prefix
        coordinator = await self._admin.find_coordinator(prefix + group)
        if not partitions:
            return {}
        tps = {TopicPartition(prefix + topic, number): (topic, number) for topic, number in partitions}
        committed = await self._admin.list_consumer_group_offsets(prefix + group, coordinator, list(tps))
        if tps.keys() - committed.keys():  # aiokafka 0.14 takes a refusal of the whole request for an empty answer
            raise Retryable(f"the coordinator of group {prefix + group} is not ready", dependency="kafka")
        firsts = await self._consumer.beginning_offsets(list(tps))
        ends = await self._consumer.end_offsets(list(tps))
        return {
            partition: await self._waiting(group, tp, _Span.of(committed[tp].offset, firsts[tp], ends[tp]))
            for tp, partition in tps.items()
        }

    async def _waiting(self, group: str, tp: Any, span: _Span) -> int:  # noqa: ANN401 - likewise
        """The offsets of a span, or 0 where no record is in it: the marker that ends a transaction has an offset, too.

        A worker that has read all would seem to stand still before it for ever. So where a group has not moved since
        the last round it is looked at; again only when there is more and nothing was found so far.
        """
        before = self._seen.get((group, tp))
        records: bool | None = None
        if before is not None and before.span.start == span.start < span.end:
            again = before.records is None or (before.records is False and before.span.end != span.end)
            records = await _any_record(self._settings, tp, span) if again else before.records
        self._seen[group, tp] = _Seen(span, records)
        return 0 if records is False else span.end - span.start


async def _any_record(settings: KafkaSettings, tp: Any, span: _Span) -> bool:  # noqa: ANN401 - likewise
    """Whether a record can be read between these offsets; where that cannot be said in time, one is supposed."""
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(**aiokafka_options(settings), request_timeout_ms=_REQUEST_MS)
    try:
        async with asyncio.timeout(_LOOK_S):
            await consumer.start()
            consumer.assign([tp])
            consumer.seek(tp, span.start)
            while await consumer.position(tp) < span.end:
                if await consumer.getmany(tp, timeout_ms=100, max_records=1):
                    return True
    except TimeoutError:
        return True
    finally:
        await consumer.stop()
    return False
