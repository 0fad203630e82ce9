"""The plan: what so many calls a day need, how a day goes with it, what it costs, and where it breaks first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pipeline.sizing.breaking import Bound, Broken, bounds_of, breaks_at
from pipeline.sizing.costs import Costs, Model
from pipeline.sizing.fleet import Choice, Fleet, fleet_of
from pipeline.sizing.line import Line, Outage, Passed, Scaling
from pipeline.sizing.slots import simulate
from pipeline.sizing.storing import GB, Storage, storage_of
from pipeline.stages import TOPICS

SLOT_S: Final = 30.0
"""Seconds of a slot of the day: how often KEDA asks for the lag."""
_DAYS_A_MONTH: Final = 30.4
_LANES: Final = ("batch", "live")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What language models are asked in a day."""

    requests: float
    input: float
    output: float

    def usd(self, model: Model) -> float:
        """What a model costs for them, in US dollars."""
        return (self.input * model.input_usd + self.output * model.output_usd) / 1e6


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it; ``money`` is US dollars a day by what they are paid for."""

    choice: Choice
    fleet: Fleet
    day: tuple[Passed, ...]
    outages: int
    storage: Storage
    brokers: int
    asr_gpus: int
    tokens: Tokens
    memory_mb: float
    money: Mapping[str, float]
    bounds: tuple[Bound, ...]
    broken: Broken | None

    @property
    def fits(self) -> bool:
        """Whether what is there carries the busiest hour."""
        return all(bound.times >= 1 for bound in self.bounds)


def plan_of(choice: Choice, *, goals_s: Mapping[str, float], seed: int = 0, scaled: bool = True) -> Plan:
    """Plan, and live through a day with it.

    Args:
        choice: the calls, and what they cost.
        goals_s: of each lane, the seconds that 95 % of the events of a stage may wait.
        seed: decides which workers fail when.
        scaled: whether workers of the batch lane come and go with the lag; otherwise the most run all day.
    """
    fleet = fleet_of(choice)
    storage = storage_of(choice.demand, choice.costs)
    brokers = _brokers(choice.costs, fleet, storage)
    lines = fleet.lines if scaled else [_full(line) for line in fleet.lines]
    outages = outages_of(fleet, choice.costs, seed)
    limits = choice.costs.bounds
    scaling = Scaling(poll_s=limits.poll_s, cool_s=limits.cool_s, pause_s=limits.rebalance_s)
    calls = {lane: choice.demand.slots(lane, SLOT_S) for lane in _LANES}
    day = simulate(
        lines, calls, slot_s=SLOT_S, limits=fleet.limits, outages=outages, scaling=scaling if scaled else None
    )
    tokens = _tokens(choice)
    gpus = sum(one.line.most for one in fleet.stations if one.gpu)
    memory = sum(one.line.most * one.memory_mb for one in fleet.stations)
    return Plan(
        choice,
        fleet,
        tuple(day),
        len(outages),
        storage,
        brokers,
        gpus,
        tokens,
        memory,
        _money(choice, fleet, day, storage, tokens, brokers),
        tuple(bounds_of(choice, fleet, storage, brokers)),
        breaks_at(choice, fleet, goals_s) if fleet.stations else None,
    )


def _full(line: Line) -> Line:
    return replace(line, workers=line.most)


def outages_of(fleet: Fleet, costs: Costs, seed: int) -> list[Outage]:
    """Workers die by chance, evenly over the day; the partitions of one wait for the session to time out."""
    chance = np.random.default_rng(seed)
    bounds = costs.bounds
    found = []
    for line in fleet.lines:
        number = int(chance.poisson(line.most * bounds.failures_per_worker_day))
        times = np.sort(chance.uniform(0, 86_400, number))
        lasts = bounds.session_timeout_s + bounds.rebalance_s
        found += [Outage(line.name, float(at), lasts) for at in times]
    return found


def _brokers(costs: Costs, fleet: Fleet, storage: Storage) -> int:
    """By bytes a second and by partitions, with every copy; three at least, as copies are kept on different ones."""
    bounds = costs.bounds
    copies = fleet.partitions * len(TOPICS) * bounds.replication
    by_rate = storage.peak_bytes_s * bounds.replication / 1e6 / bounds.broker_mb_s / bounds.use
    return max(bounds.replication, math.ceil(by_rate), math.ceil(copies / bounds.partitions_per_broker))


def _tokens(choice: Choice) -> Tokens:
    if choice.model is None:
        return Tokens(0.0, 0.0, 0.0)
    requests = given = taken = 0.0
    for name, talk in choice.costs.talk.items():
        calls = choice.demand.of(name.rpartition(".")[2])
        requests += calls * (talk.requests_per_call + talk.requests_per_minute * choice.demand.minutes)
        given += calls * talk.input_per_minute * choice.demand.minutes
        taken += calls * talk.output_per_minute * choice.demand.minutes
    return Tokens(requests, given, taken)


def _money(  # noqa: PLR0913, PLR0917 - what is paid for, each named
    choice: Choice, fleet: Fleet, day: list[Passed], storage: Storage, tokens: Tokens, brokers: int
) -> dict[str, float]:
    prices, bounds, model = choice.costs.prices, choice.costs.bounds, choice.model
    by_name = {one.line.name: one for one in fleet.stations}
    hours = {one.name: one.worker_s / 3_600 for one in day}
    cores = sum(hours[name] for name in hours)
    memory = sum(hours[name] * by_name[name].memory_mb / 1_000 for name in hours)
    gpu = sum(hours[name] for name in hours if by_name[name].gpu) + 24 * fleet.model_gpus
    nodes = 24 * (brokers + fleet.store_nodes)
    disk = (storage.kafka_bytes + storage.store_bytes) / GB * prices.gb_disk_month
    paid = {
        "workers": cores * prices.cpu_hour + memory * prices.gb_memory_hour,
        "GPUs": gpu * prices.gpu_hour,
        "Kafka and store": nodes * bounds.node_cores * prices.cpu_hour
        + (nodes * bounds.node_memory_gb + 24 * storage.store_memory_bytes / GB) * prices.gb_memory_hour,
        "speech by the minute": choice.engine.usd_per_minute * choice.demand.calls * choice.demand.minutes,
        "LLM tokens": 0.0 if model is None else tokens.usd(model),
        "disks and recordings": (disk + storage.recording_bytes / GB * prices.gb_object_month) / _DAYS_A_MONTH,
    }
    return {name: usd for name, usd in paid.items() if usd}
