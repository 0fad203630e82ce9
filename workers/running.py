"""What the workers that live say they run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from pipeline.errors import ConvmineError, Poison
from pipeline.settings import Settings
from pipeline.stages import RUNNING
from schemas.reference import ConfigRunning
from workers.edge import Edge
from workers.records import Record, read_event

SEEN_WITHIN: Final = timedelta(minutes=2)
"""A worker of which nothing was heard for so long counts as gone."""


async def running_workers(settings: Settings) -> tuple[ConfigRunning, ...]:
    """What each worker that lives runs for the tenant of the settings, the one that was heard last first.

    Raises:
        ConvmineError: the topic is missing.
        Retryable: the broker is away.
    """
    return await asyncio.to_thread(_read, settings, datetime.now(UTC) - SEEN_WITHIN)


def _read(settings: Settings, since: datetime) -> tuple[ConfigRunning, ...]:
    edge = Edge(settings.kafka)
    spans = edge.spans([RUNNING], since=since)
    if not spans:
        raise ConvmineError(
            f"Kafka at {settings.kafka.bootstrap_servers} has no topic {RUNNING}", hint="run: convmine topics apply"
        )
    return alive(edge.read(spans), settings.tenant, since)


def alive(records: Iterable[Record], tenant: str, since: datetime) -> tuple[ConfigRunning, ...]:
    """The last word of each worker, by the time of its record, unless that is older or takes it back."""
    said: dict[bytes, tuple[int, ConfigRunning]] = {}
    earliest = since.timestamp() * 1_000
    for record in records:
        key, at = record.key or b"", record.timestamp_ms or 0
        said.pop(key, None)
        if key.startswith(f"{tenant}:".encode()) and at >= earliest and (worker := _said(record)) is not None:
            said[key] = at, worker
    return tuple(worker for _, worker in sorted(said.values(), key=lambda one: one[0], reverse=True))


def _said(record: Record) -> ConfigRunning | None:
    """What is in a record; None where it takes back what a worker said, or cannot be read."""
    if record.value is None:
        return None
    try:
        inbound = read_event(record)
    except Poison:
        return None
    return inbound.payload if inbound and isinstance(inbound.payload, ConfigRunning) else None
