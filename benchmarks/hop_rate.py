"""Records per second of each program, one process after the other on the same broker, over a backlog.

Counted from the last record of the warm-up to the last of all, by the times at which the broker appended the outputs
(with one replica an appended record is a confirmed one). What writes nothing is timed in its process, record to record.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from processes import environment, running

from benchmarks.broker import Broker
from benchmarks.hop_programs import Task

CONSUMES_ONLY: Final = "faust-consume"
_PATIENCE_S: Final = 300.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast, and how much CPU time (all threads of the process, in µs) each record took."""

    per_second: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Alive:
    """A program that runs, and its log."""

    process: subprocess.Popen[bytes]
    log: Path

    def again_and_again(self, look: Callable[[], T]) -> Iterator[T]:
        """What ``look`` sees, four times a second.

        Raises:
            RuntimeError: the program has ended by itself.
            TimeoutError: whoever looks is still not content after five minutes.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            yield look()
            time.sleep(0.25)
            self.check()
        raise TimeoutError(f"{self.log.stem} has not come to its end within {_PATIENCE_S:.0f} s")

    def check(self) -> None:
        """See that it still runs.

        Raises:
            RuntimeError: it has ended by itself.
        """
        if (code := self.process.poll()) is not None:
            raise RuntimeError(f"{self.log.stem} has ended with {code}: {self.log.read_text()[-2_000:]}")


@dataclass(frozen=True, slots=True)
class Course:
    """What is run over: a topic that holds ``warm_up + measured`` records, and where logs go."""

    broker: Broker
    source: str
    warm_up: int
    measured: int
    folder: Path

    @property
    def total(self) -> int:
        return self.warm_up + self.measured

    def task(self, run: str, *, wait_ms: int = 0) -> Task:
        """What a program is told; its group, named after the run, starts at the beginning of the topic."""
        prefix = self.broker.prefix
        target = self.broker.create(f"{run}.out", 6)
        group = f"{prefix}convmine.{run}.live"
        return Task(self.broker.servers, group, self.source, target, self.warm_up, self.measured, wait_ms)

    def env(self, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a program: ours reads its settings there."""
        servers = {"KAFKA_BOOTSTRAP_SERVERS": self.broker.servers}
        return environment({**servers, "CONVMINE_KAFKA_TOPIC_PREFIX": self.broker.prefix, **(changes or {})})


def compare(course: Course, programs: Sequence[str], rounds: int) -> dict[str, Rate]:
    """The median of each program's rounds; the rounds are interleaved, so that a busy minute hits all alike."""
    runs: dict[str, list[Rate]] = {program: [] for program in programs}
    for number in range(rounds):
        for program in programs:
            runs[program].append(_run(course, program, f"{program}-{number}"))
    return {program: _median(rates) for program, rates in runs.items()}


def _median(rates: Sequence[Rate]) -> Rate:
    return Rate(statistics.median(rate.per_second for rate in rates), statistics.median(rate.cpu_us for rate in rates))


def _run(course: Course, program: str, run: str) -> Rate:
    task = course.task(run)
    log = course.folder / f"{run}.log"
    with running(task.command(program), course.env(), log) as process:
        alive = Alive(process, log)
        rate = _told(alive) if program == CONSUMES_ONLY else _watched(course, task.target, alive)
    committed = course.broker.committed(task.group, task.source)
    if committed != course.total:
        raise RuntimeError(f"{run} has committed {committed} of {course.total} records; see {log}")
    return rate


def _told(alive: Alive) -> Rate:
    for text in alive.again_and_again(alive.log.read_text):
        if text.endswith("]\n"):
            return Rate(*json.loads(text.splitlines()[-1]))
    raise AssertionError("unreachable")


def _watched(course: Course, target: str, alive: Alive) -> Rate:
    from psutil import Process

    process = Process(alive.process.pid)

    def look() -> tuple[int, float]:
        used = process.cpu_times()
        return sum(course.broker.counts(target)), used.user + used.system

    seen: list[tuple[int, float]] = []
    for done, cpu_s in alive.again_and_again(look):
        if done >= course.warm_up:
            seen.append((done, cpu_s))
        if done >= course.total:
            break
    times = course.broker.append_times(target)
    if len(times) != course.total:
        raise RuntimeError(f"{target} holds {len(times)} records instead of {course.total}")
    seconds = (times[-1] - times[course.warm_up - 1]) / 1_000
    (first, cpu_first), (last, cpu_last) = seen[0], seen[-1]
    return Rate(course.measured / seconds, (cpu_last - cpu_first) / max(1, last - first) * 1e6)
