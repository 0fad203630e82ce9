"""How far the stages are, looked at now and then while somebody watches, and how that went lately."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.errors import Retryable
from workers.dashboard.operations.plant import Plant, Progress

EVERY_S: Final = 5.0
"""A look is some requests to the broker; however many people watch, there is one in this time."""
KEPT: Final = 240
"""Looks that are remembered: 20 minutes."""
_OVER_S: Final = 60.0
"""Seconds over which the rate is taken."""


@dataclass(frozen=True, slots=True)
class StageCourse:
    """A stage now and lately.

    ``per_second`` are events done a second over the last minute, None until there are two looks; ``catches_up_s`` the
    seconds until nothing waits if it goes on so. ``lately`` are pairs of a time (ms since 1970) and how many waited.
    """

    stage: str
    lane: str
    waiting: int
    per_second: float | None
    catches_up_s: float | None
    lately: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Course:
    """All stages; ``away`` says why the last look gave nothing, and then they are as they were at ``at_ms``."""

    at_ms: int
    away: str | None
    items: tuple[StageCourse, ...]


class Watch:
    """Looks at a plant when it is asked, at most every ``EVERY_S`` seconds.

    Args:
        plant: what is looked at.
        now: seconds since 1970.
    """

    def __init__(self, plant: Plant, now: Callable[[], float] = time.time) -> None:
        self._plant = plant
        self._now = now
        self._looks: deque[tuple[float, Sequence[Progress]]] = deque(maxlen=KEPT)
        self._looked_at = float("-inf")
        self._away: str | None = None
        self._looking = asyncio.Lock()

    async def course(self) -> Course:
        """As of now, or of a few seconds ago.

        Raises:
            ConvmineError: a topic is missing.
        """
        async with self._looking:
            if self._now() - self._looked_at >= EVERY_S:
                await self._look()
        if not self._looks:
            return Course(round(self._now() * 1_000), self._away, ())
        at, newest = self._looks[-1]
        return Course(round(at * 1_000), self._away, tuple(_course(one, self._looks) for one in newest))

    async def _look(self) -> None:
        self._looked_at = self._now()
        try:
            found = await self._plant.progress()
        except Retryable as error:
            self._away = error.message
        else:
            self._away = None
            self._looks.append((self._looked_at, found))


def _course(now: Progress, looks: Sequence[tuple[float, Sequence[Progress]]]) -> StageCourse:
    before = [(at, one) for at, some in looks for one in some if (one.stage, one.lane) == (now.stage, now.lane)]
    lately = tuple((round(at * 1_000), one.waiting) for at, one in before)
    newest_at = before[-1][0]
    first_at, first = next((at, one) for at, one in before if newest_at - at <= _OVER_S)
    rate = max(0, now.done - first.done) / (newest_at - first_at) if newest_at > first_at else None
    catches_up = now.waiting / rate if rate and now.waiting else None
    return StageCourse(now.stage, now.lane, now.waiting, rate, catches_up, lately)
