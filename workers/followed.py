"""Compacted topics that a process must know whole: read from their start, then followed; without a consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NoReturn, Protocol

import structlog

from pipeline.errors import ConvmineError
from pipeline.settings import KafkaSettings
from workers.edge import Edge
from workers.kafka_asking import error_of
from workers.kafka_security import aiokafka_options
from workers.records import Record

_REQUEST_MS: Final = 10_000
"""Milliseconds that the broker may take for one answer."""
_SILENCE_S: Final = 30.0
"""Seconds without a record, where some must come, after which the broker counts as away."""
CHECK_S: Final = 10.0
"""How often the broker is asked whether it is there: one that is away looks like one with nothing new."""
_PAUSE_S: Final = 2.0
"""Seconds until a broker that was away is asked again."""

log = structlog.get_logger()


class Followed(Protocol):
    """Records of some topics, those of a partition in order; those of a transaction when it has been committed."""

    async def whole(self) -> Sequence[Record]:
        """What the topics hold now.

        Raises:
            Retryable: the broker is away, or a topic is missing.
        """

    async def follow(self, take: Callable[[Record], None]) -> NoReturn:
        """Hand over what is added after ``whole``, as it comes; waits for a broker that is away."""


class FollowedOnKafka:
    """On Kafka.

    Tried on Kafka 4.1.1, also with topics that had been compacted: the end of a partition, for readers of what is
    committed, is where the first open transaction begins; the position goes past the markers that end transactions, and
    past what was given up, by itself.

    Args:
        settings: the broker.
        topics: ours, without the prefix.
        check_s: seconds between two questions whether the broker is there, and in which it must answer.
    """

    def __init__(self, settings: KafkaSettings, topics: Sequence[str], *, check_s: float = CHECK_S) -> None:
        self._settings = settings
        self._topics = tuple(topics)
        self._check_s = check_s
        self._next: dict[Any, int] = {}
        self._away = False

    async def whole(self) -> Sequence[Record]:
        records: list[Record] = []
        await self.each(records.append)
        return records

    async def each(self, take: Callable[[Record], None]) -> None:
        """Hand over what the topics hold now, one record after the other, for those that hold too much for memory.

        Raises:
            Retryable: the broker is away, or a topic is missing.
            Config: the broker does not let us in, or not read a topic.
        """
        from aiokafka.errors import KafkaError

        try:
            async with self._consumer() as consumer:
                await self._read_to_the_end(consumer, take)
        except (KafkaError, TimeoutError) as error:
            raise await error_of(self._settings, error) from error

    async def follow(self, take: Callable[[Record], None]) -> NoReturn:
        while True:
            try:
                async with self._consumer() as consumer:
                    while True:
                        await self._check(consumer)
                        await self._read_for(self._check_s, consumer, take)
            except Exception as error:  # noqa: BLE001 - whatever it is, who goes on with what he has must not end
                self._gone(error.message if isinstance(error, ConvmineError) else repr(error))
            await asyncio.sleep(_PAUSE_S)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[Any]:
        """A consumer of every partition that there is, where reading goes on."""
        from aiokafka import AIOKafkaConsumer, TopicPartition

        counts = await asyncio.to_thread(Edge(self._settings).partitions_of, self._topics)
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            request_timeout_ms=_REQUEST_MS,
        )
        prefix = self._settings.topic_prefix
        every = [TopicPartition(prefix + topic, n) for topic in self._topics for n in range(counts[topic])]
        try:
            await consumer.start()
            consumer.assign(every)
            starts = await consumer.beginning_offsets(every)
            for tp in every:
                consumer.seek(tp, max(starts[tp], self._next.get(tp, 0)))
            yield consumer
        finally:
            # As a task: stopped while the broker is away, aiokafka 0.14 raises CancelledError from tasks of its own.
            await asyncio.wait([asyncio.create_task(consumer.stop())])

    async def _read_to_the_end(self, consumer: Any, take: Callable[[Record], None]) -> None:  # noqa: ANN401 - aiokafka has no types
        ends = await consumer.end_offsets(consumer.assignment())
        unread, heard_at = set(ends), _now()
        while unread := {tp for tp in unread if await consumer.position(tp) < ends[tp]}:
            if await self._read_once(consumer, take):
                heard_at = _now()
            elif _now() - heard_at > _SILENCE_S:
                raise TimeoutError

    async def _read_for(self, seconds: float, consumer: Any, take: Callable[[Record], None]) -> None:  # noqa: ANN401 - likewise
        until = _now() + seconds
        while _now() < until:
            await self._read_once(consumer, take)

    async def _read_once(self, consumer: Any, take: Callable[[Record], None]) -> bool:  # noqa: ANN401 - likewise
        """Take what has come, waiting a little; whether anything had."""
        batches = await consumer.getmany(timeout_ms=500)
        for tp, batch in batches.items():
            topic = tp.topic.removeprefix(self._settings.topic_prefix)
            for raw in batch:
                take(Record(topic, tp.partition, raw.offset, raw.key, raw.value, tuple(raw.headers or ())))
                self._next[tp] = raw.offset + 1
        return bool(batches)

    async def _check(self, consumer: Any) -> None:  # noqa: ANN401 - likewise
        """Say when the broker goes and when it is back; while it is away the consumer tries by itself to come back."""
        from aiokafka.errors import KafkaError

        try:
            async with asyncio.timeout(self._check_s):
                await consumer.end_offsets(consumer.assignment())
        except (KafkaError, TimeoutError) as error:
            self._gone(f"the broker does not answer: {type(error).__name__}")
            return
        if self._away:
            log.warning("topics are followed again", topics=self._topics)
        self._away = False

    def _gone(self, reason: str) -> None:
        if not self._away:
            log.warning("topics are not followed: going on with what was read", topics=self._topics, reason=reason)
        self._away = True


def _now() -> float:
    return asyncio.get_running_loop().time()
