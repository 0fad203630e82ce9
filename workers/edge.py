"""Kafka from the outside, on kafka-python: create topics, publish, watch, and see how far the stages are behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pipeline.errors import ConvmineError, Poison, Retryable
from pipeline.settings import KafkaSettings
from pipeline.stages import HOUR, STAGES, TOPICS, Stage, Topic
from workers.kafka_clients import BOOTSTRAP_MS, admin_client, consumer_client, translated
from workers.kafka_refusals import HIDDEN, not_allowed
from workers.kafka_security import kafka_python_options
from workers.records import NewRecord, Record, largest_record

_UNCOMPACTED_MS: Final = HOUR
"""So long no record is compacted away: until then a reader still finds the record with the higher offset when a worker
that was left behind wrote an older state after it, however the two follow each other.
"""
_SEGMENTS: Final = 24
"""Kafka deletes whole segments, so a record may outlive its retention by as long as a segment is written to: this part
of it, instead of the week that is Kafka's default.
"""
_FETCH_BYTES: Final = 8_000_000
"""The most that one fetch brings, but for a single record that is larger: bounds what a reader of many holds."""
_SILENCE_S: Final = 30.0
"""Seconds without a record, where some must come, after which the broker counts as away."""
_COORDINATOR_ASKED: Final = 10
_COORDINATOR_S: Final = 0.5
"""Seconds between two questions to a group's coordinator that is not ready, and how often it is asked."""
_LOOKED_AT: Final = 16
"""Where no more offsets wait, they are looked at: the marker that ends a transaction has one, too, and is no event."""

Partition = tuple[str, int]
"""A topic and the number of one of its partitions."""
Spans = Mapping[Partition, range]
"""For each partition, the offsets that are meant."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a stage is behind in one partition; ``committed`` is None where it has never done anything there."""

    stage: str
    lane: str
    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    behind: int

    @property
    def place(self) -> Partition:
        return self.topic, self.partition


