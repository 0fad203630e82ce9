"""Several topics read back as one stream: each partition in its order, and all of them by when records were written."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import Any, Final

from pipeline.errors import Retryable
from pipeline.settings import KafkaSettings
from workers.edge import Partition, Spans
from workers.kafka_refusals import refusal_in
from workers.kafka_security import aiokafka_options
from workers.records import Record

_FETCH_BYTES: Final = 512_000
"""Of one partition at a time, but for a single record that is larger: ten topics have many partitions."""
_WAIT_MS: Final = 500
_SILENCE_S: Final = 30.0
"""Seconds without a record, where some must come, after which the broker counts as away."""


class ByTime:
    """Merges partitions by the times of their records.

    A record is given out when each partition that has not ended has one waiting, so that nothing older can come. Events
    of one call stand in several topics: in the order of time they come as they came to the stage that handled them.
    """

    def __init__(self, places: Iterable[Partition]) -> None:
        self._waiting: dict[Partition, deque[Record]] = {place: deque() for place in places}
        self._heads: list[tuple[int, Partition]] = []
        self._ended: set[Partition] = set()

    @property
    def lacking(self) -> list[Partition]:
        """The partitions whose next record must be known before anything is given out; none at the end."""
        return [place for place, waiting in self._waiting.items() if not waiting]

    def add(self, place: Partition, records: Sequence[Record]) -> None:
        """The next records of a partition that has not ended."""
        waiting = self._waiting[place]
        if records and not waiting:
            heappush(self._heads, (_written_ms(records[0]), place))
        waiting.extend(records)

    def end(self, place: Partition) -> None:
        """Nothing follows in this partition."""
        self._ended.add(place)
        self._let_go(place)

    def ready(self) -> Iterator[Record]:
        """What can be given out now, in order."""
        while self._heads and len(self._heads) == len(self._waiting):
            _, place = heappop(self._heads)
            waiting = self._waiting[place]
            record = waiting.popleft()
            if waiting:
                heappush(self._heads, (_written_ms(waiting[0]), place))
            else:
                self._let_go(place)
            yield record

    def _let_go(self, place: Partition) -> None:
        if place in self._ended and not self._waiting[place]:
            del self._waiting[place]


async def records_on_kafka(settings: KafkaSettings, spans: Spans) -> AsyncGenerator[Record, None]:
    """The committed records of these spans, ``ByTime``; without a consumer group. Holds a fetch or two a partition.

    Raises:
        Retryable: the broker is away.
    """
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.errors import KafkaError

    tps = {place: TopicPartition(settings.topic_prefix + place[0], place[1]) for place, span in spans.items() if span}
    if not tps:
        return
    consumer = AIOKafkaConsumer(
        **aiokafka_options(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # what retention takes away meanwhile is passed over
        isolation_level="read_committed",
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
    try:
        await consumer.start()
        consumer.assign(list(tps.values()))
        for place, tp in tps.items():
            consumer.seek(tp, spans[place].start)
        order = ByTime(tps)
        while lacking := order.lacking:
            async with asyncio.timeout(_SILENCE_S):
                while not await _fill(consumer, order, {place: (tps[place], spans[place]) for place in lacking}):
                    pass
            for record in order.ready():
                yield record
    except (KafkaError, TimeoutError) as error:
        away = f"Kafka at {settings.bootstrap_servers} cannot be read: {type(error).__name__}"
        raise refusal_in(settings, error) or Retryable(away, dependency="kafka") from error
    finally:
        # As a task: stopped while the broker is away, aiokafka 0.14 raises CancelledError from tasks of its own.
        await asyncio.wait([asyncio.create_task(consumer.stop())])


async def _fill(consumer: Any, order: ByTime, lacking: dict[Partition, tuple[Any, range]]) -> bool:  # noqa: ANN401 - aiokafka has no types
    """Take what has come of these partitions, waiting a little; whether anything had, or one has ended."""
    batches = await consumer.getmany(*(tp for tp, _ in lacking.values()), timeout_ms=_WAIT_MS)
    ended = False
    for place, (tp, span) in lacking.items():
        order.add(place, [_record(place, raw) for raw in batches.get(tp, ()) if raw.offset < span.stop])
        if await consumer.position(tp) >= span.stop:
            order.end(place)
            ended = True
    return bool(batches) or ended


def _record(place: Partition, raw: Any) -> Record:  # noqa: ANN401 - likewise
    return Record(*place, raw.offset, raw.key, raw.value, tuple(raw.headers or ()), raw.timestamp)


def _written_ms(record: Record) -> int:
    return record.timestamp_ms or 0
