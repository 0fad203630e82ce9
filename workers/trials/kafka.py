"""Kafka tried: a record there and back, topics as we want them, a worker for each stage, and no dead letters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from pipeline.errors import ConvmineError
from pipeline.settings import KafkaSettings, Settings
from pipeline.stages import STAGES, TOPICS, Stage
from workers.diagnosis import Finding
from workers.edge import Edge, Lag
from workers.kafka_clients import admin_client
from workers.records import NewRecord
from workers.trials.trial import tried

_EVERY: Final = tuple(dict.fromkeys(stage.name for stage in STAGES))
_CLOCKS_APART_S: Final = 2.0
"""So far this machine's clock may be from the broker's: more, and delays that are measured across them mislead."""
TRIED: Final = "doctor."
"""What the name of the topic begins with that is made and deleted again."""


def try_kafka(settings: Settings) -> Iterator[Finding]:
    """A record there and back; if that works, topics, workers and dead letters.

    A broker that no setting names need not be there: that it is away is no fault of the installation.
    """
    if "bootstrap_servers" not in settings.kafka.model_fields_set:
        try:
            Edge(settings.kafka).topics()
        except ConvmineError as error:
            yield Finding("kafka record", "unused", error.message, _EVERY, error.hint or "")
            return
    there_and_back = tried("kafka record", _EVERY, lambda: _there_and_back(settings.kafka))
    yield there_and_back
    if there_and_back.state == "ok":
        yield tried("kafka topics", _EVERY, lambda: _topics(settings.kafka))
        yield from _workers(settings.kafka)
        yield tried("dead letters", (), lambda: _dead_letters(settings.kafka))


def unlike(wanted: Mapping[str, bool], found: Mapping[str, str]) -> list[str]:
    """The topics that forget what must be kept, or keep what is to be forgotten.

    Args:
        wanted: by topic, whether its latest record of each key is kept (compacted).
        found: by topic, the ``cleanup.policy`` that it has; a topic that is missing is somebody else's finding.
    """
    return [name for name, kept in wanted.items() if name in found and ("compact" in found[name].split(",")) != kept]


def stage_finding(stage: Stage, rows: Iterable[Lag], members: int) -> Finding:
    """A stage by its workers and what waits for it; that something waits and nobody works is broken."""
    behind = sum(row.behind for row in rows if (row.stage, row.lane) == (stage.name, str(stage.lane)))
    part = f"{stage.name} {stage.lane}"
    detail = f"{members} {'worker' if members == 1 else 'workers'}, {behind} events wait"
    if members:
        return Finding(part, "ok", detail, (stage.name,))
    fix = f"convmine worker {stage.name} --lane {stage.lane}"
    return Finding(part, "broken" if behind else "unused", detail, (stage.name,), fix)


def _there_and_back(settings: KafkaSettings) -> str:
    name = f"{TRIED}{uuid4().hex[:12]}"
    topic = settings.topic_prefix + name
    stamped = {"message.timestamp.type": "LogAppendTime", "retention.ms": "60000"}
    edge = Edge(settings)
    with admin_client(settings) as admin:
        options = {"num_partitions": 1, "replication_factor": settings.replication, "configs": stamped}
        admin.create_topics({topic: options}, wait_for_metadata=True)
        try:
            edge.publish([NewRecord(name, b"doctor", b"{}", ())])
            record = next(edge.tail(name, from_start=True, follow=False), None)
        finally:
            admin.delete_topics([topic])
    if record is None or record.timestamp_ms is None:
        raise ConvmineError("what was just written is not read back", hint="look at the broker's log")
    apart_s = abs(datetime.now(UTC).timestamp() - record.timestamp_ms / 1_000)
    if apart_s > _CLOCKS_APART_S:
        raise ConvmineError(f"the broker's clock is {apart_s:.0f} s away", hint="set both by the same time server")
    return f"written and read back, replication factor {settings.replication}"


def _topics(settings: KafkaSettings) -> str:
    wanted = {topic.name: topic.compacted for topic in TOPICS}
    found = _policies(settings, list(wanted))
    if wrong := unlike(wanted, found):
        raise ConvmineError(
            f"cleanup.policy is not as it must be: {', '.join(f'{name} has {found[name]}' for name in wrong)}",
            hint="kafka-configs.sh --alter, or delete an empty topic and run `convmine topics apply`",
        )
    counts = Edge(settings).topics()
    if uneven := [stage for stage in STAGES if len({counts[topic] for topic in _together(stage)} - {0}) > 1]:
        raise ConvmineError(
            "topics that a stage reads side by side have different numbers of partitions: "
            + ", ".join(f"{stage.name} {stage.lane}" for stage in uneven),
            hint="give them the same number with kafka-topics.sh --alter",
        )
    return f"{len(found)} topics kept as they must be"


def _together(stage: Stage) -> tuple[str, ...]:
    """What must be divided alike: a stage's state lies beside its input."""
    return (*stage.reads, stage.state_topic) if stage.remembers else ()


def _policies(settings: KafkaSettings, names: Sequence[str]) -> dict[str, str]:
    from kafka.admin import ConfigResource, ConfigResourceType

    prefix = settings.topic_prefix
    there = [name for name, partitions in Edge(settings).topics().items() if partitions and name in names]
    asked = [
        ConfigResource(ConfigResourceType.TOPIC, prefix + name, configs={"cleanup.policy": None}) for name in there
    ]
    with admin_client(settings) as admin:
        found: Mapping[str, Mapping[str, Mapping[str, Any]]] = admin.describe_configs(asked, config_filter="all")
    topics = next(iter(found.values()), {})
    return {name: str(topics[prefix + name]["cleanup.policy"]["value"]) for name in there}


def _workers(settings: KafkaSettings) -> Iterator[Finding]:
    try:
        rows, members = Edge(settings).lag(), _members(settings)
    except ConvmineError as error:
        yield Finding("workers", "broken", error.message, _EVERY, error.hint or "")
        return
    for stage in STAGES:
        yield stage_finding(stage, rows, members[stage.group])


def _members(settings: KafkaSettings) -> Mapping[str, int]:
    """How many workers are in each group."""
    groups = {settings.topic_prefix + stage.group: stage.group for stage in STAGES}
    with admin_client(settings) as admin:
        there = {str(group["group_id"]) for group in admin.list_groups()} & groups.keys()  # others are an error
        described = admin.describe_groups(list(there)) if there else {}
    return defaultdict(int, {groups[name]: len(group["members"]) for name, group in described.items()})


def _dead_letters(settings: KafkaSettings) -> str:
    letters = [stage.dead_letters(topic) for stage in STAGES for topic in stage.reads]
    waiting = dict.fromkeys(letters, 0)
    for (topic, _number), span in Edge(settings).spans(letters).items():
        waiting[topic] += len(span)
    if found := {topic: count for topic, count in waiting.items() if count}:
        told = ", ".join(f"{count} in {topic}" for topic, count in found.items())
        return f"{told}; see `convmine dlq list`"
    return "none"
