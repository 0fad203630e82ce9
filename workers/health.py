"""How a worker is: what each stage has and when it last got on, and what follows for ``/healthz`` and ``/readyz``.

The event loop writes, the server's thread reads: every value is replaced as a whole and none is changed in place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from pipeline.stages import Stage

BLOCKED_S: Final = 30.0
"""Seconds without a tick of the event loop after which it counts as blocked."""

Partition = tuple[str, int]
Clock = Callable[[], float]
Status = Literal["ok", "starting", "ready", "draining", "degraded", "stalled", "blocked"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Outage:
    """A dependency that is away, why, and since when."""

    dependency: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a probe is answered: whether all is well enough, in one word, and as JSON."""

    healthy: bool
    status: Status
    report: Mapping[str, object]


class StageHealth:
    """One stage of this process, as its runtime, its breaker (an ``Audience``) and its transport tell it."""

    def __init__(self, stage: Stage, clock: Clock = time.monotonic) -> None:
        self.stage = stage
        self.partitions: frozenset[Partition] = frozenset()
        self.lag: Mapping[Partition, int] = {}
        self.outages: Mapping[str, Outage] = {}
        self.known_dependencies: frozenset[str] = frozenset()
        self.assignments = 0
        self.joined = False
        self.joining = False
        self.progress_at = clock()
        self._clock = clock
        self._patient_from = self._measured_at = self.progress_at

    def progressed(self) -> None:
        """An event was taken or settled, an attempt at it has ended, or a dependency has answered it."""
        self.progress_at = self._clock()

    def join(self) -> None:
        """The stage asks for partitions: at its start, and again after those it had were taken away."""
        self.joining = True
        self.be_patient()

    def assigned(self, partitions: Iterable[Partition]) -> None:
        """These partitions, and no others, are ours now; none where others have them all and this one stands by."""
        self.partitions = frozenset(partitions)
        self.lag = {partition: lag for partition, lag in self.lag.items() if partition in self.partitions}
        self.assignments += 1
        self.joined, self.joining = True, False
        self.be_patient()

    def measured(self, lag: Mapping[Partition, int]) -> None:
        """How many events wait in each partition, as the broker says; what is no longer ours is left out."""
        self.lag = {partition: waiting for partition, waiting in lag.items() if partition in self.partitions}
        self._measured_at = self._clock()
        if not self.waiting and not self.joining:
            self.be_patient()

    def away(self, dependency: str, reason: str, since: datetime) -> None:
        """A dependency is away, and events wait for it."""
        self.outages = {**self.outages, dependency: Outage(dependency, reason, since)}
        self.known_dependencies |= {dependency}

    def back(self, dependency: str) -> None:
        """A dependency answers again."""
        self.outages = {name: outage for name, outage in self.outages.items() if name != dependency}
        self.be_patient()

    def be_patient(self) -> None:
        """Count the time without progress from now on: until now there was nothing that this stage could do."""
        self._patient_from = self._clock()

    @property
    def waiting(self) -> int:
        """Events that wait in all of our partitions, as last measured."""
        return sum(self.lag.values())

    def stalled(self, stall_s: float) -> bool:
        """Whether events wait, or partitions are asked for, and nothing has come of it for ``stall_s`` seconds.

        It is as of the last measurement: while the broker cannot be asked, nobody knows whether anything waits.
        """
        quiet_s = self._measured_at - max(self.progress_at, self._patient_from)
        return bool(self.waiting or self.joining) and not self.outages and quiet_s > stall_s


