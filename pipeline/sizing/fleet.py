"""From calls and costs to lines: how much each stage gets in the busiest hour, and how many workers that takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pipeline.sizing.costs import Costs, Engine, Model, StageCost, Talk
from pipeline.sizing.demand import Demand
from pipeline.sizing.line import Line

FEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "asr.batch": ("batch",),
    "extract.batch": ("asr.batch",),
    "flow.batch": ("extract.batch",),
    "suggest.batch": ("flow.batch",),
    "index.batch": ("flow.batch",),
    "asr.live": ("live",),
    "extract.live": ("asr.live",),
    "flow.live": ("extract.live",),
    "suggest.live": ("flow.live",),
    "compliance.live": ("asr.live",),
    "recap.live": ("asr.live",),
    "index.live": ("flow.live",),
    "graph.batch": ("flow.batch", "flow.live"),
    "webhook.batch": ("extract.batch", "extract.live"),
}
"""Which stage each waits for, in calls: of several that it reads, the one that comes last. What two lanes feed has the
live one second.
"""
REQUESTS: Final = "LLM requests"
TOKENS: Final = "LLM tokens"
POINTS: Final = "store"
_STEP: Final = 6
"""Partitions come in multiples of it: 6, 12 and 18 are dealt evenly to 1, 2, 3 and 6 workers."""
_CHUNKS_AT_ONCE: Final = 4
"""Requests about one recorded call that are under way together (``CONVMINE_EXTRACT_CHUNKS_AT_ONCE``)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is planned for: the calls, what they cost, and who hears and reads them; None for a model is no model.

    ``partitions`` and ``gpus`` are what there is, where that is given.
    """

    demand: Demand
    costs: Costs
    engine: Engine
    model: Model | None
    partitions: int | None = None
    gpus: int | None = None


@dataclass(frozen=True, slots=True)
class Station:
    """A line, and what it takes of a machine: ``need`` are the workers that the busiest hour keeps busy, in full."""

    line: Line
    need: float
    events: float
    per_s: float
    gpu: bool
    memory_mb: float

    @property
    def lane(self) -> str:
        return self.line.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Fleet:
    """The stages, the partitions of every topic, and what they share, in units a second."""

    stations: tuple[Station, ...]
    partitions: int
    limits: Mapping[str, float]
    model_gpus: int
    store_nodes: int

    @property
    def lines(self) -> list[Line]:
        return [one.line for one in self.stations]


def fleet_of(choice: Choice) -> Fleet:
    """What the busiest hour takes, at the share of a worker's time that is planned for (``bounds.use``).

    The live lane has that many workers all day; the others are scaled on lag, from one to as many.
    """
    bounds, demand = choice.costs.bounds, choice.demand
    loose = [_line(name, choice) for name in FEEDS]
    needs = [_per_s(line, demand) / line.rate / bounds.use if _per_s(line, demand) else 0.0 for line in loose]
    partitions = choice.partitions or _partitions(choice, needs)
    stations = []
    for line, need in zip(loose, needs, strict=True):
        gpu = _is_gpu(line.name, choice)
        most = _workers(need, partitions, line)
        if gpu and choice.gpus is not None:
            most = min(most, max(1, choice.gpus))
        live = line.name.endswith(".live")
        workers = (most if live else 1) if _per_s(line, demand) else 0
        planned = _with(line, partitions, workers, most if workers else 0)
        cost = choice.costs.stages[line.name]
        memory = cost.memory_mb + (choice.engine.memory_mb if line.name.startswith("asr.") else 0)
        each = sum(demand.of(source) * number for source, number in _calls(line).items())
        stations.append(Station(planned, need * bounds.use, each, _per_s(line, demand), gpu, memory))
    limits, gpus, nodes = _limits(choice, stations)
    return Fleet(tuple(one for one in stations if one.events), partitions, limits, gpus, nodes)


def _line(name: str, choice: Choice) -> Line:
    lane = name.rpartition(".")[2]
    cost, bounds, minutes = choice.costs.stages[name], choice.costs.bounds, choice.demand.minutes
    events = cost.events_per_call + cost.events_per_minute * minutes
    first, *second = FEEDS[name]
    sources = {first: events}
    for other in second:
        sources[other] = cost.events_per_live_call + cost.events_per_live_minute * minutes
    cpu = cost.cpu_s + cost.cpu_s_per_minute * minutes + bounds.hop_cpu_s
    wait, busy, uses = cost.wait_s, 0.0, dict[str, float]()
    start_s = bounds.start_s
    if name.startswith("asr."):
        hear, hear_busy, hear_wait = _hearing(choice.engine, lane, minutes, events)
        cpu, wait, busy, start_s = cpu + hear, wait + hear_wait, hear_busy, choice.engine.start_s
    talk = choice.costs.talk.get(name)
    if choice.model is not None and talk is not None and events:
        cpu = talk.cpu_s + bounds.hop_cpu_s
        wait += _asking(talk, choice.model, minutes, events)
        uses = _asked(talk, minutes, events)
    points = choice.costs.points.per_minute.get(lane, 0.0) * minutes
    if name.startswith("index.") and events:
        uses[POINTS] = points / events
    service = cpu + wait + busy
    at_once = max(1, min(bounds.in_flight, int((cpu + wait) / cpu))) if not busy else _beside(choice.engine, lane)
    return Line(
        name,
        sources,
        service * (at_once if busy else 1),
        at_once=at_once,
        cv=_cv(name, cost, choice),
        uses=uses,
        key_rate=cost.events_per_minute / 60 if lane == "live" else 0.0,
        start_s=start_s,
    )


def _beside(engine: Engine, lane: str) -> int:
    """Live pieces that a GPU has at work together: each takes as much longer, and in all as many get done."""
    return int(engine.live_at_once) if lane == "live" else 1


def _cv(name: str, cost: StageCost, choice: Choice) -> float:
    """Where an event is a whole call, times differ as the calls' lengths do; others as much as their mean."""
    whole = cost.events_per_minute == 0 and (cost.cpu_s_per_minute > 0 or name.startswith("asr."))
    return choice.demand.spread if whole else 1.0


