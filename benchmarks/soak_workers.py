"""The processes of the soak as they are watched: their memory, and what workers say of themselves over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx
from fleet import ALL, Fleet, Worker
from kafka_node import free_port
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.memory import Growth, Sample, growth, sample
from pipeline.stages import STAGES
from schemas.wire import Lane

_EVENTS: Final = "convmine_events_total"
_LAG: Final = "convmine_lag"
_ANSWER_S: Final = 20.0
_OTHERS: Final[Mapping[str, str]] = {
    "kafka-local": "(broker)",
    "qdrant_stand_in.py": "(store stand-in)",
    "models_stand_in.py": "(models stand-in)",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker's ``/metrics`` say: events by outcome since its start, and how many wait."""

    outcomes: Mapping[str, int] = field(default_factory=dict)
    lag: int = 0

    @classmethod
    def of(cls, metrics: str) -> Told:
        """Read the page; all stages of the worker together."""
        outcomes: dict[str, int] = {}
        lag = 0
        for family in text_string_to_metric_families(metrics):
            for found in family.samples:
                if found.name == _EVENTS:
                    outcome = found.labels["outcome"]
                    outcomes[outcome] = outcomes.get(outcome, 0) + int(found.value)
                elif found.name == _LAG:
                    lag += int(found.value)
        return cls(outcomes, lag)


@dataclass(eq=False)
class Watched:
    """One process, looked at again and again; without a port it is no worker, and its memory is not judged."""

    name: str
    pid: int
    port: int | None = None
    samples: list[Sample] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    unanswered: int = 0

    @property
    def is_worker(self) -> bool:
        return self.port is not None

    def look(self, at_s: float) -> None:
        """Take one sample more, and ask."""
        self.samples.append(sample(self.pid, at_s))
        self.ask()

    def ask(self) -> None:
        """Have a worker tell how it is; the others are not asked. It is counted when one does not answer in time."""
        if self.port is None:
            return
        try:
            self.told.append(Told.of(httpx.get(f"http://127.0.0.1:{self.port}/metrics", timeout=_ANSWER_S).text))
        except httpx.TransportError:
            self.unanswered += 1

    def growth(self, what: str, after_s: float) -> Growth:
        """Of ``rss_mb``, ``pss_mb``, ``uss_mb`` or ``cpu_s``, from a time on."""
        chosen = [one for one in self.samples if one.at_s >= after_s]
        return growth([one.at_s for one in chosen], [getattr(one, what) for one in chosen])


def start_busy(workers: Fleet) -> Iterator[Watched]:
    """One worker of each stage and lane, as a fleet has them."""
    for stage in STAGES:
        yield _start(workers, stage.name, str(stage.lane), f"{stage.name}.{stage.lane}")


def start_idle(workers: Fleet) -> Iterator[Watched]:
    """All stages of an installation that nobody calls, one worker for each lane."""
    for lane in Lane:
        yield _start(workers, ALL, str(lane), f"idle.{lane}")


def others() -> Iterator[Watched]:
    """The broker and the stand-ins that this process has started."""
    from psutil import Process

    for process in Process().children():
        words = " ".join(process.cmdline())
        yield from (Watched(name, process.pid) for script, name in _OTHERS.items() if script in words)


def _start(workers: Fleet, stage: str, lane: str, name: str) -> Watched:
    port = free_port()
    worker: Worker = workers.start(stage, lane, CONVMINE_RUNTIME_HTTP_PORT=str(port))
    return Watched(name, worker.process.pid, port)