class Edge:
    """One broker, seen from the command line."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings

    def apply_topics(self) -> dict[str, str]:
        """Create the topics that are missing; what was done for each: ``created``, or ``exists``."""
        there = self.topics()
        wanted = {self._name(topic.name): self._options(topic) for topic in TOPICS if not there[topic.name]}
        if wanted:
            with admin_client(self._settings) as admin:
                admin.create_topics(wanted, wait_for_metadata=True)
        return {name: "exists" if partitions else "created" for name, partitions in there.items()}

    def topics(self) -> dict[str, int]:
        """Partitions of each of our topics; 0 for one that is missing."""
        names = {self._name(topic.name): topic.name for topic in TOPICS}
        with admin_client(self._settings) as admin:
            described = admin.describe_topics(list(names))
        counts = {names[str(topic["name"])]: len(topic["partitions"]) for topic in described}
        return {topic.name: counts.get(topic.name, 0) for topic in TOPICS}

    def partitions_of(self, topics: Sequence[str]) -> dict[str, int]:
        """Partitions of these topics of ours, which must be there.

        Raises:
            Config: we may not see one of them.
            Retryable: one does not exist.
        """
        names = {self._name(topic): topic for topic in topics}
        with admin_client(self._settings) as admin:
            described = admin.describe_topics(list(names))
        found = {names[str(topic["name"])]: topic for topic in described}
        if hidden := [topic for topic in topics if found.get(topic, {}).get("error_code") == HIDDEN]:
            raise not_allowed(self._settings, f"may not see the topic {', '.join(hidden)}")
        if missing := [topic for topic in topics if not found.get(topic, {}).get("partitions")]:
            raise Retryable(
                f"Kafka at {self._settings.bootstrap_servers} has no topic {', '.join(missing)}",
                dependency="kafka",
                hint="run: convmine topics apply",
            )
        return {topic: len(found[topic]["partitions"]) for topic in topics}

    def lag(self, stages: Sequence[Stage] = STAGES) -> list[Lag]:
        """How far these stages are behind, partition by partition, for the topics that exist.

        What was deleted before a stage came to it does not wait for it.
        """
        whole = self.spans(dict.fromkeys(topic for stage in stages for topic in stage.reads), settled=False)
        rows: list[Lag] = []
        with admin_client(self._settings) as admin:
            for stage in stages:
                mine = {place: span for place, span in whole.items() if place[0] in stage.reads}
                for place, offset in self._committed(admin, stage.group, list(mine)).items():
                    start, end = max(offset or 0, mine[place].start), mine[place].stop
                    behind = max(0, end - start)
                    rows.append(Lag(stage.name, str(stage.lane), stage.group, *place, offset, end, behind))
        last = self._last_records(rows)
        return [replace(row, behind=0) if _only_markers(row, last) else row for row in rows]

    def check_group(self, stage: Stage) -> None:
        """Ask for what a stage has done, as its worker will.

        Raises:
            Config: we may not use its consumer group.
        """
        with admin_client(self._settings) as admin:
            self._committed(admin, stage.group, [(topic, 0) for topic in stage.reads])

    def spans(self, topics: Iterable[str], *, since: datetime | None = None, settled: bool = True) -> Spans:
        """The offsets that each partition of these topics holds now; there are none of a topic that does not exist.

        Args:
            topics: topics of ours.
            since: leave out what was written before the first record that has this time or a later one.
            settled: leave out what comes after the start of a transaction that has not ended.
        """
        from kafka import IsolationLevel, TopicPartition
        from kafka.admin import OffsetSpec

        counts = self.topics()
        tps = {TopicPartition(self._name(topic), n): (topic, n) for topic in topics for n in range(counts[topic])}
        if not tps:
            return {}
        first = OffsetSpec.EARLIEST if since is None else max(0, int(since.timestamp() * 1_000))
        level = IsolationLevel.READ_COMMITTED if settled else IsolationLevel.READ_UNCOMMITTED
        with admin_client(self._settings) as admin:
            ends = admin.list_partition_offsets(dict.fromkeys(tps, OffsetSpec.LATEST), isolation_level=level)
            starts = admin.list_partition_offsets(dict.fromkeys(tps, first))
        found = {place: (starts[tp].offset, ends[tp].offset) for tp, place in tps.items()}
        return {place: range(end if start < 0 else start, end) for place, (start, end) in found.items()}

    def read(self, spans: Spans, *, settled: bool = True, checked: bool = False) -> Iterator[Record]:
        """The records in these spans, those of a partition in order; memory for a few, however many there are.

        Args:
            spans: what to read; offsets that are gone, or that mark the end of a transaction, are passed over.
            settled: leave out what a transaction wrote that was given up; spans must then end where ``spans`` says.
            checked: compare checksums, which takes seven times as long.
        """
        from kafka import TopicPartition
        from kafka.errors import KafkaTimeoutError

        tps = {TopicPartition(self._name(topic), n): (topic, span) for (topic, n), span in spans.items() if span}
        options = {
            "auto_offset_reset": "earliest",
            "check_crcs": checked,
            "fetch_max_bytes": _FETCH_BYTES,
            "isolation_level": "read_committed" if settled else "read_uncommitted",
        }
        if not tps:
            return
        with consumer_client(self._settings, **options) as consumer:
            consumer.assign(list(tps))
            for tp, (_topic, span) in tps.items():
                consumer.seek(tp, span.start)
            unread, silent_s = set(tps), 0.0
            while unread:
                asked = time.monotonic()
                batches = consumer.poll(timeout_ms=200)
                ended = {tp for tp in unread if consumer.position(tp) >= tps[tp][1].stop}
                silent_s = 0.0 if batches or ended else silent_s + time.monotonic() - asked
                if silent_s > _SILENCE_S:
                    raise KafkaTimeoutError
                consumer.pause(*ended)
                unread -= ended
                for tp, batch in batches.items():
                    topic, span = tps[tp]
                    yield from (_record(topic, raw) for raw in batch if raw.offset in span)

    def publish(self, records: Sequence[NewRecord]) -> list[tuple[str, int, int]]:
        """Write records with an idempotent producer; topic, partition and offset of each once confirmed."""
        with self.publishing() as publish:
            return publish(records)

    @contextmanager
    def publishing(self) -> Iterator[Callable[[Sequence[NewRecord]], list[tuple[str, int, int]]]]:
        """What ``publish`` does, again and again with one producer."""
        from kafka import KafkaProducer
        from kafka.errors import MessageSizeTooLargeError

        def publish(records: Sequence[NewRecord]) -> list[tuple[str, int, int]]:
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
            return [(record.topic, done.partition, done.offset) for record, done in zip(records, sent, strict=True)]

        with translated(self._settings):
            producer = KafkaProducer(
                **kafka_python_options(self._settings),
                bootstrap_timeout_ms=BOOTSTRAP_MS,
                acks="all",
                enable_idempotence=True,
                max_request_size=largest_record(self._settings),
            )
            try:
                yield publish
            except MessageSizeTooLargeError as error:
                raise Poison(f"larger than a message may be: {error}") from error
            finally:
                producer.close()

    def tail(self, topic: str, *, from_start: bool, follow: bool) -> Iterator[Record]:
        """The records of a topic; from now on, or from the start; to its present end, or for ever."""
        from kafka import TopicPartition

        with consumer_client(self._settings) as consumer:
            numbers = consumer.partitions_for_topic(self._name(topic))
            if not numbers:
                raise ConvmineError(f"there is no topic {topic}", hint="convmine topics list, convmine topics apply")
            tps = [TopicPartition(self._name(topic), number) for number in sorted(numbers)]
            consumer.assign(tps)
            with admin_client(self._settings) as admin:
                ends = _offsets(admin, tps, "LATEST")
                starts = _offsets(admin, tps, "EARLIEST") if from_start else ends
            for tp in tps:
                consumer.seek(tp, starts[tp])
            while follow or any(consumer.position(tp) < ends[tp] for tp in tps):
                for batch in consumer.poll(timeout_ms=500).values():
                    for raw in batch:
                        yield _record(topic, raw)

    def _committed(self, admin: Any, group: str, places: Sequence[Partition]) -> dict[Partition, int | None]:  # noqa: ANN401 - no types
        from kafka import TopicPartition
        from kafka.errors import CoordinatorNotAvailableError

        if not places:
            return {}
        tps = [TopicPartition(self._name(topic), number) for topic, number in places]
        try:
            found = dict(_of_coordinator(lambda: admin.list_group_offsets({self._name(group): tps})[self._name(group)]))
        except CoordinatorNotAvailableError:  # a new broker makes its offsets topic when it is first asked
            found = {}
        return {place: _offset(found.get(tp)) for place, tp in zip(places, tps, strict=True)}

    def _last_records(self, rows: Iterable[Lag]) -> dict[Partition, int]:
        """The last offset with a record on it in each partition where only a few wait; -1 where none has."""
        few = [row for row in rows if 0 < row.behind <= _LOOKED_AT]
        spans = {
            row.place: range(min(one.end - one.behind for one in few if one.place == row.place), row.end) for row in few
        }
        last = dict.fromkeys(spans, -1)
        if spans:
            last |= {(record.topic, record.partition): record.offset for record in self.read(spans, settled=False)}
        return last

    def _name(self, name: str) -> str:
        return self._settings.topic_prefix + name

    def _options(self, topic: Topic) -> Mapping[str, Any]:
        policies = ["compact"] * topic.compacted + ["delete"] * (topic.retention_ms is not None)
        kind = {
            "cleanup.policy": ",".join(policies),
            "max.message.bytes": str(largest_record(self._settings, topic.name)),
        }
        if topic.retention_ms is not None:
            kind["retention.ms"] = str(topic.retention_ms)
            kind["segment.ms"] = str(max(HOUR, topic.retention_ms // _SEGMENTS))
        if topic.compacted:
            kind["min.compaction.lag.ms"] = str(_UNCOMPACTED_MS)
            # What is still written to is not compacted: for a week, by default, and such a topic is read whole.
            kind.setdefault("segment.ms", str(_UNCOMPACTED_MS))
        return {
            "num_partitions": self._settings.partitions,
            "replication_factor": self._settings.replication,
            "configs": kind,
        }


def _of_coordinator(ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - likewise
    """What a group's coordinator says; one that has just been made, or has moved, is given a few seconds."""
    from kafka.errors import CoordinatorLoadInProgressError, NotCoordinatorError

    for _ in range(_COORDINATOR_ASKED):
        try:
            return ask()
        except (CoordinatorLoadInProgressError, NotCoordinatorError):
            time.sleep(_COORDINATOR_S)
    return ask()


def _record(topic: str, raw: Any) -> Record:  # noqa: ANN401 - kafka-python has no types
    """A record as we carry it; a header without a value is as good as one with an empty one."""
    headers = tuple((name, value or b"") for name, value in raw.headers or ())
    return Record(topic, raw.partition, raw.offset, raw.key, raw.value, headers, raw.timestamp)


def _only_markers(row: Lag, last: Mapping[Partition, int]) -> bool:
    return 0 < row.behind <= _LOOKED_AT and last[row.place] < row.end - row.behind


def _offsets(admin: Any, tps: Sequence[Any], which: str) -> dict[Any, int]:  # noqa: ANN401 - kafka-python has no types
    from kafka.admin import OffsetSpec

    found = admin.list_partition_offsets(dict.fromkeys(tps, getattr(OffsetSpec, which)))
    return {tp: found[tp].offset for tp in tps}


def _offset(committed: object) -> int | None:
    offset = getattr(committed, "offset", committed)
    return offset if isinstance(offset, int) and offset >= 0 else None
