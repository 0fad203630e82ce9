"""What the workers that live say they run, on a real Kafka."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from config_topics import config_topics

from pipeline.errors import ConvmineError
from pipeline.handling import Outbound
from pipeline.settings import KafkaSettings, Settings
from pipeline.stages import RUNNING
from schemas.envelope import message
from schemas.reference import ConfigRunning
from workers.records import NewRecord, Record, write_event
from workers.running import SEEN_WITHIN, alive, running_workers

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def said(worker: str, at: datetime = NOW, tenant: str = "acme") -> NewRecord:
    payload = ConfigRunning(worker=worker, stages=("extract.batch",), started_at=at, seen_at=at)
    told = message(payload, id=worker, source="/test", time=at, subject=worker, tenant_id=tenant)
    return write_event(Outbound(RUNNING, told))


def read(record: NewRecord, at: datetime, offset: int = 0) -> Record:
    return Record(RUNNING, 0, offset, record.key, record.value, record.headers, int(at.timestamp() * 1_000))


def names(*records: Record) -> list[str]:
    return [worker.worker for worker in alive(records, "acme", NOW - SEEN_WITHIN)]


def test_who_was_heard_last_comes_first_by_the_time_of_the_record() -> None:
    late, early = NOW - timedelta(seconds=1), NOW - timedelta(seconds=100)
    assert names(read(said("a", at=late), early), read(said("b", at=early), late)) == ["b", "a"]


def test_who_was_not_heard_for_two_minutes_or_left_is_gone() -> None:
    left = NewRecord(RUNNING, b"acme:b", None, ())
    long_ago = NOW - SEEN_WITHIN - timedelta(seconds=1)
    assert names(read(said("a"), long_ago), read(said("b"), NOW), read(left, NOW), read(said("c"), NOW)) == ["c"]


def test_other_tenants_and_what_cannot_be_read_are_passed_over() -> None:
    broken = NewRecord(RUNNING, b"acme:x", b"{", said("x").headers)
    assert names(read(said("a", tenant="acme.eu"), NOW), read(broken, NOW), read(said("c"), NOW)) == ["c"]


async def test_workers_are_found_on_kafka(kafka_settings: KafkaSettings) -> None:
    settings = Settings(tenant="acme", kafka=kafka_settings)
    with pytest.raises(ConvmineError, match=RUNNING):
        await running_workers(settings)
    edge = config_topics(kafka_settings)
    assert await running_workers(settings) == ()
    edge.publish([said("a"), said("b"), said("a"), said("other", tenant="else")])
    assert {worker.worker for worker in await running_workers(settings)} == {"a", "b"}