class Health:
    """All stages of this process, the broker as the lag watch finds it, and the pulse of the event loop.

    Args:
        stages: the stages that this process runs; it is ready when all have been given partitions, or none to stand by.
        stall_s: seconds without progress, while events wait, after which a stage counts as stalled.
        clock: monotonic seconds.
        wall: the present time, for people.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        stall_s: float,
        clock: Clock = time.monotonic,
        wall: Callable[[], datetime] = _now,
    ) -> None:
        self.stages = tuple(StageHealth(stage, clock) for stage in stages)
        self.stall_s = stall_s
        self.broker: Outage | None = None
        self._of = {health.stage: health for health in self.stages}
        self._draining = False
        self._ticked_at: float | None = None
        self._clock = clock
        self._wall = wall

    def of(self, stage: Stage) -> StageHealth:
        """The health of one of this process's stages."""
        return self._of[stage]

    def drain(self) -> None:
        """This process has been told to stop: it finishes what it has and takes nothing more."""
        self._draining = True

    def tick(self) -> None:
        """The event loop runs. After it stood still (blocked, or the process was stopped) patience starts anew."""
        now = self._clock()
        if self._ticked_at is not None and now - self._ticked_at > BLOCKED_S:
            self._be_patient()
        self._ticked_at = now

    def broker_gone(self, reason: str) -> None:
        """The broker does not answer the lag watch: no stage can be blamed for standing still."""
        self.broker = Outage("kafka", reason, self.broker.since if self.broker else self._wall())

    def broker_back(self) -> None:
        """The broker answers the lag watch."""
        if self.broker is not None:
            self.broker = None
            self._be_patient()

    def outages(self, health: StageHealth) -> tuple[Outage, ...]:
        """The dependencies of a stage that are away; the broker, where either the watch or the breaker misses it."""
        outages = health.outages
        watched = (self.broker,) if self.broker and self.broker.dependency not in outages else ()
        return (*watched, *outages.values())

    def live(self) -> Verdict:
        """Whether to leave this process alone (``/healthz``).

        Unhealthy is only what a restart may heal: a stage that stands still though events wait, or an event loop that
        does. A dependency that is away is said, and no reason to restart.
        """
        now = self._clock()
        stalled = [health for health in self.stages if self._stalled(health)]
        status: Status = "ok"
        if self._still_s(now) > BLOCKED_S:
            status = "blocked"
        elif stalled:
            status = "stalled"
        elif self._draining:
            status = "draining"
        elif any(self.outages(health) for health in self.stages):
            status = "degraded"
        elif not self._joined():
            status = "starting"
        report = {
            "status": status,
            "loop_still_s": round(self._still_s(now), 1),
            "stages": [self._stage_report(health, now) for health in self.stages],
        }
        return Verdict(status not in {"stalled", "blocked"}, status, report)

    def ready(self) -> Verdict:
        """Whether every stage has joined its group and none is leaving (``/readyz``).

        A dependency that is away changes nothing here: no traffic is sent to a worker, Kafka holds what waits for it.
        """
        status: Status = "draining" if self._draining else "ready" if self._joined() else "starting"
        stages = [{**_name(health.stage), "joined": health.joined} for health in self.stages]
        return Verdict(status == "ready", status, {"status": status, "stages": stages})

    def progress_time(self, health: StageHealth) -> float:
        """When a stage last got on, in seconds since 1970."""
        return self._wall().timestamp() - (self._clock() - health.progress_at)

    def _joined(self) -> bool:
        return all(health.joined for health in self.stages)

    def _stalled(self, health: StageHealth) -> bool:
        return not self._draining and self.broker is None and health.stalled(self.stall_s)

    def _still_s(self, now: float) -> float:
        return 0.0 if self._ticked_at is None else now - self._ticked_at

    def _be_patient(self) -> None:
        for health in self.stages:
            health.be_patient()

    def _stage_report(self, health: StageHealth, now: float) -> Mapping[str, object]:
        partitions, lag = sorted(health.partitions), health.lag
        return {
            **_name(health.stage),
            "joined": health.joined,
            "joining": health.joining,
            "stalled": self._stalled(health),
            "lag": sum(lag.values()) if lag.keys() == health.partitions else None,
            "since_progress_s": round(now - health.progress_at, 1),
            "partitions": {f"{topic}/{number}": lag.get((topic, number)) for topic, number in partitions},
            "away": [self._outage_report(outage) for outage in self.outages(health)],
        }

    def _outage_report(self, outage: Outage) -> Mapping[str, object]:
        return {
            "dependency": outage.dependency,
            "reason": outage.reason,
            "since": outage.since.isoformat(timespec="seconds"),
            "for_s": round((self._wall() - outage.since).total_seconds(), 1),
        }


async def heartbeat(health: Health, *, every_s: float = 1.0) -> None:
    """Tick for as long as the event loop runs."""
    while True:
        health.tick()
        await asyncio.sleep(every_s)


def _name(stage: Stage) -> dict[str, object]:
    return {"stage": stage.name, "lane": str(stage.lane)}
