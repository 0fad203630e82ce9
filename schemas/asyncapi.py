"""The topology and its messages as one AsyncAPI 3.0 document; payloads stay in the JSON Schema files it points to.

The topology belongs to the pipeline, which this package must not import: it is passed in as plain values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from schemas.envelope import TYPE_PREFIX, type_of
from schemas.export import Document, file_name
from schemas.registry import PAYLOADS
from schemas.wire import CallEvent, Payload

VERSION: Final = "3.0.0"
SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
DEAD_LETTER: Final = "dead.letter"
_DAY_MS: Final = 86_400_000
_KAFKA_BINDING: Final = "0.5.0"


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic: the names of the events it carries (none: dead letters) and how long it keeps them (None: for good)."""

    name: str
    events: tuple[str, ...]
    compacted: bool
    retention_ms: int | None


@dataclass(frozen=True, slots=True)
class StageFacts:
    """A stage in one lane, its consumer group, and the topics it reads and writes, dead letters included."""

    name: str
    lane: str
    group: str
    bound_by: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


def asyncapi(topics: Sequence[TopicFacts], stages: Sequence[StageFacts], *, version: str) -> Document:
    """The document for these topics and stages; ``version`` is the application's."""
    carried = {topic.name: _message_names(topic) for topic in topics}
    operations: dict[str, Document] = {}
    for stage in stages:
        for topic in stage.reads:
            operations[f"{stage.name}.{stage.lane}.receive.{topic}"] = _receive(stage, topic, carried[topic])
        for topic in stage.writes:
            operations[f"{stage.name}.{stage.lane}.send.{topic}"] = _send(stage, topic, carried[topic])
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "convmine",
            "version": version,
            "description": (
                "Conversation mining on Kafka. Every message is a CloudEvent 1.0 in binary mode: attributes in "
                "headers, the payload in the value. Readers skip an unknown type or minor version; an unknown major "
                "version is a dead letter. Delivery is at least once: drop what has a ce_id that was seen before."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, stages) for topic in topics},
        "operations": operations,
        "components": {
            "schemas": {"CloudEventsHeaders": _headers_schema(), "DeadLetterHeaders": _dead_letter_schema()},
            "messages": {name: _message(model) for name, model in sorted(PAYLOADS.items())}
            | {DEAD_LETTER: _dead_letter()},
        },
    }


def key_of(model: type[Payload]) -> str:
    """What the Kafka key of an event is made of; it decides the partition, and so the order."""
    if issubclass(model, CallEvent):
        return "tenant_id:call_id"
    if model.event_name == "flow.graph":
        return "tenant_id:scenario:partition"
    return "a key of its own: reference data, read whole"


def _message_names(topic: TopicFacts) -> tuple[str, ...]:
    return topic.events or (DEAD_LETTER,)


def _channel(topic: TopicFacts, stages: Sequence[StageFacts]) -> Document:
    policies = ["compact"] * topic.compacted + ["delete"] * (topic.retention_ms is not None)
    configuration: Document = {"cleanup.policy": policies}
    if topic.retention_ms is not None:
        configuration["retention.ms"] = topic.retention_ms
    return {
        "address": topic.name,
        "description": _facts(topic, stages),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _message_names(topic)},
        "bindings": {
            "kafka": {"topic": topic.name, "topicConfiguration": configuration, "bindingVersion": _KAFKA_BINDING}
        },
    }


def _facts(topic: TopicFacts, stages: Sequence[StageFacts]) -> str:
    """Lane, key, who writes and reads, and for how long: what somebody who connects wants to know first."""
    touching = [stage for stage in stages if topic.name in stage.reads + stage.writes]
    lanes = sorted({stage.lane for stage in touching})
    writers = ", ".join(stage.name for stage in stages if topic.name in stage.writes) or "programs outside convmine"
    readers = ", ".join(stage.name for stage in stages if topic.name in stage.reads) or "programs outside convmine"
    keys = sorted({key_of(PAYLOADS[name]) for name in topic.events}) or ["that of the original record"]
    latest = "the last record of each key is kept" if topic.compacted else "kept"
    kept = latest if topic.retention_ms is None else f"{latest} {_days(topic.retention_ms)}"
    return (
        f"Lane: {', '.join(lanes) or 'any'}. Key: {'; '.join(keys)}. "
        f"Written by {writers}. Read by {readers}. Retention: {kept}."
    )


