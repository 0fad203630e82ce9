"""What Kafka still holds of an erased call, and till when; and which recordings its events name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from pipeline.blobs.names import call_folder
from pipeline.erasure.receipt import Recording, StillHeld
from pipeline.errors import Poison
from pipeline.privacy.vault import Subject
from pipeline.settings import KafkaSettings, Settings
from pipeline.stages import RECORDINGS, STAGES, TOPICS, Topic
from schemas.audio import RecordingAvailable
from schemas.registry import PAYLOADS
from schemas.wire import CallEvent
from workers.edge import Edge
from workers.kafka_clients import admin_client
from workers.records import call_of, read_event

_RETENTION: Final = "retention.ms"
_SEGMENT: Final = "segment.ms"
_CHECK: Final = timedelta(minutes=5)
"""How often a broker looks for what is too old (log.retention.check.interval.ms)."""
Configs = Mapping[str, Mapping[str, int]]
"""What a broker says of topics: retention.ms and segment.ms, in ms; -1 is for good."""


def topics_of_calls() -> Iterator[Topic]:
    """The topics that carry events of calls, what stages remember of calls, or dead letters."""
    remembered = {stage.state_topic for stage in STAGES if stage.remembers}
    for topic in TOPICS:
        is_dead_letters = not topic.events and not topic.internal
        if is_dead_letters or topic.name in remembered or any(issubclass(PAYLOADS[e], CallEvent) for e in topic.events):
            yield topic


def still_held(at: datetime, told: Configs | None) -> tuple[StillHeld, ...]:
    """Till when what was written by ``at`` is held at the longest, topic by topic.

    Kafka deletes whole segments: one whose newest record is older than the retention. So the oldest record of a segment
    may stay for as long as a segment is written to (``segment.ms``), besides.

    Args:
        at: when the last event of the call may have been written.
        told: what the broker says; None where it did not answer, then what ``convmine topics apply`` sets counts.
    """
    return tuple(_held(topic, at, None if told is None else told.get(topic.name)) for topic in topics_of_calls())


def _held(topic: Topic, at: datetime, told: Mapping[str, int] | None) -> StillHeld:
    retention_ms = topic.retention_ms if told is None else told.get(_RETENTION, topic.retention_ms)
    if retention_ms is None or retention_ms < 0:
        return StillHeld(topic=topic.name, retention_ms=None, until=None, from_broker=told is not None)
    longest = timedelta(milliseconds=retention_ms + (told or {}).get(_SEGMENT, 0)) + _CHECK
    return StillHeld(topic=topic.name, retention_ms=retention_ms, until=at + longest, from_broker=told is not None)


def configs_on_kafka(settings: KafkaSettings) -> dict[str, dict[str, int]]:
    """The retention and the segments of the topics of calls, as the broker has them.

    Raises:
        Retryable: the broker is away.
    """
    from kafka.admin import ConfigResource, ConfigResourceType

    there = Edge(settings).topics()
    names = {settings.topic_prefix + one.name: one.name for one in topics_of_calls() if there[one.name]}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, [_RETENTION, _SEGMENT]) for name in names]
    with admin_client(settings) as admin:
        told: Mapping[str, Mapping[str, Any]] = admin.describe_configs(asked, config_filter="all")
    found = told.get("topic", {})
    return {names[name]: {key: int(one["value"]) for key, one in found[name].items()} for name in names}


def recordings_of(settings: Settings, subjects: Collection[Subject]) -> tuple[Recording, ...]:
    """The recordings that events of these calls name, of those that Kafka still has; the topic is read whole.

    Raises:
        Retryable: the broker is away.
    """
    wanted = {(one.tenant_id, one.call_id) for one in subjects}
    edge = Edge(settings.kafka)
    found: dict[str, Recording] = {}
    for record in edge.read(edge.spans([RECORDINGS])):
        if (whose := call_of(record)) not in wanted:
            continue
        try:
            event = read_event(record)
        except Poison:
            continue
        if whose is not None and event is not None and isinstance(event.payload, RecordingAvailable):
            uri = event.payload.dataref
            found[uri] = Recording(call_id=whose[1], uri=uri, ours=is_ours(uri, settings, Subject(*whose)))
    return tuple(found.values())


def is_ours(uri: str, settings: Settings, subject: Subject) -> bool:
    """Whether it lies among the claimed values of its call, which are removed."""
    folder = settings.claims.root.absolute() / call_folder(subject.tenant_id, subject.call_id)
    return uri.startswith(f"{folder.as_uri()}/")
