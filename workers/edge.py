"""Kafka from the outside, on kafka-python: create topics, publish, watch, and see how far the stages are behind."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ConvmineError, Poison, Retryable
from pipeline.settings import KafkaSettings
from pipeline.stages import STAGES, TOPICS, Topic
from workers.records import NewRecord, Record, largest_record


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a stage is behind in one partition; ``committed`` is None where it has never done anything there."""

    stage: str
    lane: str
    topic: str
    partition: int
    committed: int | None
    end: int

    @property
    def behind(self) -> int:
        return self.end - (self.committed or 0)


class Edge:
    """One broker, seen from the command line."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        # What goes wrong is raised as an error of ours; the client would tell it in dozens of lines besides.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)

    def apply_topics(self) -> dict[str, str]:
        """Create the topics that are missing; what was done for each: ``created``, or ``exists``."""
        with self._admin() as admin:
            there = set(admin.list_topics())
            missing = [topic for topic in TOPICS if self._name(topic.name) not in there]
            if missing:
                wanted = {self._name(topic.name): self._options(topic) for topic in missing}
                admin.create_topics(wanted, wait_for_metadata=True)
        names = {topic.name for topic in missing}
        return {topic.name: "created" if topic.name in names else "exists" for topic in TOPICS}

    def topics(self) -> dict[str, int]:
        """Partitions of each of our topics; 0 for one that is missing."""
        names = {self._name(topic.name): topic.name for topic in TOPICS}
        with self._admin() as admin:
            there = [name for name in admin.list_topics() if name in names]
            described = admin.describe_topics(there) if there else []
        counts = {names[str(topic["name"])]: len(topic["partitions"]) for topic in described}
        return {topic.name: counts.get(topic.name, 0) for topic in TOPICS}

    def lag(self) -> list[Lag]:
        """How far each stage is behind, partition by partition, for the topics that exist."""
        from kafka import TopicPartition

        partitions = self.topics()
        with self._admin() as admin:
            rows: list[Lag] = []
            for stage in STAGES:
                tps = {TopicPartition(self._name(t), n): (t, n) for t in stage.reads for n in range(partitions[t])}
                if not tps:
                    continue
                ends = _offsets(admin, list(tps), "LATEST")
                committed = self._committed(admin, stage.group, list(tps))
                for tp, (topic, number) in tps.items():
                    offset = _offset(committed.get(tp))
                    rows.append(Lag(stage.name, str(stage.lane), topic, number, offset, ends[tp]))
        return rows

    def publish(self, records: Sequence[NewRecord]) -> list[tuple[str, int, int]]:
        """Write records with an idempotent producer; topic, partition and offset of each once confirmed."""
        from kafka import KafkaProducer
        from kafka.errors import MessageSizeTooLargeError

        with self._translated():
            producer = KafkaProducer(
                bootstrap_servers=self._servers(),
                acks="all",
                enable_idempotence=True,
                max_request_size=largest_record(self._settings),
            )
            try:
                pending = [
                    producer.send(
                        self._name(record.topic),
                        key=record.key,
                        value=record.value,
                        headers=list(record.headers),
                        partition=record.partition,
                    )
                    for record in records
                ]
                sent = [future.get(timeout=30) for future in pending]
            except MessageSizeTooLargeError as error:
                raise Poison(f"larger than a message may be: {error}") from error
            finally:
                producer.close()
        return [(record.topic, done.partition, done.offset) for record, done in zip(records, sent, strict=True)]

    def tail(self, topic: str, *, from_start: bool, follow: bool) -> Iterator[Record]:
        """The records of a topic; from now on, or from the start; to its present end, or for ever."""
        from kafka import TopicPartition

        with self._consumer() as consumer:
            numbers = consumer.partitions_for_topic(self._name(topic))
            if not numbers:
                raise ConvmineError(f"there is no topic {topic}", hint="convmine topics list, convmine topics apply")
            tps = [TopicPartition(self._name(topic), number) for number in sorted(numbers)]
            consumer.assign(tps)
            with self._admin() as admin:
                ends = _offsets(admin, tps, "LATEST")
                starts = _offsets(admin, tps, "EARLIEST") if from_start else ends
            for tp in tps:
                consumer.seek(tp, starts[tp])
            while follow or any(consumer.position(tp) < ends[tp] for tp in tps):
                for batch in consumer.poll(timeout_ms=500).values():
                    for raw in batch:
                        yield Record(topic, raw.partition, raw.offset, raw.key, raw.value, tuple(raw.headers or ()))

    def _committed(self, admin: Any, group: str, tps: list[Any]) -> Mapping[Any, object]:  # noqa: ANN401 - no types
        from kafka.errors import CoordinatorNotAvailableError

        try:
            return dict(admin.list_group_offsets({self._name(group): tps})[self._name(group)])
        except CoordinatorNotAvailableError:  # a new broker makes its offsets topic when it is first asked
            return {}

    def _name(self, name: str) -> str:
        return self._settings.topic_prefix + name

    def _servers(self) -> list[str]:
        return self._settings.bootstrap_servers.split(",")

    def _options(self, topic: Topic) -> Mapping[str, Any]:
        kind = {"cleanup.policy": "compact"} if topic.compacted else {"retention.ms": str(topic.retention_ms)}
        kind["max.message.bytes"] = str(largest_record(self._settings, topic.name))
        return {
            "num_partitions": self._settings.partitions,
            "replication_factor": self._settings.replication,
            "configs": kind,
        }

    @contextmanager
    def _admin(self) -> Iterator[Any]:
        from kafka import KafkaAdminClient

        with self._translated():
            admin = KafkaAdminClient(bootstrap_servers=self._servers(), bootstrap_timeout_ms=5_000)
            try:
                yield admin
            finally:
                admin.close()

    @contextmanager
    def _consumer(self) -> Iterator[Any]:
        from kafka import KafkaConsumer

        with self._translated():
            consumer = KafkaConsumer(
                bootstrap_servers=self._servers(), bootstrap_timeout_ms=5_000, enable_auto_commit=False
            )
            try:
                yield consumer
            finally:
                consumer.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from kafka.errors import KafkaError, KafkaTimeoutError

        try:
            yield
        except KafkaTimeoutError as error:
            raise Retryable(
                f"Kafka at {self._settings.bootstrap_servers} does not answer",
                dependency="kafka",
                hint="set KAFKA_BOOTSTRAP_SERVERS, or start one with scripts/kafka-local",
            ) from error
        except KafkaError as error:
            raise ConvmineError(f"Kafka refuses: {error}") from error


def _offsets(admin: Any, tps: Sequence[Any], which: str) -> dict[Any, int]:  # noqa: ANN401 - kafka-python has no types
    from kafka.admin import OffsetSpec

    found = admin.list_partition_offsets(dict.fromkeys(tps, getattr(OffsetSpec, which)))
    return {tp: found[tp].offset for tp in tps}


def _offset(committed: object) -> int | None:
    offset = getattr(committed, "offset", committed)
    return offset if isinstance(offset, int) and offset >= 0 else None