def _days(retention_ms: int) -> str:
    days = retention_ms // _DAY_MS
    return "1 day" if days == 1 else f"{days} days"


def _receive(stage: StageFacts, topic: str, messages: Sequence[str]) -> Document:
    return _operation(stage, "receive", topic, messages) | {
        "bindings": {"kafka": {"groupId": {"type": "string", "enum": [stage.group]}, "bindingVersion": _KAFKA_BINDING}}
    }


def _send(stage: StageFacts, topic: str, messages: Sequence[str]) -> Document:
    return _operation(stage, "send", topic, messages)


def _operation(stage: StageFacts, action: Literal["send", "receive"], topic: str, messages: Sequence[str]) -> Document:
    verb = "reads" if action == "receive" else "writes"
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "summary": f"The stage {stage.name} (lane {stage.lane}) {verb} {topic}.",
        "description": f"Bound by: {stage.bound_by}.",
        "tags": [{"name": stage.name}, {"name": stage.lane}],
        "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in messages],
    }


def _message(model: type[Payload]) -> Document:
    major, _ = model.version
    own: Document = {
        "type": "object",
        "properties": {
            "ce_type": {"type": "string", "const": type_of(model)},
            "ce_dataschema": {
                "type": "string",
                "pattern": rf"^urn:convmine:schema:{re.escape(model.event_name)}:{major}\.[0-9]+$",
            },
        },
    }
    return {
        "name": model.event_name,
        "title": model.event_name,
        "summary": (model.__doc__ or "").partition("\n")[0],
        "contentType": "application/json",
        "headers": {"allOf": [{"$ref": "#/components/schemas/CloudEventsHeaders"}, own]},
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": f"./json/{file_name(model)}"}},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": key_of(model)}, "bindingVersion": _KAFKA_BINDING}
        },
    } | _exceptions(model)


def _exceptions(model: type[Payload]) -> Document:
    """Audio is not JSON: the payload's facts travel in a header, and the value is the sound itself."""
    if model.event_name != "call.audio.chunk":
        return {}
    return {
        "contentType": "application/octet-stream",
        "description": "The payload stands as JSON in the header convmine-chunk; the record's value is the audio.",
    }


def _dead_letter() -> Document:
    return {
        "name": DEAD_LETTER,
        "title": DEAD_LETTER,
        "summary": "An event that a stage could not handle: its own value, key and headers, and dlq.* headers.",
        "contentType": "application/octet-stream",
        "headers": {"$ref": "#/components/schemas/DeadLetterHeaders"},
        "payload": {"description": "The bytes of the original record, whatever they are."},
    }


def _headers_schema() -> Document:
    described = {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": _text("Unique for its source; a redelivery has the same one."),
        "ce_source": _text("Who wrote it, for example /convmine/extract."),
        "ce_type": _text(f"{TYPE_PREFIX}<event>.v<major>."),
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": _text("The call id where there is a call."),
        "ce_partitionkey": _text("The record's key."),
        "ce_tenantid": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "ce_dataschema": _text("urn:convmine:schema:<event>:<major>.<minor>."),
        "content-type": {"type": "string"},
    }
    optional = {"traceparent": _text("W3C Trace Context.")}
    return {"type": "object", "required": list(described), "properties": described | optional}


def _dead_letter_schema() -> Document:
    described = {
        "dlq.original.topic": _text("Where it came from."),
        "dlq.original.partition": {"type": "string", "pattern": "^[0-9]+$"},
        "dlq.original.offset": {"type": "string", "pattern": "^[0-9]+$"},
        "dlq.error.class": _text("The kind of error."),
        "dlq.error.message": _text("The reason, for people."),
        "dlq.stage": _text("The stage that gave up; a replay is for this one."),
        "dlq.lane": _text("Its lane."),
        "dlq.attempts": {"type": "string", "pattern": "^[0-9]+$"},
        "dlq.first_failed_at": {"type": "string", "format": "date-time"},
    }
    return {"type": "object", "required": list(described), "properties": described}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}
