"""The transport without a broker: topics as lists, consumer groups as numbers, everything on one event loop.

It keeps the promises of Kafka that the runtime relies on (order within a partition, committed offsets, redelivery of
what was not committed) and none of its durability: it lives as long as its process.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from pipeline.erasure.erased import Erased
from pipeline.handling import Handler, Remembering
from pipeline.stages import TOPICS, Stage
from workers.call_states import CompactedCallState
from workers.changes import Changes
from workers.equipment import Equipment
from workers.health import StageHealth
from workers.limits import Limits
from workers.measures import Measures
from workers.records import NewRecord, Record
from workers.runtime import Runner
from workers.tracing.hops import Hops

_COMPACTED: Final = frozenset(topic.name for topic in TOPICS if topic.compacted)


@dataclass(slots=True)
class _Log:
    """One partition: its records in order, some of which may be gone, and the offset that comes next."""

    end: int = 0
    records: list[Record] = field(default_factory=list)
    tidy_at: int = 0

    def add(self, number: int, new: NewRecord) -> None:
        at_ms = round(time.time() * 1_000)
        self.records.append(Record(new.topic, number, self.end, new.key, new.value, new.headers, at_ms))
        self.end += 1

    def since(self, offset: int) -> list[Record]:
        return self.records[bisect_left(self.records, offset, key=_offset) :]

    def next(self, offset: int) -> Record:
        """The record at an offset, or the first after it."""
        return self.records[bisect_left(self.records, offset, key=_offset)]

    def compact(self) -> None:
        """Keep the last record of each key."""
        last = {record.key: record.offset for record in self.records}
        self.records = [record for record in self.records if last[record.key] == record.offset]


class InProcessBroker:
    """Topics, partitions and committed offsets; a ``Publisher`` for the runtime.

    Args:
        partitions: of each topic.
        keep: records of a partition that stay when all who are fed with it have done them, all of them if not given; of
            a compacted topic the last of each key stay.
    """

    def __init__(self, partitions: int = 4, keep: int | None = None) -> None:
        self.partitions = partitions
        self._keep = keep
        self._logs: dict[tuple[str, int], _Log] = defaultdict(_Log)
        self._committed: dict[tuple[str, str, int], int] = defaultdict(int)
        self._fed: dict[str, set[str]] = defaultdict(set)
        self._changes = Changes()

    async def publish(self, records: Sequence[NewRecord]) -> None:
        """Append records; they are confirmed at once."""
        for new in records:
            partition = zlib.crc32(new.key) % self.partitions if new.partition is None else new.partition
            log = self._logs[new.topic, partition]
            log.add(partition, new)
            if self._keep is not None and len(log.records) > max(log.tidy_at, 2 * self._keep):
                self._tidy(new.topic, partition, log, self._keep)
        self._changes.notify()

    def records(self, topic: str) -> list[Record]:
        """All records of a topic that are kept, partition by partition."""
        return [record for number in range(self.partitions) for record in self._logs[topic, number].records]

    def since(self, topic: str, partition: int, offset: int) -> list[Record]:
        """The records of one partition that are kept, from an offset on."""
        return self._logs[topic, partition].since(offset)

    async def read_back(self, topic: str, partition: int) -> AsyncIterator[Record]:
        """The records of one partition, oldest first: a ``ReadBack``."""
        for record in self.since(topic, partition, 0):
            yield record

    def committed(self, group: str, topic: str, partition: int) -> int:
        """The offset that a group would go on from."""
        return self._committed[group, topic, partition]

    def commit(self, group: str, record: Record) -> None:
        """A group has done with this record and all before it."""
        self._committed[group, record.topic, record.partition] = record.offset + 1
        self._changes.notify()

    def lag(self, stage: Stage) -> int:
        """How many records a stage has not done yet."""
        return sum(
            self._logs[topic, number].end - self._committed[stage.group, topic, number]
            for topic in stage.reads
            for number in range(self.partitions)
        )

    def done(self, stage: Stage) -> int:
        """How many records a stage has done."""
        return sum(
            self._committed[stage.group, topic, number] for topic in stage.reads for number in range(self.partitions)
        )

    async def wait_idle(self, stages: Sequence[Stage]) -> None:
        """Wait until no stage has anything left to do."""
        await self._changes.wait_until(lambda: all(self.lag(stage) == 0 for stage in stages))

    async def feed(self, stage: Stage, topic: str, partition: int, runner: Runner) -> None:
        """Give a runner the records of one partition, from its group's committed offset on, for ever."""
        self._fed[topic].add(stage.group)
        log, offset = self._logs[topic, partition], self.committed(stage.group, topic, partition)
        while True:
            await self._changes.wait_until(partial(_longer, log, offset))
            record = log.next(offset)
            offset = record.offset + 1
            await runner.take(record, partial(self.commit, stage.group, record))

    def _tidy(self, topic: str, partition: int, log: _Log, keep: int) -> None:
        """Now and then, since what stays is moved."""
        if topic in _COMPACTED:
            log.compact()
        else:
            done = min((self.committed(group, topic, partition) for group in self._fed[topic]), default=log.end)
            log.records = log.since(min(done, log.end - keep))
        log.tidy_at = 2 * len(log.records)


def _longer(log: _Log, offset: int) -> bool:
    return log.end > offset


def _offset(record: Record) -> int:
    return record.offset


class InProcessWorker:
    """One stage's worker on the broker of this process."""

    def __init__(  # noqa: PLR0913 - what a stage works with, each named
        self,
        broker: InProcessBroker,
        stage: Stage,
        handler: Handler | Remembering[Any],
        limits: Limits | None = None,
        measures: Measures | None = None,
        *,
        erased: Erased | None = None,
        hops: Hops | None = None,
    ) -> None:
        self._broker = broker
        self._stage = stage
        states = CompactedCallState(stage.state_topic, broker.read_back, broker) if stage.remembers else None
        equipment = Equipment(
            broker,
            (measures or Measures()).of(stage),
            StageHealth(stage),
            limits or Limits(),
            states=states,
            erased=Erased() if erased is None else erased,
            hops=hops,
        )
        self._runner = Runner(stage, handler, equipment)
        self._feeds: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start to read."""
        self._feeds = [
            asyncio.create_task(self._broker.feed(self._stage, topic, partition, self._runner))
            for topic in self._stage.reads
            for partition in range(self._broker.partitions)
        ]
        self._feeds.append(asyncio.create_task(self._runner.tend()))

    @property
    def broken(self) -> asyncio.Future[None]:
        """Fails with the ``Config`` error that must stop the worker."""
        return self._runner.broken

    async def let_fall(self, key: str) -> None:
        """See ``Runner.let_fall``."""
        await self._runner.let_fall(key)

    async def stop(self, seconds: float = 30.0) -> None:
        """Finish what is being handled, for at most so many seconds."""
        await self._stop_reading()
        await self._runner.drain(seconds)

    async def _stop_reading(self) -> None:
        for task in self._feeds:
            task.cancel()
        await asyncio.gather(*self._feeds, return_exceptions=True)
