"""A backlog drained to its end, a worker killed in between: is everything there, and how fast was it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from processes import running

from benchmarks.hop_rate import Alive, Course
from benchmarks.hop_scaling import PARTITIONS, joined, wait
from benchmarks.traffic import segments

WORKERS: Final = 2
"""As many as the machine has cores: the handler waits for nothing, so that a worker takes one."""
_PATIENCE_S: Final = 1_800.0
_KILLED_AT: Final = 0.4
"""Of the backlog, after which one worker is killed and a new one started."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What came of a backlog: how many events of it have no output, how many outputs there are twice."""

    messages: int
    lost: int
    repeated: int
    seconds: float


def drained(course: Course, messages: int) -> Drained:
    """Drain so many messages."""
    source = course.broker.create("drain.in", PARTITIONS)
    task = replace(course.task("drain"), source=source)
    course.broker.fill(source, segments(source, messages, calls=5_000))
    env = course.env({"CONVMINE_RUNTIME_IN_FLIGHT": "64"})
    with ExitStack() as stack:

        def started(number: int) -> Alive:
            log = course.folder / f"drain-{number}.log"
            return Alive(stack.enter_context(running(task.command("convmine"), env, log)), log)

        alive = [started(number) for number in range(WORKERS)]
        joined(course, task, alive)
        began, killed_at = time.monotonic(), int(messages * _KILLED_AT)
        done = partial(course.broker.counts, task.target)
        wait(lambda: sum(done()) >= killed_at, alive, f"{killed_at} outputs", seconds=_PATIENCE_S)
        alive[0].process.kill()
        alive[0] = started(WORKERS)
        committed = partial(course.broker.committed, task.group, source)
        wait(lambda: committed() >= messages, alive, f"{messages} events committed", seconds=_PATIENCE_S)
        seconds = time.monotonic() - began
    return outcome(messages, (dict(record.headers)["ce_id"] for record in course.broker.records(task.target)), seconds)


def outcome(messages: int, output_ids: Iterable[bytes], seconds: float) -> Drained:
    """By the ids of the outputs, which follow from those of the inputs."""
    count, distinct = 0, set[bytes]()
    for output_id in output_ids:
        count += 1
        distinct.add(output_id)
    return Drained(messages, messages - len(distinct), count - len(distinct), seconds)
