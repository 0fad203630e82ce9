from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Retryable
from pipeline.settings import KafkaSettings
from pipeline.stages import RECORDINGS, STAGES
from workers.health import Health, Partition
from workers.lag import Connect, Offsets, _Span, offsets_on_kafka, watch_lag

ASR, EXTRACT = STAGES[:2]
ZERO, ONE = (RECORDINGS, 0), (RECORDINGS, 1)


class Scripted:
    """A broker that answers what it is told to, and counts who connects."""

    def __init__(self) -> None:
        self.lag: Mapping[Partition, int] | Exception = {}
        self.asked: list[tuple[str, Collection[Partition]]] = []
        self.connections = 0
        self.open = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Offsets]:
        self.connections += 1
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1

    async def waiting(self, group: str, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        self.asked.append((group, partitions))
        await asyncio.sleep(0)
        if isinstance(self.lag, Exception):
            raise self.lag
        return self.lag


@asynccontextmanager
async def watching(health: Health, connect: Connect) -> AsyncIterator[None]:
    task = asyncio.create_task(watch_lag(health, connect, every_s=0.001))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what it waits for is set by code that knows of no event
            await asyncio.sleep(0.001)


async def test_each_stage_is_told_the_lag_of_its_group() -> None:
    health, broker = Health([ASR, EXTRACT], stall_s=300), Scripted()
    broker.lag = {ZERO: 4}
    health.of(ASR).assigned([ZERO])
    async with watching(health, broker):
        await until(lambda: len(broker.asked) >= 4)
        assert health.of(ASR).lag == {ZERO: 4}
        assert {group for group, _ in broker.asked} == {ASR.group, EXTRACT.group}
    assert (broker.connections, broker.open) == (1, 0)


async def test_a_partition_that_is_taken_away_while_the_broker_is_asked_is_left_out() -> None:
    health, broker = Health([ASR], stall_s=300), Scripted()
    broker.lag = {ZERO: 4, ONE: 1}
    health.of(ASR).assigned([ZERO])
    async with watching(health, broker):
        await until(lambda: len(broker.asked) >= 2)
        assert health.of(ASR).lag == {ZERO: 4}


@pytest.mark.parametrize("error", [ConnectionError("refused"), TimeoutError(), KeyError("a fault of ours")])
async def test_whatever_goes_wrong_the_last_values_stay_and_the_watch_goes_on(error: Exception) -> None:
    health, broker = Health([ASR], stall_s=300), Scripted()
    broker.lag = {ZERO: 4}
    stage = health.of(ASR)
    stage.assigned([ZERO])
    async with watching(health, broker):
        await until(lambda: bool(stage.lag))
        broker.lag = error
        await until(lambda: health.broker is not None)
        assert stage.lag == {ZERO: 4}
        assert health.live().status == "degraded"
        assert type(error).__name__ in str(health.live().report)
        broker.lag = {ZERO: 9}
        await until(lambda: health.broker is None)
        assert stage.lag == {ZERO: 9}
        assert broker.connections >= 2, "after a failure it connects anew"


async def test_a_broker_that_is_away_is_known_to_be_away() -> None:
    health = Health([ASR], stall_s=300)
    nobody = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    async with watching(health, partial(offsets_on_kafka, nobody)):
        await until(lambda: health.broker is not None)
    assert health.broker is not None
    assert health.broker.dependency == "kafka"


@given(st.integers(-1, 50), st.integers(0, 50), st.integers(0, 50))
def test_what_waits_lies_between_what_is_committed_or_left_and_the_end(committed: int, first: int, more: int) -> None:
    end = first + more
    span = _Span.of(committed, first, end)
    assert first <= span.start <= span.end == end
    readable = [offset for offset in range(first, end) if offset >= committed]
    assert span.end - span.start == len(readable)


class Records:
    """Writes records to a topic of Kafka, and commits offsets of a group there."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._servers = settings.bootstrap_servers
        self._prefix = settings.topic_prefix

    async def create(self, partitions: int) -> None:
        from aiokafka.admin import AIOKafkaAdminClient, NewTopic

        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
        await admin.start()
        await admin.create_topics([NewTopic(self._prefix + RECORDINGS, partitions, 1)])
        await admin.close()

    async def write(self, count: int, *, transaction: bool = False) -> None:
        from aiokafka import AIOKafkaProducer

        options: dict[str, Any] = {"transactional_id": self._prefix} if transaction else {}
        producer = AIOKafkaProducer(bootstrap_servers=self._servers, **options)
        await producer.start()
        if transaction:
            await producer.begin_transaction()
        for _ in range(count):
            await producer.send(self._prefix + RECORDINGS, b"x", partition=0)
        if transaction:
            await producer.commit_transaction()
        await producer.stop()

    async def commit(self, offset: int) -> None:
        from aiokafka import AIOKafkaConsumer

        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers, group_id=self._prefix + ASR.group, enable_auto_commit=False
        )
        await consumer.start()
        consumer.assign([self._tp])
        await consumer.commit({self._tp: offset})
        await consumer.stop()

    async def delete_before(self, offset: int) -> None:
        from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
        await admin.start()
        await admin.delete_records({self._tp: RecordsToDelete(before_offset=offset)})
        await admin.close()

    @property
    def _tp(self) -> Any:
        from aiokafka import TopicPartition

        return TopicPartition(self._prefix + RECORDINGS, 0)


async def settled(offsets: Offsets) -> Mapping[Partition, int]:
    """What waits, after a second look at what stood still; a new broker needs a moment for its groups."""
    from aiokafka.errors import GroupCoordinatorNotAvailableError

    async with asyncio.timeout(30):
        while True:
            try:
                await offsets.waiting(ASR.group, [ZERO, ONE])
                return await offsets.waiting(ASR.group, [ZERO, ONE])
            except (GroupCoordinatorNotAvailableError, Retryable):
                await asyncio.sleep(0.2)


async def test_on_kafka_waiting_is_what_the_group_has_not_committed(kafka_settings: KafkaSettings) -> None:
    records = Records(kafka_settings)
    await records.create(2)
    await records.write(10)
    async with offsets_on_kafka(kafka_settings) as offsets:
        assert await settled(offsets) == {ZERO: 10, ONE: 0}
        await records.commit(4)
        assert await settled(offsets) == {ZERO: 6, ONE: 0}
        await records.write(5)
        assert await settled(offsets) == {ZERO: 11, ONE: 0}
        await records.commit(15)
        assert await settled(offsets) == {ZERO: 0, ONE: 0}
        assert await offsets.waiting(ASR.group, []) == {}


async def test_on_kafka_what_retention_has_deleted_does_not_wait(kafka_settings: KafkaSettings) -> None:
    records = Records(kafka_settings)
    await records.create(2)
    await records.write(10)
    await records.commit(2)
    await records.delete_before(7)
    async with offsets_on_kafka(kafka_settings) as offsets:
        assert await settled(offsets) == {ZERO: 3, ONE: 0}
        await records.delete_before(10)
        assert await settled(offsets) == {ZERO: 0, ONE: 0}


async def test_on_kafka_the_marker_of_a_transaction_does_not_wait_for_ever(kafka_settings: KafkaSettings) -> None:
    records = Records(kafka_settings)
    await records.create(2)
    await records.write(3, transaction=True)
    async with offsets_on_kafka(kafka_settings) as offsets:
        await records.commit(2)
        assert await settled(offsets) == {ZERO: 2, ONE: 0}, "a record and the marker behind it"
        await records.commit(3)
        assert await settled(offsets) == {ZERO: 0, ONE: 0}, "the marker alone, at offset 3"
        await records.write(1)
        assert await settled(offsets) == {ZERO: 2, ONE: 0}
