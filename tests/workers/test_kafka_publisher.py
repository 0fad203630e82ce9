from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.settings import KafkaSettings
from pipeline.stages import STAGES
from workers import kafka_publisher
from workers.health import StageHealth
from workers.kafka_publisher import KafkaPublisher
from workers.records import NewRecord


class Broker(KafkaPublisher):
    """A publisher whose broker answers when it is told to."""

    def __init__(self, health: StageHealth) -> None:
        super().__init__(KafkaSettings(), health)
        self.answers = asyncio.Event()
        self.fails = False

    async def _write(self, producer: Any, records: Sequence[NewRecord]) -> None:
        from aiokafka.errors import KafkaTimeoutError

        del producer, records
        await self.answers.wait()
        if self.fails:
            raise KafkaTimeoutError


async def until(true: Any) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - the watch looks once a second and tells nobody
            await asyncio.sleep(0.05)


async def test_a_broker_is_back_when_it_has_confirmed_something_and_not_when_a_record_was_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kafka_publisher, "_PATIENCE_S", 0.1)
    health = StageHealth(STAGES[0])
    broker = Broker(health)
    watching = asyncio.create_task(broker.watch())
    first = asyncio.create_task(broker.publish([]))
    await until(lambda: "kafka" in health.outages)
    broker.fails = True
    broker.answers.set()
    with pytest.raises(Exception, match="does not answer"):
        await first
    await asyncio.sleep(1.5)
    assert "kafka" in health.outages, "nothing was confirmed"
    broker.fails = False
    await broker.publish([])
    await until(lambda: "kafka" not in health.outages)
    watching.cancel()
