"""Records as a transport carries them, and how an event is read from one and written to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pydantic import ValidationError

from pipeline.errors import Poison
from pipeline.handling import Inbound, Outbound, Position
from pipeline.settings import KafkaSettings
from pipeline.stages import Stage
from schemas.audio import AudioChunk
from schemas.envelope import EnvelopeError, Headers, Message, encode, from_headers, payload_model, to_headers

CHUNK_HEADER: Final = "convmine-chunk"
"""Where a live chunk of audio carries its facts, as JSON."""
REPLAY_STAGE: Final = "convmine-replay-stage"
"""Header of a replayed dead letter: the stage and lane that it is for; the others that read the topic skip it."""
_TENANT: Final = "ce_tenantid"
_CALL: Final = "ce_subject"
_DEAD_LETTER_ROOM: Final = 65_536
"""Bytes that a dead letter may be larger than the record it carries: its headers, and no less than Kafka's overhead;
and a third of it where it is sealed.
"""


def largest_record(settings: KafkaSettings, topic: str | None = None) -> int:
    """Bytes that a record of this topic may have; without a topic, any record. Dead letters get room for headers."""
    dead_letters = topic is None or topic.endswith(".dlq")
    return settings.max_message_bytes * 4 // 3 + _DEAD_LETTER_ROOM if dead_letters else settings.max_message_bytes


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic; ``topic`` is our name for it, without the prefix of the installation.

    ``timestamp_ms`` is when it was written, since 1970 in UTC; None where its reader does not say.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int | None = None

    @property
    def position(self) -> Position:
        return Position(self.topic, self.partition, self.offset)


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to be written; without a partition the key decides."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers
    partition: int | None = None


def is_for(record: Record, stage: Stage) -> bool:
    """Whether a stage is to handle a record: not where it is a replay for another one."""
    named = next((value for name, value in record.headers if name == REPLAY_STAGE), None)
    return named is None or named.decode(errors="replace") == f"{stage.name}.{stage.lane}"


def call_of(record: Record) -> tuple[str, str] | None:
    """The tenant and the call that a record is of, by its headers, else by its key; None where neither says.

    For records that may not be decoded, as nothing but whose they are is to be known of them.
    """
    headers = {name.lower(): value for name, value in record.headers if value}
    if _TENANT in headers and _CALL in headers:
        return headers[_TENANT].decode(errors="replace"), headers[_CALL].decode(errors="replace")
    tenant, _, call = (record.key or b"").decode(errors="replace").partition(":")
    return (tenant, call) if call else None


class Publisher(Protocol):
    """Writes records; returns when all are confirmed.

    Raises:
        Retryable: the broker is away.
        Poison: the broker refuses a record, for example as too large.
    """

    async def publish(self, records: Sequence[NewRecord]) -> None: ...


def read_event(record: Record) -> Inbound | None:
    """The event in a record; None where its type or minor version is unknown here and is to be skipped.

    Raises:
        Poison: the headers are no CloudEvent of ours, the major version is unknown, or the value does not fit.
    """
    try:
        envelope = from_headers(record.headers)
        model = payload_model(envelope)
    except EnvelopeError as error:
        raise Poison(str(error)) from error
    if model is None:
        return None
    if record.value is None:
        raise Poison(f"{envelope.type} has no value")
    audio = model is AudioChunk
    try:
        payload = model.model_validate_json(_chunk_facts(record) if audio else record.value)
    except ValidationError as error:
        raise Poison(_why_invalid(error)) from error
    return Inbound(Message(envelope, payload), record.position, record.value if audio else b"")


def chunk_record(topic: str, chunk: Message, audio: bytes) -> NewRecord:
    """The record of a live chunk: the audio is the value, its facts travel in a header."""
    facts = (CHUNK_HEADER, encode(chunk.payload))
    return NewRecord(topic, chunk.envelope.partitionkey.encode(), audio, (*to_headers(chunk.envelope), facts))


def write_event(outbound: Outbound) -> NewRecord:
    """The record of an event."""
    envelope = outbound.message.envelope
    return NewRecord(
        topic=outbound.topic,
        key=envelope.partitionkey.encode(),
        value=encode(outbound.message.payload),
        headers=to_headers(envelope),
        partition=outbound.partition,
    )


def _chunk_facts(record: Record) -> bytes:
    facts = next((value for name, value in record.headers if name.lower() == CHUNK_HEADER), None)
    if facts is None:
        raise Poison(f"a chunk of audio has no header {CHUNK_HEADER}")
    return facts


def _why_invalid(error: ValidationError) -> str:
    first, *others = error.errors(include_url=False, include_input=False)
    if first["type"] == "json_invalid":
        return f"the value is no JSON: {first['msg']}"
    field = ".".join(str(part) for part in first["loc"]) or "the value"
    more = f" (and {len(others)} more)" if others else ""
    return f"{field}: {first['msg']}{more}"
