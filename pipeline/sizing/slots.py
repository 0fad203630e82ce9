"""A day by time slots: what any number of calls a day does to the lines, in the time that one day of slots takes.

In a slot, what arrives beyond what is served waits (a fluid line, exact for overload that lasts), and to that comes the
wait that chance brings within the slot, by the formulas of ``queueing`` for each worker's own line (exact for steady
load). Both errors shrink as calls grow: a slot's count varies by one over its root. ``tests/pipeline/sizing`` compares
it with ``exact``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Final

import numpy as np

from pipeline.sizing.line import Line, Outage, Passed, Scaling, ordered
from pipeline.sizing.queueing import Array, erlang_c, mean_wait_s, percentile

_NEAR_FULL: Final = 0.98
"""Use of a worker beyond which chance's part is not taken to grow any more: what is beyond lasts, and waits in the
fluid line.
"""
_LONGEST_SLOTS: Final = 10
"""Slots that chance's part may last at most: a longer line would not be steady within the slot that it is told of."""


@dataclass(slots=True)
class _Course:
    """How one line does, slot by slot."""

    line: Line
    inflow: Array
    behind_s: Array
    use: Array
    down: Array
    backlog: float = 0.0
    most_lag: float = 0.0
    worker_s: float = 0.0
    workers: int = 1
    coming: list[tuple[float, int]] = field(default_factory=list)
    fewer_since: float | None = None
    pause_s: float = 0.0
    wanted_before: float = 0.0
    by_chance: float = 0.0
    """Events that wait or are at work besides those of the fluid line, as the slot before had them."""


