"""One stage as the simulation event by event has it: its workers, what waits for each, and what has been done."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from pipeline.sizing.line import Line, Passed

_BITS: Final = (1 << 64) - 1
_ALMOST: Final = 1e-9
"""So much less than a whole event counts as one: sums of parts are not exact."""


@dataclass(slots=True, eq=False)
class Item:
    """One event of a call that waits or is at work, and when it came; ``run`` counts how often it was begun."""

    call: int
    came: float
    partition: int
    run: int = 0


@dataclass(slots=True)
class Worker:
    """What waits for one worker, and what it has at work; it begins nothing before ``down_until``."""

    waiting: deque[Item] = field(default_factory=deque)
    busy: list[Item] = field(default_factory=list)
    down_until: float = 0.0


@dataclass(slots=True)
class Stage:
    """A line with its workers; times are seconds of the simulation.

    Attributes:
        line: what is simulated.
        workers: partitions are dealt to them in turn.
        lag: events that wait or are at work.
        busy_s: seconds of service that were begun.
        coming: workers that were asked for last and may not be there yet.
        fewer_since: since when fewer workers have been wanted.
    """

    line: Line
    workers: list[Worker]
    lag: int = 0
    most_lag: int = 0
    busy_s: float = 0.0
    coming: int = 0
    fewer_since: float | None = None
    _seconds: list[float] = field(default_factory=list)
    _calls: dict[int, deque[Item]] = field(default_factory=dict)
    """Of each call that has an event at work, the events that wait for it."""
    _owed: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Parts of events that each source still owes."""
    _worker_s: float = 0.0
    _changed: float = 0.0

    @classmethod
    def of(cls, line: Line) -> Stage:
        """With the workers that it begins with."""
        return cls(line, [Worker() for _ in range(line.workers)])

    def fed(self, source: str) -> int:
        """How many events arrive now that a source has passed one more call."""
        whole = 0
        self._owed[source] += self.line.sources[source]
        while self._owed[source] >= 1 - _ALMOST:
            self._owed[source] -= 1
            whole += 1
        return whole

    def arrive(self, call: int, now: float) -> Worker:
        """An event of a call has come; gives the worker that it waits for."""
        item = Item(call, now, _spread(call) % self.line.partitions)
        self.lag += 1
        self.most_lag = max(self.most_lag, self.lag)
        worker = self.workers[item.partition % len(self.workers)]
        worker.waiting.append(item)
        return worker

    def begun(self, worker: Worker, now: float) -> Iterator[Item]:
        """What a worker takes up now of what waits for it, one event of a call at a time."""
        while worker.waiting and len(worker.busy) < self.line.at_once and now >= worker.down_until:
            item = worker.waiting.popleft()
            if item.call in self._calls:
                self._calls[item.call].append(item)
                continue
            self._calls[item.call] = deque()
            worker.busy.append(item)
            item.run += 1
            yield item

    def finish(self, worker: Worker, item: Item, run: int, now: float) -> bool:
        """An event is done; False where its worker died meanwhile, or has it no more: then it is begun again."""
        if item not in worker.busy or item.run != run:
            return False
        worker.busy.remove(item)
        self.lag -= 1
        self._seconds.append(now - item.came)
        worker.waiting.extendleft(reversed(self._calls.pop(item.call)))
        return True

    def die(self, until: float) -> Worker:
        """One of the workers dies, and what it had at work waits again; gives the worker."""
        worker = self.workers[0]
        worker.down_until = until
        for item in reversed(worker.busy):
            worker.waiting.extendleft(reversed(self._calls.pop(item.call)))
            worker.waiting.appendleft(item)
        worker.busy.clear()
        return worker

    def deal(self, number: int, now: float, until: float) -> None:
        """Deal the partitions to so many workers, who begin at ``until``; what was at work is begun again."""
        self._worker_s += len(self.workers) * (now - self._changed)
        self._changed = now
        waiting = [item for worker in self.workers for item in (*worker.busy, *worker.waiting)]
        waiting += [item for of_call in self._calls.values() for item in of_call]
        self._calls.clear()
        for worker in self.workers:
            worker.busy.clear()  # what is still told to begin or to be done by one of these finds nothing
            worker.waiting.clear()
        self.workers = [Worker(down_until=until) for _ in range(number)]
        for item in sorted(waiting, key=lambda one: one.came):
            self.workers[item.partition % number].waiting.append(item)

    def passed(self, end: float) -> Passed:
        """What the stage did until the end."""
        seconds = np.array(self._seconds or [0.0])
        worker_s = self._worker_s + len(self.workers) * (end - self._changed)
        return Passed(
            self.line.name,
            len(self._seconds),
            float(np.quantile(seconds, 0.5)),
            float(np.quantile(seconds, 0.95)),
            float(seconds.mean()),
            float(self.most_lag),
            self.busy_s / (worker_s * self.line.at_once) if worker_s else 0.0,
            worker_s,
        )


def _spread(call: int) -> int:
    """As evenly as a hash of its key, and as unevenly: Steele's SplitMix64."""
    mixed = (call + 1) * 0x9E3779B97F4A7C15 & _BITS
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _BITS
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _BITS
    return mixed ^ mixed >> 31
