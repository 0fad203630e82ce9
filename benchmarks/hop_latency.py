"""How long one hop takes while it is far from full: 100 events a second, one after the other at even distances.

Sender and observer are one process with one clock. Measured is the time from just before an event is handed to the
sender's producer to when the observer has the output in its hands. So the ways of both to and from the broker are part
of it; ``direct`` is what they take by themselves: the same for the event as it was sent, without a hop between.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from processes import running

from benchmarks.hop_programs import Task
from benchmarks.hop_rate import Alive, Course
from benchmarks.traffic import segments
from workers.records import NewRecord

AIM_P95_MS: Final = 15.0
PER_SECOND: Final = 100.0
WARM_UP_S: Final = 5.0
_JOINED_S: Final = 120.0
"""Seconds that a program may take until it has handled its first event."""
_LAST_S: Final = 30.0
"""Seconds that the last outputs may take."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds of each event in the measured time, and how many were sent a second."""

    hop_ms: Sequence[float]
    direct_ms: Sequence[float]
    per_second: float


class Times:
    """When each event, by its segment, was sent and first seen on both topics, in seconds of one monotonic clock."""

    def __init__(self, source: str, target: str) -> None:
        self.sent: dict[str, float] = {}
        self.seen: dict[str, dict[str, float]] = {source: {}, target: {}}
        self._source, self._target = source, target

    def latencies(self, leave_out: int) -> Latencies:
        """Of all events but so many that were sent first.

        Raises:
            KeyError: an event was not seen.
        """
        chosen = list(self.sent)[leave_out:]

        def ms(topic: str) -> list[float]:
            return [(self.seen[topic][event] - self.sent[event]) * 1_000 for event in chosen]

        took_s = self.sent[chosen[-1]] - self.sent[chosen[0]]
        return Latencies(ms(self._target), ms(self._source), (len(chosen) - 1) / took_s)


def latencies_of(course: Course, programs: Sequence[str], *, seconds: float) -> dict[str, Latencies]:
    """Each program by itself, on topics of its own."""
    return {program: _measured(course, program, seconds) for program in programs}


def _measured(course: Course, program: str, seconds: float) -> Latencies:
    run = f"{program}-latency"
    source = course.broker.create(f"{run}.in", 6)
    task = replace(course.task(run), source=source)
    log = course.folder / f"{run}.log"
    warm_up = int(WARM_UP_S * PER_SECOND)
    records = list(segments(source, 1 + warm_up + int(seconds * PER_SECOND)))
    with running(task.command(program), course.env(), log) as process:
        times = asyncio.run(_timed(task, records, Alive(process, log).check))
    return times.latencies(leave_out=1 + warm_up)


async def _timed(task: Task, records: Sequence[NewRecord], check: Callable[[], None]) -> Times:
    times = Times(task.source, task.target)
    async with _clients(task) as (producer, consumer):
        watching = asyncio.create_task(_watch(consumer, times))
        await _send(producer, records[:1], times)
        await _all_seen(times, _JOINED_S, check)
        await _send(producer, records[1:], times)
        await _all_seen(times, _LAST_S, check)
        watching.cancel()
    return times


@asynccontextmanager
async def _clients(task: Task) -> AsyncIterator[tuple[Any, Any]]:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

    producer = AIOKafkaProducer(bootstrap_servers=task.servers, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=task.servers, enable_auto_commit=False, auto_offset_reset="earliest", check_crcs=False
    )
    async with producer, consumer:
        topics = (task.source, task.target)
        consumer.assign([TopicPartition(one, n) for one in topics for n in await producer.partitions_for(one)])
        yield producer, consumer


async def _send(producer: Any, records: Sequence[NewRecord], times: Times) -> None:  # noqa: ANN401 - no types
    """Send at even distances; who is late does not wait, and every event counts from when it was sent."""
    begin = time.perf_counter()
    for number, record in enumerate(records):
        await asyncio.sleep(max(0.0, begin + number / PER_SECOND - time.perf_counter()))
        times.sent[_segment(record.value)] = time.perf_counter()
        await producer.send(record.topic, key=record.key, value=record.value, headers=list(record.headers))


async def _watch(consumer: Any, times: Times) -> None:  # noqa: ANN401 - likewise
    async for record in consumer:
        now = time.perf_counter()
        times.seen[record.topic].setdefault(_segment(record.value), now)


async def _all_seen(times: Times, seconds: float, check: Callable[[], None]) -> None:
    deadline = time.monotonic() + seconds
    while any(len(seen) < len(times.sent) for seen in times.seen.values()):
        check()
        if time.monotonic() > deadline:
            counts = {topic: len(seen) for topic, seen in times.seen.items()}
            raise TimeoutError(f"of {len(times.sent)} events {counts} were seen after {seconds:.0f} s more")
        await asyncio.sleep(0.1)


def _segment(value: bytes | None) -> str:
    return str(json.loads(value or b"")["segment"]["segment_id"])
