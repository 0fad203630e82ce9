"""What a hop takes, event by event, while traffic goes on: as workers join and leave, and where a few calls have most.

Input and output topics are stamped by the broker when it appends, so that one clock tells both. The handler waits 50 ms
with each event, as a model would, and so many workers as there are never want for a CPU.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final

from processes import running

from benchmarks.hop_programs import Task
from benchmarks.hop_rate import Alive, Course
from benchmarks.hop_scaling import PARTITIONS, WAIT_MS, joined, wait
from benchmarks.traffic import segments
from workers.records import NewRecord

PER_SECOND: Final = 100
GROWTH: Final = (1, 2, 4, 8)
SKEW: Final = 1.0
"""Of 500 calls the first then has 15 % of all events: 15 a second, where a wait of 50 ms allows 20 in order."""
_IN_FLIGHT: Final = "16"
_BEFORE_S: Final = 8.0
"""Seconds of steady traffic before each change."""
_AFTER_S: Final = 8.0
"""Seconds after the group has divided its partitions anew in which its events still count as the change's."""
_LONGEST_S: Final = 600.0
_SKEWED_WORKERS: Final = 4
_SKEWED_S: Final = 40.0
_WARM_UP_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Hop:
    """One event: its call, its partition, when its input was appended (ms since 1970) and its output so much later."""

    call: str
    partition: int
    at_ms: int
    took_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """From so many workers to so many, between two times in ms since 1970, and how long the events of it took."""

    before: int
    after: int
    begin_ms: int
    end_ms: int

    @property
    def name(self) -> str:
        return f"{self.before} to {self.after}"

    def took_ms(self, hops: Sequence[Hop]) -> list[int]:
        """Of the events that came in meanwhile."""
        return [hop.took_ms for hop in hops if self.begin_ms <= hop.at_ms < self.end_ms]


def changes(course: Course) -> dict[str, list[int]]:
    """How long the events took that came in around each change of the number of workers; up, then down to one."""
    found: list[Change] = []
    with ExitStack() as stack, _traffic(course, "rebalance", skew=0.0) as (task, env):
        alive: list[tuple[Alive, ExitStack]] = []
        for number in (*GROWTH, *reversed(GROWTH[:-1])):
            before, begin = len(alive), time.time()
            while len(alive) < number:
                own = stack.enter_context(ExitStack())
                alive.append((_started(course, task, env, own, len(alive)), own))
            while len(alive) > number:
                alive.pop()[1].close()  # SIGTERM: it drains and leaves the group
            joined(course, task, [one for one, _ in alive])
            time.sleep(_AFTER_S)
            if before:
                found.append(Change(before, number, int(begin * 1_000), int(time.time() * 1_000)))
            time.sleep(_BEFORE_S)
    hops = hops_of(course, task)
    return {change.name: change.took_ms(hops) for change in found}


def skewed(course: Course) -> dict[str, list[int]]:
    """How long events took of the call that has most, of its neighbours in the partition, and of all others."""
    with ExitStack() as stack, _traffic(course, "skew", skew=SKEW) as (task, env):
        alive = [_started(course, task, env, stack, number) for number in range(_SKEWED_WORKERS)]
        joined(course, task, alive)
        begin_ms = int((time.time() + _WARM_UP_S) * 1_000)
        time.sleep(_WARM_UP_S + _SKEWED_S)
    hops = [hop for hop in hops_of(course, task) if hop.at_ms >= begin_ms]
    return by_nearness(hops)


def _started(course: Course, task: Task, env: Mapping[str, str], stack: ExitStack, number: int) -> Alive:
    log = course.folder / f"{task.group}-{number}.log"
    return Alive(stack.enter_context(running(task.command("convmine"), env, log)), log)


def by_nearness(hops: Sequence[Hop]) -> dict[str, list[int]]:
    """Milliseconds of the busiest call, of the other calls of its partition, and of all other partitions."""
    busiest = Counter(hop.call for hop in hops).most_common(1)[0][0]
    its_partition = next(hop.partition for hop in hops if hop.call == busiest)
    found: dict[str, list[int]] = defaultdict(list)
    for hop in hops:
        near = "its_neighbours" if hop.partition == its_partition else "others"
        found["busiest_call" if hop.call == busiest else near].append(hop.took_ms)
    return dict(found)


def hops_of(course: Course, task: Task) -> list[Hop]:
    """Every event of the source with how long it took.

    Raises:
        KeyError: one has no output.
    """
    done: dict[str, int] = {}
    for record in course.broker.records(task.target):
        done.setdefault(_segment(record.value), record.timestamp)
    return [
        Hop(record.key.decode(), record.partition, record.timestamp, done[_segment(record.value)] - record.timestamp)
        for record in course.broker.records(task.source)
    ]


@contextmanager
def _traffic(course: Course, run: str, *, skew: float) -> Iterator[tuple[Task, Mapping[str, str]]]:
    """A task whose source gets 100 events a second while this is open; at its end all have been handled."""
    source = course.broker.create(f"{run}.in", PARTITIONS)
    task = replace(course.task(run, wait_ms=WAIT_MS), source=source)
    env = course.env({"CONVMINE_RUNTIME_IN_FLIGHT": _IN_FLIGHT})
    stop = threading.Event()
    events = segments(source, int(_LONGEST_S * PER_SECOND), skew=skew)
    failed: list[BaseException] = []

    def send() -> None:
        try:
            asyncio.run(_send(task.servers, events, stop))
        except BaseException as error:  # noqa: BLE001 - raised below, where somebody sees it
            failed.append(error)

    sending = threading.Thread(target=send)
    sending.start()
    try:
        yield task, env
    finally:
        stop.set()
        sending.join()
    if failed:
        raise failed[0]
    sent = sum(course.broker.counts(source))
    wait(lambda: sum(course.broker.counts(task.target)) >= sent, (), f"{sent} events handled")


async def _send(servers: str, events: Iterator[NewRecord], stop: threading.Event) -> None:
    """Send at even distances until told to stop; who is late does not wait."""
    from aiokafka import AIOKafkaProducer

    begin = time.perf_counter()
    async with AIOKafkaProducer(bootstrap_servers=servers, linger_ms=2) as producer:
        for number, event in enumerate(events):
            await asyncio.sleep(max(0.0, begin + number / PER_SECOND - time.perf_counter()))
            if stop.is_set():
                return
            await producer.send(event.topic, key=event.key, value=event.value, headers=list(event.headers))


def _segment(value: bytes) -> str:
    return str(json.loads(value)["segment"]["segment_id"])
