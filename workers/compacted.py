"""Reading a compacted topic back, from its start to its present end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from pipeline.errors import Retryable
from pipeline.settings import KafkaSettings
from workers.kafka_refusals import refusal_in
from workers.kafka_security import aiokafka_options
from workers.records import Record

ReadBack = Callable[[str, int], AsyncIterator[Record]]
"""The records of one topic and partition, oldest first; ends where the topic ended when it was asked.

Raises:
    Retryable: the broker is away.
    Config: it does not let us read the topic.
"""


def read_back_on_kafka(settings: KafkaSettings) -> ReadBack:
    """From Kafka.

    The offsets are asked for and sought by name: ``seek_to_beginning`` after ``end_offsets`` stays at the end
    (aiokafka 0.14, measured).
    """

    async def read(topic: str, partition: int) -> AsyncIterator[Record]:
        from aiokafka import AIOKafkaConsumer, TopicPartition
        from aiokafka.errors import KafkaError

        tp = TopicPartition(settings.topic_prefix + topic, partition)
        consumer = AIOKafkaConsumer(**aiokafka_options(settings), enable_auto_commit=False)
        try:
            await consumer.start()
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            consumer.seek(tp, (await consumer.beginning_offsets([tp]))[tp])
            async for raw in _until(consumer, tp, end):
                yield Record(topic, partition, raw.offset, raw.key, raw.value, tuple(raw.headers or ()))
        except KafkaError as error:
            away = Retryable(f"{topic} cannot be read back: {type(error).__name__}", dependency="kafka")
            raise refusal_in(settings, error) or away from error
        finally:
            await consumer.stop()

    return read


async def _until(consumer: Any, tp: Any, end: int) -> AsyncIterator[Any]:  # noqa: ANN401 - aiokafka ships no types
    while await consumer.position(tp) < end:
        for record in (await consumer.getmany(tp, timeout_ms=1_000)).get(tp, ()):
            yield record
