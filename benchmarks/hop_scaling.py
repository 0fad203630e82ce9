"""How throughput grows with workers, where each is bound by what it waits for and not by a CPU: our runtime alone.

A handler that waits 50 ms with at most 4 events in flight handles 80 a second; so ``n`` workers can do ``n`` times as
much as one. The workers join first; then comes a backlog, and outputs are counted, by the times at which the broker
appended them, in a stretch of it in which every worker was busy from beginning to end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from processes import running

from benchmarks.hop_programs import Task
from benchmarks.hop_rate import Alive, Course
from benchmarks.traffic import segments

GOAL: Final = 0.9
"""Of linear growth, for each number of workers."""
WORKERS: Final = (1, 2, 4)
WAIT_MS: Final = 50
IN_FLIGHT: Final = 4
PARTITIONS: Final = 24
CEILING: Final = IN_FLIGHT * 1_000 / WAIT_MS
"""Events that one worker can handle in a second."""
_SETTLE_S: Final = 3.0
"""Seconds of the backlog that are left out: not all workers begin at once."""
_SLACK_S: Final = 2.0
"""Seconds of work that every worker must still have when the counting has ended."""
_JOINED_S: Final = 120.0
_UNEVEN: Final = 1.5
"""How much more a worker may get than its share, as the keys fall."""


def throughputs(course: Course, *, seconds: float, numbers: Sequence[int] = WORKERS) -> dict[int, float]:
    """Outputs a second by the number of workers, each number with a group and topics of its own."""
    return {workers: _measured(course, workers, seconds) for workers in numbers}


def shares_of_linear(throughput: Mapping[int, float]) -> dict[int, float]:
    """For each number of workers but the smallest, what they do of what so many times the smallest would."""
    least = min(throughput)
    one = throughput[least] / least
    return {workers: done / (workers * one) for workers, done in throughput.items() if workers != least}


def rate_between(times_ms: Sequence[int], settle_s: float, seconds: float) -> float:
    """How many of these rising times a second there are in a stretch that begins ``settle_s`` after the first.

    Raises:
        ValueError: the last of them lies within the stretch, so that it was not busy to its end.
    """
    begin = times_ms[0] + settle_s * 1_000
    end = begin + seconds * 1_000
    if times_ms[-1] < end:
        raise ValueError(f"the last output came {(end - times_ms[-1]) / 1_000:.1f} s before the end of the counting")
    return sum(begin <= at < end for at in times_ms) / seconds


def idle_members(members: Sequence[Sequence[int]], waiting: Mapping[int, int], least: float) -> list[Sequence[int]]:
    """The members, by their partitions, for whom no more than ``least`` events wait."""
    return [member for member in members if sum(waiting[partition] for partition in member) <= least]


def _measured(course: Course, workers: int, seconds: float) -> float:
    run = f"scaling-{workers}"
    source = course.broker.create(f"{run}.in", PARTITIONS)
    task = replace(course.task(run, wait_ms=WAIT_MS), source=source)
    env = course.env({"CONVMINE_RUNTIME_IN_FLIGHT": str(IN_FLIGHT)})
    busy_s = _SETTLE_S + seconds + _SLACK_S
    backlog = list(segments(source, int(workers * busy_s * CEILING * _UNEVEN)))
    with ExitStack() as stack:
        alive: list[Alive] = []
        for number in range(workers):
            log = course.folder / f"{run}-{number}.log"
            alive.append(Alive(stack.enter_context(running(task.command("convmine"), env, log)), log))
        members = joined(course, task, alive)
        course.broker.fill(source, backlog)
        wait(lambda: bool(sum(course.broker.counts(task.target))), alive, f"{run}: the first output")
        time.sleep(_SETTLE_S + seconds)
        waiting = course.broker.waiting(task.group, source)
        if idle := idle_members(members, waiting, _SLACK_S / 2 * CEILING):
            raise RuntimeError(f"{run}: the members with the partitions {idle} had no more to do: {waiting}")
        times = course.broker.append_times(task.target)
    return rate_between(times, _SETTLE_S, seconds)


def joined(course: Course, task: Task, alive: Sequence[Alive]) -> list[list[int]]:
    """The partitions of each worker, once each has some.

    Raises:
        TimeoutError: not within two minutes.
    """
    found: list[list[int]] = []

    def all_have_some() -> bool:
        found[:] = [member.get(task.source, []) for member in course.broker.members(task.group)]
        return len(found) == len(alive) and all(found)

    wait(all_have_some, alive, f"{len(alive)} workers with partitions")
    return found


def wait(true: Callable[[], bool], alive: Sequence[Alive], what: str, *, seconds: float = _JOINED_S) -> None:
    """Until something is true, while these programs run.

    Raises:
        RuntimeError: one of them has ended by itself.
        TimeoutError: it is not true after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not true():
        for one in alive:
            one.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.5)
