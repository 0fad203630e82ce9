"""The circuit breaker of a worker: while a dependency is away, one event at a time asks whether it is back.

Source of the pattern: Nygard, "Release It!" (2007), closed, open and half-open. What is particular here: the events
that wait take turns as the one that asks, so that an event which fails by itself is soon passed by another, and closes
the breaker's mistake.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

import structlog

from pipeline.errors import Retryable

log: Final = structlog.get_logger()


class Audience(Protocol):
    """Who is told: metrics and health."""

    def away(self, dependency: str, reason: str, since: datetime) -> None: ...

    def back(self, dependency: str) -> None: ...


@dataclass(slots=True)
class _Outage:
    since: datetime
    asked: int
    next_at: float


class Breaker:
    """All dependencies of one stage's worker.

    Args:
        failures: so many of one dependency in a row, with no answer of it between, open it.
        delay: seconds until the next event may ask, from how many have asked and the last error.
        audience: told when a dependency goes and when it is back.
    """

    def __init__(self, failures: int, delay: Callable[[int, Retryable], float], audience: Audience) -> None:
        self._failures = failures
        self._delay = delay
        self._audience = audience
        self._in_a_row: Counter[str] = Counter()
        self._outages: dict[str, _Outage] = {}
        self._turn = asyncio.Lock()
        self._closed = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether a dependency is away."""
        return bool(self._outages)

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[None]:
        """Go on at once while all is well; else wait for a turn, in the order of coming, and for its time."""
        async with AsyncExitStack() as stack:
            if self._outages:
                await stack.enter_async_context(self._turn)
                await self._until_time()
                if not self._outages:
                    await stack.aclose()
            yield

    def failed(self, error: Retryable) -> bool:
        """Count a failure; whether its dependency is away now, so that the next attempt waits for its turn."""
        if error.alone:
            return False
        self._in_a_row[error.dependency] += 1
        if (outage := self._outages.get(error.dependency)) is None:
            if self._in_a_row[error.dependency] < self._failures:
                return False
            outage = self._outages[error.dependency] = _Outage(datetime.now(UTC), 0, 0.0)
            self._closed.clear()
            self._audience.away(error.dependency, error.message, outage.since)
            log.warning("dependency away: partitions pause", dependency=error.dependency, reason=error.message)
        outage.asked += 1
        outage.next_at = asyncio.get_running_loop().time() + self._delay(outage.asked, error)
        return True

    def worked(self, answers: Iterable[str]) -> None:
        """An event was handled, and these dependencies answered: they are not away."""
        for dependency in answers:
            self._in_a_row.pop(dependency, None)
            if (outage := self._outages.pop(dependency, None)) is not None:
                self._audience.back(dependency)
                seconds = (datetime.now(UTC) - outage.since).total_seconds()
                log.warning("dependency back: going on", dependency=dependency, away_s=round(seconds, 1))
                if not self._outages:
                    self._closed.set()

    async def _until_time(self) -> None:
        loop = asyncio.get_running_loop()
        while self._outages and (seconds := max(o.next_at for o in self._outages.values()) - loop.time()) > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self._closed.wait()
            except TimeoutError:
                return
