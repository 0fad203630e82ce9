"""A stage as a line of servers: what the exact simulation and the one by time slots both work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One stage: what arrives, and who serves it.

    Attributes:
        name: of the stage with its lane.
        sources: events that arrive for each call that has passed another stage, by its name, or that has come in
            (``batch``, ``live``).
        service_s: seconds that one event takes, waiting included, when nothing else is at work.
        at_once: events that one worker has at work at a time: 1 where the CPU or a GPU is busy all along.
        workers: that run, or the fewest of them where they are scaled.
        most_workers: the most of them.
        partitions: of what it reads; workers beyond their number have nothing to do.
        cv: standard deviation of the service time over its mean.
        uses: units of a shared limit that one event takes, by the limit's name.
        key_rate: events of one call in a second while it goes on, which are handled one after the other.
        start_s: seconds until a new worker works.
    """

    name: str
    sources: Mapping[str, float]
    service_s: float
    at_once: int = 1
    workers: int = 1
    most_workers: int = 0
    partitions: int = 6
    cv: float = 0.0
    uses: Mapping[str, float] = field(default_factory=dict)
    key_rate: float = 0.0
    start_s: float = 30.0

    @property
    def rate(self) -> float:
        """Events a second of one worker that always has something to do."""
        return self.at_once / self.service_s if self.service_s else float("inf")

    @property
    def most(self) -> int:
        return max(self.workers, self.most_workers)

    def even(self, workers: float) -> float:
        """As how many workers with equal shares so many count: the stage is as quick as the one with most partitions.

        12 partitions on 8 workers are 6 workers' worth: some of them have two.
        """
        count = max(1, min(int(workers), self.partitions))
        return self.partitions / -(-self.partitions // count)


@dataclass(frozen=True, slots=True)
class Scaling:
    """How workers are added and taken away on lag, as KEDA and Kubernetes do.

    Each ``poll_s`` as many are wanted as the lag holds work for ``target_s`` of one (KEDA's ``lagThreshold`` is what
    one does in that time). More are asked for at once and work after the line's ``start_s``; fewer only when for
    ``cool_s`` fewer were wanted, and then a quarter of them at most, as a ``scaleDown`` policy has it: the lag is near
    none while workers keep up, and by it alone all but one would go. Each change pauses the group ``pause_s``.
    """

    poll_s: float = 30.0
    target_s: float = 30.0
    cool_s: float = 300.0
    pause_s: float = 2.0

    def fewer(self, workers: int, wanted: int) -> int:
        """How many stay where fewer are wanted."""
        return max(wanted, workers - max(1, workers // 4))

    def wanted(self, line: Line, lag: float) -> int:
        """Workers that are wanted where so many events wait or are at work."""
        need = lag / max(1.0, line.rate * self.target_s)
        return max(line.workers, min(line.most, line.partitions, int(-(-need // 1))))


@dataclass(frozen=True, slots=True)
class Outage:
    """From ``at_s`` on one worker of a line does nothing for ``lasts_s``: it died, and its partitions wait."""

    line: str
    at_s: float
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Passed:
    """What a stage did over the day; seconds are from the event's writing to its being done."""

    name: str
    events: float
    p50_s: float
    p95_s: float
    mean_s: float
    most_lag: float
    busiest: float
    """By slots: the largest share of the most workers' time that a slot asked for, above 1 they fall behind. By events:
    the share over the whole time.
    """
    worker_s: float
    left: float = 0.0
    """Events that wait at the end."""


def ordered(lines: Sequence[Line]) -> list[Line]:
    """The lines so that each comes after those that feed it.

    Raises:
        ValueError: they feed each other in a circle, or one is fed by nobody known.
    """
    done: set[str] = {"batch", "live"}
    left, found = list(lines), []
    while left:
        ready = [line for line in left if set(line.sources) <= done]
        if not ready:
            raise ValueError(f"no order: {', '.join(line.name for line in left)}")
        found += ready
        done |= {line.name for line in ready}
        left = [line for line in left if line.name not in done]
    return found