def simulate(  # noqa: PLR0913 - what a day is made of, each named
    lines: Sequence[Line],
    calls: Mapping[str, Array],
    *,
    slot_s: float,
    limits: Mapping[str, float] | None = None,
    outages: Sequence[Outage] = (),
    scaling: Scaling | None = None,
) -> list[Passed]:
    """How the lines pass a day.

    Args:
        lines: the stages.
        calls: of each lane, how many calls come in each slot.
        slot_s: seconds of a slot.
        limits: units a second of what lines share, by name.
        outages: workers that fail.
        scaling: how workers are added; without it each line keeps those it has.
    """
    count = len(next(iter(calls.values())))
    courses = {line.name: _course(line, count) for line in ordered(lines)}
    for one in outages:
        course, first = courses[one.line], int(one.at_s // slot_s)
        for slot in range(first, min(count, int((one.at_s + one.lasts_s) // slot_s) + 1)):
            begin, end = max(one.at_s, slot * slot_s), min(one.at_s + one.lasts_s, (slot + 1) * slot_s)
            course.down[slot] += max(0.0, end - begin) / slot_s
    for slot in range(count):
        passed = {lane: float(arrived[slot]) for lane, arrived in calls.items()}
        shares = _shares(courses, limits or {}, slot_s)
        for course in courses.values():
            if scaling is not None:
                _scale(course, slot * slot_s, slot_s, scaling)
            passed[course.line.name] = _pass(course, slot, slot_s, passed, shares)
    return [_told(course, slot_s) for course in courses.values()]


def _course(line: Line, count: int) -> _Course:
    inflow, behind_s, use, down = (np.zeros(count) for _ in range(4))
    return _Course(line, inflow, behind_s, use, down, workers=line.workers)


def _shares(courses: Mapping[str, _Course], limits: Mapping[str, float], slot_s: float) -> dict[str, dict[str, float]]:
    """What of a limit each line may use in a slot: all that the others left in the one before, or its part."""
    found: dict[str, dict[str, float]] = {}
    for name, rate in limits.items():
        users = [one for one in courses.values() if one.line.uses.get(name)]
        asked = {one.line.name: one.wanted_before * one.line.uses[name] for one in users}
        total, whole = sum(asked.values()), rate * slot_s
        found[name] = {
            line: max(whole - (total - mine), whole * mine / total if total else whole) for line, mine in asked.items()
        }
    return found


def _pass(
    course: _Course, slot: int, slot_s: float, passed: Mapping[str, float], shares: Mapping[str, Mapping[str, float]]
) -> float:
    """One slot of one line; gives back of how many events all is done, in calls' worth of its first source."""
    line = course.line
    inflow = sum(passed.get(source, 0.0) * each for source, each in line.sources.items())
    even = max(0.0, line.even(course.workers) - course.down[slot]) * max(0.0, 1 - course.pause_s / slot_s)
    course.pause_s = max(0.0, course.pause_s - slot_s)
    able = even * line.rate * slot_s
    course.wanted_before = min(course.backlog + inflow, able)
    for limit, each in line.uses.items():
        if limit in shares and each:
            able = min(able, max(0.0, shares[limit][line.name]) / each)
    before = course.backlog
    done = min(before + inflow, able)
    course.backlog = before + inflow - done
    course.inflow[slot] = inflow
    course.use[slot] = inflow / able if able else float(inflow > 0)
    course.behind_s[slot] = (before + course.backlog) / 2 / able * slot_s if able else slot_s * bool(inflow)
    use = min(course.use[slot], _NEAR_FULL)
    course.by_chance = even * line.at_once * use * (1 + use**line.at_once * (1 + line.cv**2) / 2 / (1 - use))
    course.most_lag = max(course.most_lag, course.backlog + course.by_chance)
    course.worker_s += course.workers * slot_s
    return done / inflow_per_call if (inflow_per_call := sum(line.sources.values())) else 0.0


def _scale(course: _Course, now: float, slot_s: float, scaling: Scaling) -> None:
    """Workers that come are there once they have started; then it is asked how many are wanted."""
    line = course.line
    for at, number in [one for one in course.coming if one[0] <= now]:
        course.coming.remove((at, number))
        course.workers = max(course.workers, number)
        course.pause_s += scaling.pause_s
    if line.most == line.workers or now % scaling.poll_s >= slot_s:
        return
    wanted = scaling.wanted(line, course.backlog + course.by_chance)
    if wanted > max([course.workers, *(number for _, number in course.coming)]):
        course.coming.append((now + line.start_s, wanted))
        course.fewer_since = None
    elif wanted < course.workers:
        course.fewer_since = now if course.fewer_since is None else course.fewer_since
        if now - course.fewer_since >= scaling.cool_s:
            course.workers, course.fewer_since = scaling.fewer(course.workers, wanted), None
            course.pause_s += scaling.pause_s
    else:
        course.fewer_since = None


def _told(course: _Course, slot_s: float) -> Passed:
    line = course.line
    chances, means = _by_chance(course, slot_s)
    in_turn = line.key_rate * line.service_s
    own_s = line.service_s * in_turn / (2 * (1 - in_turn)) if in_turn < 1 else float("inf")
    offsets = course.behind_s + line.service_s + own_s
    offsets, chances, means, weights = _spread(line, offsets, chances, means, course.inflow)
    total = float(weights.sum())
    average = float((weights * (offsets + chances * means)).sum()) / total if total else 0.0
    return Passed(
        line.name,
        float(course.inflow.sum()),
        percentile(0.5, weights, offsets, chances, means),
        percentile(0.95, weights, offsets, chances, means),
        average,
        course.most_lag,
        float(course.inflow.max(initial=0.0)) / (line.even(line.most) * line.rate * slot_s) if line.most else 0.0,
        course.worker_s,
        course.backlog,
    )


_TENTHS: Final = (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95)


def _spread(line: Line, offsets: Array, chances: Array, means: Array, weights: Array) -> tuple[Array, ...]:
    """Where service times differ, ten of them instead of their mean: those of a gamma distribution."""
    if not line.cv or not line.service_s:
        return offsets, chances, means, weights
    times = gamma_tenths(line.service_s, line.cv)
    parts = len(times)
    return (
        np.concatenate([offsets - line.service_s + time for time in times]),
        np.tile(chances, parts),
        np.tile(means, parts),
        np.tile(weights / parts, parts),
    )


def gamma_tenths(mean: float, cv: float) -> list[float]:
    """The middles of ten equal parts of a gamma distribution, by Wilson and Hilferty's approximation.

    Source: Wilson and Hilferty, The Distribution of Chi-square, 1931.
    """
    shape = 1 / (cv * cv)
    normal = NormalDist()
    cubes = [1 - 1 / (9 * shape) + normal.inv_cdf(share) / (3 * shape**0.5) for share in _TENTHS]
    return [mean * max(0.0, cube) ** 3 for cube in cubes]


def _by_chance(course: _Course, slot_s: float) -> tuple[Array, Array]:
    """The chance and the mean of waiting, slot by slot: each worker has a line of its own."""
    line = course.line
    use: Array = np.minimum(course.use, _NEAR_FULL)
    servers = line.at_once
    rounded = np.round(use, 3)  # formulas are asked for a thousand values at most
    table = {value: erlang_c(servers, value * servers) for value in np.unique(rounded)}
    chances: Array = np.array([table[value] for value in rounded], dtype=np.float64)
    return chances, np.minimum(mean_wait_s(servers, use, line.service_s, line.cv), _LONGEST_SLOTS * slot_s)
