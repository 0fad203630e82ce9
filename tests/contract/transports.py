"""The two transports behind one face, for the contract suite."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from pipeline.handling import Handler, Remembering
from pipeline.settings import KafkaSettings
from pipeline.stages import Stage
from workers.edge import Edge
from workers.in_process import InProcessBroker, InProcessWorker
from workers.kafka_app import KafkaWorker
from workers.limits import Limits
from workers.measures import Measures
from workers.records import NewRecord, Record

AnyHandler = Handler | Remembering[Any]


class Worker(Protocol):
    """A running worker."""

    @property
    def broken(self) -> asyncio.Future[None]: ...

    async def start(self) -> None: ...

    async def stop(self, seconds: float) -> None: ...


class Transport(Protocol):
    """What a contract test does with a transport."""

    async def publish(self, records: Sequence[NewRecord]) -> None: ...

    async def records(self, topic: str) -> list[Record]: ...

    async def committed(self, stage: Stage) -> int:
        """The sum of the committed offsets of a stage's partitions."""

    def worker(self, stage: Stage, handler: AnyHandler, limits: Limits, measures: Measures) -> Worker: ...


class InProcessTransport:
    """Lists in this process."""

    def __init__(self) -> None:
        self._broker = InProcessBroker(partitions=2)

    async def publish(self, records: Sequence[NewRecord]) -> None:
        await self._broker.publish(records)

    async def records(self, topic: str) -> list[Record]:
        return self._broker.records(topic)

    async def committed(self, stage: Stage) -> int:
        return sum(self._broker.committed(stage.group, topic, n) for topic in stage.reads for n in range(2))

    def worker(self, stage: Stage, handler: AnyHandler, limits: Limits, measures: Measures) -> Worker:
        return InProcessWorker(self._broker, stage, handler, limits, measures)


class KafkaTransport:
    """A real broker."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._edge = Edge(settings)
        self._edge.apply_topics()

    async def publish(self, records: Sequence[NewRecord]) -> None:
        await asyncio.to_thread(self._edge.publish, records)

    async def records(self, topic: str) -> list[Record]:
        return await asyncio.to_thread(lambda: list(self._edge.tail(topic, from_start=True, follow=False)))

    async def committed(self, stage: Stage) -> int:
        rows = await asyncio.to_thread(self._edge.lag)
        return sum(row.committed or 0 for row in rows if (row.stage, row.lane) == (stage.name, stage.lane))

    def worker(self, stage: Stage, handler: AnyHandler, limits: Limits, measures: Measures) -> Worker:
        return KafkaWorker(self._settings, stage, handler, limits, measures=measures)
