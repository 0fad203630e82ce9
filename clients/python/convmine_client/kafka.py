"""Kafka, with the extra ``kafka``: events go in by ``Publisher``, suggestions come out by ``suggestions``."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from convmine_client.events import Event

_TOPIC = "sales.suggestions"
_TYPES: dict[bytes, Literal["created", "withdrawn"]] = {
    b"io.convmine.suggestion.created.v1": "created",
    b"io.convmine.suggestion.withdrawn.v1": "withdrawn",
}
_REMEMBERED = 100_000
"""Ids of events that are known to have come, to drop them when they come again."""


@dataclass(frozen=True)
class Suggestion:
    """A suggestion that was made, or that the conversation has overtaken.

    ``body`` is the event as ``schemas/json/suggestion.created.v1.json`` or ``….withdrawn.v1.json`` describes it.
    """

    kind: Literal["created", "withdrawn"]
    id: str
    tenant: str
    call_id: str
    suggestion_id: str
    body: dict[str, Any]


class Publisher:
    """Publishes events; what it says is published is confirmed by all replicas.

    Args:
        bootstrap_servers: brokers to start from, as ``host:port``, separated by commas.
        topic_prefix: what stands before the name of every topic of the installation.
        timeout_s: seconds that events may take to be confirmed.
        options: further arguments of ``kafka.KafkaProducer``, such as those of TLS and SASL.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        topic_prefix: str = "",
        timeout_s: float = 30.0,
        **options: Any,  # noqa: ANN401 - kafka-python's own
    ) -> None:
        from kafka import KafkaProducer  # type: ignore[import-untyped,unused-ignore]  # it ships no types

        self._prefix = topic_prefix
        self._timeout_s = timeout_s
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap_servers.split(","), acks="all", enable_idempotence=True, **options
        )

    def publish(self, events: Sequence[Event]) -> None:
        """Write events and wait until all are confirmed; those of one call stay in order.

        Raises:
            kafka.errors.KafkaError: one was not; publishing all of them again does no harm.
        """
        pending = [
            self._producer.send(self._prefix + one.topic, key=one.key, value=one.value, headers=list(one.headers))
            for one in events
        ]
        for future in pending:
            future.get(timeout=self._timeout_s)

    def close(self) -> None:
        """Disconnect."""
        self._producer.close()

    def __enter__(self) -> Publisher:  # noqa: PYI034 - Self is not yet in Python 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def suggestions(
    bootstrap_servers: str,
    *,
    group: str,
    tenant: str,
    topic_prefix: str = "",
    idle_s: float | None = None,
    **options: Any,  # noqa: ANN401 - kafka-python's own
) -> Iterator[Suggestion]:
    """The suggestions of a tenant, as they come, each once in this process.

    Asking for the next one says that the one before is handled: its offset is committed then, so that after a crash
    what was not handled comes again. A group begins with the oldest that the topic has.

    Args:
        bootstrap_servers: brokers to start from, as ``host:port``, separated by commas.
        group: name of the consumer group; members of one share the suggestions, by call.
        tenant: whose.
        topic_prefix: what stands before the name of every topic of the installation.
        idle_s: seconds without any record, while it has partitions to read, after which it ends; None: never.
        options: further arguments of ``kafka.KafkaConsumer``, such as those of TLS and SASL.
    """
    from kafka import KafkaConsumer, TopicPartition  # type: ignore[import-untyped,unused-ignore]  # it ships no types
    from kafka.errors import CommitFailedError  # type: ignore[import-untyped,unused-ignore]  # likewise
    from kafka.structs import OffsetAndMetadata  # type: ignore[import-untyped,unused-ignore]  # likewise

    consumer = KafkaConsumer(
        topic_prefix + _TOPIC,
        bootstrap_servers=bootstrap_servers.split(","),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        **options,
    )
    seen: OrderedDict[str, None] = OrderedDict()
    try:
        for record in _records(consumer, idle_s):
            found = _read(record.value, dict(record.headers or ()), tenant)
            if found is not None and found.id not in seen:
                seen[found.id] = None
                if len(seen) > _REMEMBERED:
                    seen.popitem(last=False)
                yield found
            place = TopicPartition(record.topic, record.partition)
            # Where the partition went to another member meanwhile, that one goes on from the offset before.
            with suppress(CommitFailedError):
                consumer.commit({place: OffsetAndMetadata(record.offset + 1, "", -1)})
    finally:
        consumer.close(autocommit=False)


def _records(consumer: Any, idle_s: float | None) -> Iterator[Any]:  # noqa: ANN401 - kafka-python ships no types
    since = time.monotonic()
    while idle_s is None or time.monotonic() - since < idle_s:
        batches = consumer.poll(timeout_ms=500)
        for batch in batches.values():
            yield from batch
        if batches or not consumer.assignment():
            since = time.monotonic()


def _read(value: bytes | None, headers: dict[str, bytes], tenant: str) -> Suggestion | None:
    """The suggestion in a record; None where it is another tenant's, or of a kind that is not known here."""
    kind = _TYPES.get(headers.get("ce_type", b""))
    if kind is None or value is None or headers.get("ce_tenantid", b"").decode() != tenant:
        return None
    body = json.loads(value)
    return Suggestion(kind, headers["ce_id"].decode(), tenant, body["call_id"], body["suggestion_id"], body)
