"""The broker as a benchmark sees it, on kafka-python: topics to fill, and when what was written arrived.

Topics are stamped by the broker (``LogAppendTime``): the times of all contenders come from one clock, and no process
that is measured has to keep any.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Final, Self
from uuid import uuid4

from workers.records import NewRecord

_AT_ONCE: Final = 50_000
"""Records that wait for their confirmation: a million would take a gigabyte."""


class Broker(AbstractContextManager["Broker"]):
    """Topics of one run, under a prefix of its own; they are deleted at the end."""

    def __init__(self, servers: str) -> None:
        self.servers = servers
        self.prefix = f"bench{uuid4().hex[:8]}."
        self._topics: list[str] = []

    def __enter__(self) -> Self:
        from kafka import KafkaAdminClient

        self._admin: Any = KafkaAdminClient(bootstrap_servers=self.servers)
        return self

    def __exit__(self, *_error: object) -> None:
        self._admin.delete_topics(self._topics)
        self._admin.close()

    def create(self, name: str, partitions: int) -> str:
        """Create a topic whose records the broker stamps when it appends them; its full name."""
        topic = self.prefix + name
        options = {"num_partitions": partitions, "configs": {"message.timestamp.type": "LogAppendTime"}}
        self._admin.create_topics({topic: options}, wait_for_metadata=True)
        self._topics.append(topic)
        return topic

    def fill(self, topic: str, records: Iterable[NewRecord]) -> None:
        """Write records and wait until all are confirmed."""
        asyncio.run(self._fill(topic, records))

    async def _fill(self, topic: str, records: Iterable[NewRecord]) -> None:
        from aiokafka import AIOKafkaProducer

        async with AIOKafkaProducer(bootstrap_servers=self.servers, linger_ms=20, max_batch_size=200_000) as producer:
            rest = iter(records)
            while pending := [
                await producer.send(topic, key=record.key, value=record.value, headers=list(record.headers))
                for record in islice(rest, _AT_ONCE)
            ]:
                await asyncio.gather(*pending)

    def counts(self, topic: str) -> list[int]:
        """Records of each partition, in their order."""
        from kafka.admin import OffsetSpec

        partitions = self._partitions(topic)
        found = self._admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        return [found[partition].offset for partition in partitions]

    def append_times(self, topic: str) -> list[int]:
        """When the broker appended each record of a topic, in milliseconds since 1970, oldest first."""
        return sorted(record.timestamp for record in self.records(topic))

    def records(self, topic: str) -> Iterator[Any]:
        """What a topic holds now, as kafka-python reads it; in order within a partition."""
        from kafka import KafkaConsumer

        consumer = KafkaConsumer(bootstrap_servers=self.servers, enable_auto_commit=False, check_crcs=False)
        try:
            partitions = self._partitions(topic)
            ends = consumer.end_offsets(partitions)
            consumer.assign(partitions)
            for partition in partitions:
                consumer.seek(partition, 0)
            while any(consumer.position(partition) < ends[partition] for partition in partitions):
                for batch in consumer.poll(timeout_ms=500, max_records=5_000).values():
                    yield from batch
        finally:
            consumer.close()

    def committed(self, group: str, topic: str) -> int:
        """How many records of a topic a group has committed."""
        return sum(self._committed(group, self._partitions(topic)).values())

    def members(self, group: str) -> list[dict[str, list[int]]]:
        """What each member of a group has: partitions by topic; nobody while the group is still dividing them."""
        from kafka.errors import CoordinatorNotAvailableError

        try:
            group_is = self._admin.describe_groups([group])[group]
        except CoordinatorNotAvailableError:  # before the first request of any group there is none
            return []
        if group_is["group_state"] != "Stable":
            return []
        assignments = [member["member_assignment"]["assigned_partitions"] for member in group_is["members"]]
        return [{part["topic"]: sorted(part["partitions"]) for part in one} for one in assignments]

    def waiting(self, group: str, topic: str) -> dict[int, int]:
        """How many records of each partition a group has not committed."""
        partitions = self._partitions(topic)
        committed = self._committed(group, partitions)
        return {
            partition.partition: count - committed.get(partition, 0)
            for partition, count in zip(partitions, self.counts(topic), strict=True)
        }

    def _committed(self, group: str, partitions: Sequence[Any]) -> dict[Any, int]:
        found = self._admin.list_group_offsets({group: partitions})[group]
        return {partition: max(0, getattr(offset, "offset", offset)) for partition, offset in found.items()}

    def _partitions(self, topic: str) -> Sequence[Any]:
        from kafka import TopicPartition

        (described,) = self._admin.describe_topics([topic])
        return [TopicPartition(topic, number) for number in range(len(described["partitions"]))]
