"""Where it breaks first: how many times the load each bound carries, and from which load on the day goes wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipeline.sizing.fleet import Choice, Fleet
from pipeline.sizing.line import Passed
from pipeline.sizing.slots import gamma_tenths, simulate
from pipeline.sizing.storing import Storage
from pipeline.stages import TOPICS

SLOT_S: Final = 300.0
"""Seconds of a slot while the load is raised: coarser than the day's, since nothing scales then, and a curve of hours
has no more in it.
"""
_MOST: Final = 64.0


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that holds up to ``times`` the load that is planned for; ``then`` is what helps."""

    what: str
    times: float
    then: str


@dataclass(frozen=True, slots=True)
class Broken:
    """From how many times the load on a stage misses its goal, by the simulation: the first, and why."""

    times: float
    stage: str
    why: str


def bounds_of(choice: Choice, fleet: Fleet, storage: Storage, brokers: int) -> list[Bound]:
    """All bounds, the nearest first, by the busiest hour's mean; 1 is just carried.

    A stage's time for one call is not raised by more calls: it is named with 0 where one call alone is too much.
    """
    found = []
    for one in fleet.stations:
        if not one.per_s:
            continue
        line = one.line
        if line.key_rate * line.service_s >= 1:
            found.append(Bound(f"one call in {line.name}", 0.0, "quicker answers, or less often: no worker helps"))
        able = line.even(line.most) * line.rate
        found.append(Bound(f"workers of {line.name}", able / one.per_s, f"more than {line.most}"))
        whole = line.partitions * line.rate
        found.append(Bound(f"partitions of {line.name}", whole / one.per_s, f"more than {line.partitions}"))
    for name, rate in fleet.limits.items():
        asked = sum(one.per_s * one.line.uses.get(name, 0.0) for one in fleet.stations)
        if asked:
            found.append(Bound(name, rate / asked, _ADVICE[name]))
    bounds = choice.costs.bounds
    topics = fleet.partitions * len(TOPICS)
    apart = math.ceil(topics / bounds.partitions_per_cluster)
    then = f"{apart} installations, by tenant or region" if apart > 1 else "a second installation, by tenant or region"
    found.append(Bound("partitions of one Kafka cluster", bounds.partitions_per_cluster / topics, then))
    if choice.demand.live_at_once:
        held = fleet.partitions * bounds.live_calls_per_partition
        then = "more partitions, or a larger CONVMINE_RUNTIME_AUDIO_WINDOW"
        found.append(Bound("live calls a partition", held / choice.demand.live_at_once, then))
    if storage.peak_bytes_s:
        written = storage.peak_bytes_s * bounds.replication / 1e6
        found.append(Bound("Kafka's brokers", brokers * bounds.broker_mb_s / written, f"more than {brokers} brokers"))
    return sorted(found, key=lambda one: one.times)


_ADVICE: Final[Mapping[str, str]] = {
    "LLM requests": "a higher limit of the account, a second account, or fewer requests",
    "LLM tokens": "a higher limit or more GPUs, or CONVMINE_EXTRACT_LIVE_EVERY_S longer",
    "store": "more nodes of the store",
}


def missed(passed: Sequence[Passed], goals_s: Mapping[str, float], service_s: Mapping[str, float]) -> Passed | None:
    """The stage that misses its lane's goal by most: the time that events wait, besides what they take."""

    def over(one: Passed) -> float:
        lane = one.name.rpartition(".")[2]
        waits = one.p95_s - service_s[one.name]
        return waits / goals_s[lane] if math.isfinite(waits) else math.inf

    worst = max(passed, key=over, default=None)
    return worst if worst is not None and over(worst) > 1 else None


def breaks_at(choice: Choice, fleet: Fleet, goals_s: Mapping[str, float]) -> Broken | None:
    """The load, in multiples of what is planned for, from which a stage's p95 misses its goal, all workers running.

    Found by doubling and halving, to 2 %. None: not up to 64 times.
    """
    low, high, worst = 0.0, 1.0, _failing(choice, fleet, goals_s, 1.0)
    while worst is None and high < _MOST:
        low, high = high, 2 * high
        worst = _failing(choice, fleet, goals_s, high)
    if worst is None:
        return None
    while high - low > 0.02 * high and high > 1 / _MOST:
        middle = (low + high) / 2
        found = _failing(choice, fleet, goals_s, middle)
        low, high, worst = (middle, high, worst) if found is None else (low, middle, found)
    return Broken(high, worst.name, _why(worst, fleet, high))


def _failing(choice: Choice, fleet: Fleet, goals_s: Mapping[str, float], times: float) -> Passed | None:
    lines = [replace(line, workers=line.most) for line in fleet.lines]
    calls = {lane: choice.demand.slots(lane, SLOT_S) * times for lane in ("batch", "live")}
    passed = simulate(lines, calls, slot_s=SLOT_S, limits=fleet.limits)
    return missed(passed, goals_s, {line.name: service_p95(line.service_s, line.cv) for line in lines})


def service_p95(mean_s: float, cv: float) -> float:
    """The service time that 95 % do not pass, by the tenths that the simulation works with."""
    return gamma_tenths(mean_s, cv)[-1] if cv else mean_s


def _why(worst: Passed, fleet: Fleet, times: float) -> str:
    """The bound of this stage that is nearest: a limit that it shares, its partitions, or its workers."""
    station = next(one for one in fleet.stations if one.line.name == worst.name)
    line = station.line
    if line.key_rate * line.service_s >= 1:
        return "one call alone"
    shared = {
        name: rate / asked
        for name, rate in fleet.limits.items()
        if line.uses.get(name) and (asked := sum(one.per_s * one.line.uses.get(name, 0.0) for one in fleet.stations))
    }
    workers = line.even(line.most) * line.rate / station.per_s
    name, least = min(shared.items(), key=lambda one: one[1], default=("", math.inf))
    if least < min(workers, times * 1.3):
        return name
    return "GPUs" if station.gpu else ("partitions" if line.most >= line.partitions else "workers")
