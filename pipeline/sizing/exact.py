"""The same lines event by event: each call, each partition, each worker, in the order in which things happen.

Costs a few microseconds an event, so it is for thousands of calls: to test ``slots`` against, and to predict a run that
is small enough to be made (``benchmarks/plan_validation.py``).
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import numpy as np

from pipeline.sizing.line import Line, Outage, Passed, Scaling, ordered

_BITS: Final = (1 << 64) - 1


@dataclass(slots=True, eq=False)
class _Item:
    """One event of a call that waits or is at work."""

    call: int
    came: float
    partition: int
    run: int = 0


@dataclass(slots=True)
class _Worker:
    waiting: deque[_Item] = field(default_factory=deque)
    busy: list[_Item] = field(default_factory=list)
    down_until: float = 0.0


@dataclass(slots=True)
class _State:
    line: Line
    workers: list[_Worker]
    seconds: list[float] = field(default_factory=list)
    keys: dict[int, deque[_Item]] = field(default_factory=dict)
    lag: int = 0
    most_lag: int = 0
    busy_s: float = 0.0
    worker_s: float = 0.0
    changed: float = 0.0
    coming: int = 0
    fewer_since: float | None = None
    owed: dict[str, float] = field(default_factory=lambda: defaultdict(float))


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
    """One run; ``service`` draws the seconds of an event, and with it all is decided by the seed.

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
        self._states = {line.name: _State(line, [_Worker() for _ in range(line.workers)]) for line in ordered(lines)}
        self._fed: dict[str, list[_State]] = defaultdict(list)
        for state in self._states.values():
            for source in state.line.sources:
                self._fed[source].append(state)
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
        self._last = list(self._states)[-1] if self._states else ""

    def run(self, calls: Mapping[str, Sequence[float]], outages: Sequence[Outage] = ()) -> Exact:
        """Calls by lane, each with when it comes in; runs until all is done."""
        numbers = count()
        for lane, times in calls.items():
            for at in times:
                self._at(float(at), _bound(self._come, lane, next(numbers)))
        for one in outages:
            self._at(one.at_s, _bound(self._fail, one))
        if self._scaling is not None:
            self._at(0.0, self._poll)
        while self._due:
            at, _, what = heapq.heappop(self._due)
            for state in self._states.values():
                self._area[state.line.name] += state.lag * (at - self._now)
            self._now = at
            what()
        end = self._now or 1.0
        whole = tuple(self._ended[call] - came for call, came in self._came.items() if call in self._ended)
        area = {name: self._area[name] / end for name in self._states}
        return Exact(tuple(_told(one, end) for one in self._states.values()), end, whole, tuple(self._done_at), area)

    def _at(self, at: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (at, next(self._number), what))

    def _come(self, lane: str, call: int) -> None:
        self._came[call] = self._now
        self._open += 1
        self._feed(lane, call)
        self._open -= 1

    def _feed(self, source: str, call: int) -> None:
        for state in self._fed[source]:
            state.owed[source] += state.line.sources[source]
            while state.owed[source] >= 1 - 1e-9:
                state.owed[source] -= 1
                self._arrive(state, call)

    def _arrive(self, state: _State, call: int) -> None:
        partition = _spread(call) % state.line.partitions
        item = _Item(call, self._now, partition)
        self._open += 1
        state.lag += 1
        state.most_lag = max(state.most_lag, state.lag)
        worker = state.workers[partition % len(state.workers)]
        worker.waiting.append(item)
        self._start(state, worker)

    def _start(self, state: _State, worker: _Worker) -> None:
        """Take up what waits, one event of a call at a time."""
        while worker.waiting and len(worker.busy) < state.line.at_once and self._now >= worker.down_until:
            item = worker.waiting.popleft()
            if item.call in state.keys:
                state.keys[item.call].append(item)
                continue
            state.keys[item.call] = deque()
            worker.busy.append(item)
            begin = self._now
            for limit, units in state.line.uses.items():
                if limit in self._limits and units:
                    turn = max(self._now, self._free_at[limit])
                    self._free_at[limit] = turn + units / self._limits[limit]
                    begin = max(begin, turn)
            seconds = self._service(state.line)
            state.busy_s += begin - self._now + seconds
            item.run += 1
            self._at(begin + seconds, _bound(self._finish, state, worker, item, item.run))

    def _service(self, line: Line) -> float:
        if not line.cv:
            return line.service_s
        shape = 1 / line.cv**2
        return float(self._chance.gamma(shape, line.service_s / shape))

    def _finish(self, state: _State, worker: _Worker, item: _Item, run: int) -> None:
        if item not in worker.busy or item.run != run:
            return  # its worker died meanwhile: it is done again
        worker.busy.remove(item)
        state.lag -= 1
        state.seconds.append(self._now - item.came)
        if state.line.name == self._last:
            self._done_at.append(self._now)
        self._ended[item.call] = self._now
        worker.waiting.extendleft(reversed(state.keys.pop(item.call)))
        self._feed(state.line.name, item.call)
        self._open -= 1
        self._start(state, worker)

    def _fail(self, one: Outage) -> None:
        state = self._states[one.line]
        worker = state.workers[0]
        worker.down_until = self._now + one.lasts_s
        for item in reversed(worker.busy):
            worker.waiting.extendleft(reversed(state.keys.pop(item.call)))
            worker.waiting.appendleft(item)
        worker.busy.clear()
        self._at(worker.down_until, _bound(self._start, state, worker))

    def _poll(self) -> None:
        scaling = self._scaling
        assert scaling is not None
        for state in self._states.values():
            line, now = state.line, len(state.workers)
            wanted = scaling.wanted(line, state.lag)
            if wanted > max(now, state.coming):
                state.coming = wanted
                self._at(self._now + line.start_s, _bound(self._resize, state, wanted))
                state.fewer_since = None
            elif wanted < now:
                state.fewer_since = self._now if state.fewer_since is None else state.fewer_since
                if self._now - state.fewer_since >= scaling.cool_s:
                    self._resize(state, scaling.fewer(now, wanted))
                    state.fewer_since, state.coming = None, 0
            else:
                state.fewer_since = None
        if self._open or self._due:
            self._at(self._now + scaling.poll_s, self._poll)

    def _resize(self, state: _State, number: int) -> None:
        """The partitions are dealt anew; what was at work is begun again, after the pause."""
        assert self._scaling is not None
        state.worker_s += len(state.workers) * (self._now - state.changed)
        state.changed = self._now
        waiting = [item for worker in state.workers for item in (*worker.busy, *worker.waiting)]
        waiting += [item for lane in state.keys.values() for item in lane]
        state.keys.clear()
        for worker in state.workers:
            worker.busy.clear()
        until = self._now + self._scaling.pause_s
        state.workers = [_Worker(down_until=until) for _ in range(number)]
        for item in sorted(waiting, key=lambda one: one.came):
            state.workers[item.partition % number].waiting.append(item)
        for worker in state.workers:
            self._at(until, _bound(self._start, state, worker))


def _spread(call: int) -> int:
    """As evenly as a hash of its key, and as unevenly: Steele's SplitMix64."""
    mixed = (call + 1) * 0x9E3779B97F4A7C15 & _BITS
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _BITS
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _BITS
    return mixed ^ mixed >> 31


def _bound(what: Callable[..., None], *given: object) -> Callable[[], None]:
    return lambda: what(*given)


def _told(state: _State, end: float) -> Passed:
    line = state.line
    seconds = np.array(state.seconds or [0.0])
    worker_s = state.worker_s + len(state.workers) * (end - state.changed)
    return Passed(
        line.name,
        len(state.seconds),
        float(np.quantile(seconds, 0.5)),
        float(np.quantile(seconds, 0.95)),
        float(seconds.mean()),
        float(state.most_lag),
        state.busy_s / (worker_s * line.at_once) if worker_s else 0.0,
        worker_s,
    )
