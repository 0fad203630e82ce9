"""What goes wrong and when, as a value that a seed decides; and doing it to a fleet while calls come in."""

from __future__ import annotations

import heapq
import itertools
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fleet import Fleet, Worker

from pipeline.stages import STAGES
from schemas.wire import Lane

Kind = Literal["kill", "start", "leave", "freeze", "wake"]

KILLS = 20
RESTART_S = 1.0
FROZEN_S = 5.0
"""Seconds that a worker is frozen beyond its session time-out."""


@dataclass(frozen=True, order=True)
class Act:
    """What is done to a worker of a stage, in seconds from the start of the run."""

    at_s: float
    kind: Kind
    stage: str
    lane: str

    def __str__(self) -> str:
        return f"{self.at_s:6.1f} s  {self.kind:6} {self.stage}.{self.lane}"


def plan(seed: int, seconds: float, session_timeout_s: float) -> list[Act]:
    """Twenty kills at random moments, each stage at least once; two joins, two leaves; one frozen past its time-out.

    A stage of the batch lane gets a second worker, and the first one leaves. One of the live lane gets a second worker,
    and the first one is frozen: the second has its calls, and the first one leaves after it was woken.
    """
    chance = random.Random(seed)
    stages = [(stage.name, str(stage.lane)) for stage in STAGES]
    hit = [*stages, *chance.choices(stages, k=max(0, KILLS - len(stages)))]
    chance.shuffle(hit)
    acts = [Act(chance.uniform(0.03, 0.97) * seconds, "kill", *stage) for stage in hit[:KILLS]]
    for lane, freezes in ((Lane.BATCH, False), (Lane.LIVE, True)):
        stage = chance.choice([stage for stage in stages if stage[1] == lane])
        acts.append(Act(chance.uniform(0.1, 0.25) * seconds, "start", *stage))
        acts.append(Act(chance.uniform(0.75, 0.9) * seconds, "leave", *stage))
        if freezes:
            at_s = chance.uniform(0.35, 0.5) * seconds
            acts += [Act(at_s, "freeze", *stage), Act(at_s + session_timeout_s + FROZEN_S, "wake", *stage)]
    return sorted(acts)


class Disturber:
    """Carries a plan out; a killed worker is started again a second later."""

    def __init__(self, fleet: Fleet, acts: Sequence[Act], seed: int) -> None:
        self._fleet = fleet
        self._chance = random.Random(seed)
        self._tie = itertools.count()
        self._todo = [(act.at_s, next(self._tie), act) for act in acts]
        heapq.heapify(self._todo)
        self.done: list[str] = []

    def run(self) -> None:
        """Until the last act is done."""
        begin = time.monotonic()
        while self._todo:
            at_s, _, act = heapq.heappop(self._todo)
            time.sleep(max(0.0, begin + at_s - time.monotonic()))
            self._do(act, time.monotonic() - begin)

    def _do(self, act: Act, now_s: float) -> None:
        if act.kind == "start":
            worker = self._fleet.start(act.stage, act.lane)
        elif act.kind == "wake":
            worker = next(one for one in self._fleet.workers if one.frozen)
            self._fleet.wake(worker)
        elif found := self._victim(act):
            worker = found
            {"kill": self._fleet.kill, "freeze": self._fleet.freeze, "leave": self._fleet.leave}[act.kind](worker)
            if act.kind == "kill":
                self._later(Act(now_s + RESTART_S, "start", act.stage, act.lane))
        else:  # the last act is still going on: killed, and not started again yet, or only just
            self._later(Act(now_s + RESTART_S, act.kind, act.stage, act.lane))
            return
        self.done.append(f"{now_s:6.1f} s  {act.kind:6} {worker.name}")

    def _victim(self, act: Act) -> Worker | None:
        """Any worker of the stage that runs; to leave or to be frozen it must be one of two, so that one goes on."""
        running = self._fleet.of(act.stage, act.lane)
        if act.kind == "kill":
            return self._chance.choice(running) if running else None
        return running[0] if len(running) > 1 and running[0].can_be_told else None

    def _later(self, act: Act) -> None:
        heapq.heappush(self._todo, (act.at_s, next(self._tie), act))
