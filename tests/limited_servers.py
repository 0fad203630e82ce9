"""Servers that limit requests a minute, in the three ways that servers do, in the time of ``simulated_time``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from random import Random
from typing import Protocol

from simulated_time import now

from pipeline.errors import Retryable
from pipeline.llm.pace import Pace

_MINUTE_S = 60.0


@dataclass(frozen=True)
class Verdict:
    """Whether a request passes, how many are left, in how many seconds all are, and how long to wait."""

    passed: bool
    left: int
    reset_s: float
    wait_s: float


class Server(Protocol):
    limit: int

    def take(self) -> Verdict: ...


class FixedWindow:
    """So many in each minute of its clock, which began ``phase_s`` before the test."""

    def __init__(self, limit: int, phase_s: float = 0.0) -> None:
        self.limit = limit
        self._began_at = now() - phase_s
        self._window, self._taken = 0, 0

    def take(self) -> Verdict:
        at = now() - self._began_at
        if (window := int(at // _MINUTE_S)) != self._window:
            self._window, self._taken = window, 0
        passed = self._taken < self.limit
        self._taken += passed
        rest_s = (window + 1) * _MINUTE_S - at
        return Verdict(passed, self.limit - self._taken, rest_s, rest_s)


class TokenBucket:
    """Refilled all the time, up to ``size``; that is a minute's worth if it is not given."""

    def __init__(self, limit: int, size: int | None = None) -> None:
        self.limit = limit
        self._size = float(size or limit)
        self._left, self._at = self._size, now()

    def take(self) -> Verdict:
        self._left = min(self._size, self._left + (now() - self._at) * self.limit / _MINUTE_S)
        self._at = now()
        passed = self._left >= 1
        self._left -= passed
        each_s = _MINUTE_S / self.limit
        return Verdict(passed, int(self._left), (self._size - self._left) * each_s, (1 - self._left) * each_s)


class SlidingWindow:
    """So many in any 60 s; it tells when the last of them leaves, or when the next one does."""

    def __init__(self, limit: int, *, tells_last: bool) -> None:
        self.limit = limit
        self._tells_last = tells_last
        self._taken: deque[float] = deque()

    def take(self) -> Verdict:
        while self._taken and self._taken[0] <= now() - _MINUTE_S:
            self._taken.popleft()
        passed = len(self._taken) < self.limit
        if passed:
            self._taken.append(now())
        told = self._taken[-1 if self._tells_last else 0]
        leaves_s = self._taken[0] + _MINUTE_S - now()
        return Verdict(passed, self.limit - len(self._taken), told + _MINUTE_S - now(), leaves_s)


@dataclass
class Seen:
    """When requests passed and were refused, and how often one was sent at most."""

    passed: list[float]
    refused: list[float]
    most_tries: int = 0

    def passed_between(self, since_s: float, until_s: float) -> int:
        """How many passed between these seconds from the start."""
        return sum(since_s <= at < until_s for at in self.passed)


async def saturate(  # noqa: PLR0913 - each is a matter of its own
    paces: Sequence[Pace],
    server: Server,
    *,
    at_once: int,
    latency_s: float,
    for_s: float,
    tells: bool,
    tells_ms: bool = False,
    way_s: float = 0.0,
) -> Seen:
    """Keep so many requests of each pace waiting for their turn all the time; a refused one is sent again.

    Each takes up to ``way_s`` to the server and back. What a pace gives back to the runtime comes again as it asks.
    """
    began, seen, chance = now(), Seen([], []), Random(1)

    async def ask(pace: Pace) -> None:
        tries, passed = 0, False
        while not passed:
            tries += 1
            try:
                async with pace.turn(1) as turn:
                    await asyncio.sleep(chance.uniform(0, way_s))
                    verdict = server.take()
                    passed = verdict.passed
                    (seen.passed if passed else seen.refused).append(now() - began)
                    await asyncio.sleep(latency_s if passed else 0.02 + chance.uniform(0, way_s))
                    turn.heard(200 if passed else 429, _headers(server, verdict, tells=tells, tells_ms=tells_ms))
            except Retryable as error:
                await asyncio.sleep(max(1.0, error.retry_after_s or 0.0))
        seen.most_tries = max(seen.most_tries, tries)

    async def keep_asking(pace: Pace) -> None:
        while now() - began < for_s:
            await ask(pace)

    async with asyncio.TaskGroup() as group:
        for pace in paces:
            for _ in range(at_once):
                group.create_task(keep_asking(pace))
    return seen


def _headers(server: Server, verdict: Verdict, *, tells: bool, tells_ms: bool) -> Mapping[str, str]:
    wait = {} if verdict.passed else {"retry-after": str(ceil(verdict.wait_s))}
    if wait and tells_ms:
        wait["retry-after-ms"] = str(ceil(verdict.wait_s * 1_000))
    if not tells:
        return wait
    return {
        "x-ratelimit-limit-requests": str(server.limit),
        "x-ratelimit-remaining-requests": str(verdict.left),
        "x-ratelimit-reset-requests": f"{verdict.reset_s:.3f}s",
        **wait,
    }