def _hearing(engine: Engine, lane: str, minutes: float, events: float) -> tuple[float, float, float]:
    """Seconds of CPU, GPU and waiting that recognition adds to an event."""
    if not events:
        return 0.0, 0.0, 0.0
    factor = (engine.live_factor if lane == "live" else 1.0) * minutes / events
    return engine.cpu_s_per_minute * factor, engine.gpu_s_per_minute * factor, engine.wait_s_per_minute * factor


def _asking(talk: Talk, model: Model, minutes: float, events: float) -> float:
    requests = (talk.requests_per_call + talk.requests_per_minute * minutes) / events
    return model.seconds * (requests if requests <= 1 else max(1.0, requests / _CHUNKS_AT_ONCE))


def _asked(talk: Talk, minutes: float, events: float) -> dict[str, float]:
    requests = talk.requests_per_call + talk.requests_per_minute * minutes
    tokens = (talk.input_per_minute + talk.output_per_minute) * minutes
    return {REQUESTS: requests / events, TOKENS: tokens / events}


def _calls(line: Line) -> dict[str, float]:
    """Events by the lane of the calls that they are of."""
    return {(source if "." not in source else source.rpartition(".")[2]): each for source, each in line.sources.items()}


def _per_s(line: Line, demand: Demand) -> float:
    """Events a second in the busiest hour."""
    whole = sum(demand.of(lane) * each for lane, each in _calls(line).items())
    return whole / demand.calls * demand.peak_per_s if demand.calls else 0.0


def _is_gpu(name: str, choice: Choice) -> bool:
    return name.startswith("asr.") and choice.engine.gpu_s_per_minute > 0


def _partitions(choice: Choice, needs: list[float]) -> int:
    """Twice as many as the stage with most workers needs, and enough for the live calls that go on.

    Two for each worker, so that none has more than the others, and twice the load finds room.
    """
    held = choice.demand.live_at_once / choice.costs.bounds.live_calls_per_partition
    least = max([2 * math.ceil(need) for need in needs] + [held, 1.0])
    return _STEP * math.ceil(least / _STEP)


def _workers(need: float, partitions: int, line: Line) -> int:
    """The fewest workers whose fullest one keeps up; never more than there are partitions."""
    number = max(1, math.ceil(need))
    whole = _with(line, partitions, 1, 1)
    while number < partitions and whole.even(number) < need:
        number += 1
    return min(number, partitions)


def _with(line: Line, partitions: int, workers: int, most: int) -> Line:
    return replace(line, partitions=partitions, workers=workers, most_workers=most)


def _limits(choice: Choice, stations: list[Station]) -> tuple[dict[str, float], int, int]:
    """What lines share, in units a second; GPUs for a model of one's own, and nodes of the store."""
    limits: dict[str, float] = {}
    gpus = 0
    model, points = choice.model, choice.costs.points
    if model is not None:
        tokens = sum(one.per_s * one.line.uses.get(TOKENS, 0.0) for one in stations)
        if model.tokens_per_gpu_s:
            gpus = max(1, math.ceil(tokens / model.tokens_per_gpu_s / choice.costs.bounds.use))
            limits[TOKENS] = gpus * model.tokens_per_gpu_s
        elif model.tokens_per_minute:
            limits[TOKENS] = model.tokens_per_minute / 60
        if model.requests_per_minute:
            limits[REQUESTS] = model.requests_per_minute / 60
    written = sum(one.per_s * one.line.uses.get(POINTS, 0.0) for one in stations)
    nodes = max(1, math.ceil(written / points.per_node_s / choice.costs.bounds.use))
    limits[POINTS] = nodes * points.per_node_s
    return limits, gpus, nodes
