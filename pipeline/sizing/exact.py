"""The same lines event by event: each call, each partition, each worker, in the order in which things happen.

Costs a few microseconds an event, so it is for thousands of calls: to test ``slots`` against, and to predict a run that
is small enough to be made (``benchmarks/plan_validation.py``).
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

import numpy as np

from pipeline.sizing.exact_stage import Item, Stage, Worker
from pipeline.sizing.line import Line, Outage, Passed, Scaling, ordered


@dataclass(frozen=True, slots=True)
class Exact:
    """What each stage did, and of each call the seconds from its coming in to its last event being done."""

    stages: tuple[Passed, ...]
    end: float
    whole_s: tuple[float, ...]
    done_at: tuple[float, ...]
    """When each event of the last stage was done."""
    mean_in_line: Mapping[str, float]
    """Events of each stage that wait or are at work, on average over time: Little's L."""


class Simulation:
    """One run; the seconds of an event are drawn, and with them all is decided by the seed.

    Args:
        lines: the stages.
        limits: units a second of what lines share: a request waits for its turn, and keeps its place at work meanwhile.
        scaling: how workers are added and taken away; without it they stay.
        seed: of what chance decides: service times, where ``cv`` says that they differ.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        limits: Mapping[str, float] | None = None,
        *,
        scaling: Scaling | None = None,
        seed: int = 0,
    ) -> None:
        self._stages = {line.name: Stage.of(line) for line in ordered(lines)}
        self._fed: dict[str, list[Stage]] = defaultdict(list)
        for stage in self._stages.values():
            for source in stage.line.sources:
                self._fed[source].append(stage)
        self._limits = dict(limits or {})
        self._free_at = dict.fromkeys(self._limits, 0.0)
        self._scaling = scaling
        self._chance = np.random.default_rng(seed)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()
        self._now = 0.0
        self._open = 0
        self._came: dict[int, float] = {}
        self._ended: dict[int, float] = {}
        self._area: dict[str, float] = defaultdict(float)
        self._done_at: list[float] = []
        self._last = list(self._stages)[-1] if self._stages else ""

    def run(self, calls: Mapping[str, Sequence[float]], outages: Sequence[Outage] = ()) -> Exact:
        """Calls by lane, each with when it comes in; runs until all is done."""
        numbers = count()
        for lane, times in calls.items():
            for at in times:
                self._at(float(at), partial(self._come, lane, next(numbers)))
        for one in outages:
            self._at(one.at_s, partial(self._fail, one))
        if self._scaling is not None:
            self._at(0.0, partial(self._poll, self._scaling))
        while self._due:
            at, _, what = heapq.heappop(self._due)
            for name, stage in self._stages.items():
                self._area[name] += stage.lag * (at - self._now)
            self._now = at
            what()
        end = self._now or 1.0
        whole = tuple(self._ended[call] - came for call, came in self._came.items() if call in self._ended)
        area = {name: self._area[name] / end for name in self._stages}
        stages = tuple(stage.passed(end) for stage in self._stages.values())
        return Exact(stages, end, whole, tuple(self._done_at), area)

    def _at(self, at: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (at, next(self._number), what))

    def _come(self, lane: str, call: int) -> None:
        self._came[call] = self._now
        self._feed(lane, call)

    def _feed(self, source: str, call: int) -> None:
        for stage in self._fed[source]:
            for _ in range(stage.fed(source)):
                self._open += 1
                self._start(stage, stage.arrive(call, self._now))

    def _start(self, stage: Stage, worker: Worker) -> None:
        for item in stage.begun(worker, self._now):
            begin = self._turn(stage.line)
            seconds = self._service(stage.line)
            stage.busy_s += begin - self._now + seconds
            self._at(begin + seconds, partial(self._finish, stage, worker, item, item.run))

    def _turn(self, line: Line) -> float:
        """When an event that is begun now has what it takes of the limits that lines share."""
        begin = self._now
        for limit, units in line.uses.items():
            if limit in self._limits and units:
                turn = max(self._now, self._free_at[limit])
                self._free_at[limit] = turn + units / self._limits[limit]
                begin = max(begin, turn)
        return begin

    def _service(self, line: Line) -> float:
        """Seconds of one event: those of the line, or drawn from the gamma distribution with its mean and spread."""
        if not line.cv:
            return line.service_s
        shape = 1 / line.cv**2
        return float(self._chance.gamma(shape, line.service_s / shape))

    def _finish(self, stage: Stage, worker: Worker, item: Item, run: int) -> None:
        if not stage.finish(worker, item, run, self._now):
            return
        if stage.line.name == self._last:
            self._done_at.append(self._now)
        self._ended[item.call] = self._now
        self._feed(stage.line.name, item.call)
        self._open -= 1
        self._start(stage, worker)

    def _fail(self, one: Outage) -> None:
        stage, until = self._stages[one.line], self._now + one.lasts_s
        self._at(until, partial(self._start, stage, stage.die(until)))

    def _poll(self, scaling: Scaling) -> None:
        """Ask for workers or send some away, stage by stage, as long as anything is under way."""
        for stage in self._stages.values():
            now, wanted = len(stage.workers), scaling.wanted(stage.line, stage.lag)
            if wanted > max(now, stage.coming):
                stage.coming = wanted
                self._at(self._now + stage.line.start_s, partial(self._resize, scaling, stage, wanted))
                stage.fewer_since = None
            elif wanted < now:
                stage.fewer_since = self._now if stage.fewer_since is None else stage.fewer_since
                if self._now - stage.fewer_since >= scaling.cool_s:
                    self._resize(scaling, stage, scaling.fewer(now, wanted))
                    stage.fewer_since, stage.coming = None, 0
            else:
                stage.fewer_since = None
        if self._open or self._due:
            self._at(self._now + scaling.poll_s, partial(self._poll, scaling))

    def _resize(self, scaling: Scaling, stage: Stage, number: int) -> None:
        """So many workers from now on; the whole group stands still while partitions are dealt."""
        until = self._now + scaling.pause_s
        stage.deal(number, self._now, until)
        for worker in stage.workers:
            self._at(until, partial(self._start, stage, worker))
