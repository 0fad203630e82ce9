"""A limit of requests a minute, as a bucket that is refilled all the time, and the headers that tell of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Grant:
    """Whether a request may pass; if not, in how many seconds the next one may. ``full_in_s`` refills the bucket."""

    passed: bool
    limit: int
    remaining: int
    full_in_s: float
    wait_s: float = 0.0

    @property
    def headers(self) -> Mapping[str, str]:
        """As OpenAI names them; ``Retry-After`` is in whole seconds, as the standard has it."""
        told = {
            "x-ratelimit-limit-requests": str(self.limit),
            "x-ratelimit-remaining-requests": str(self.remaining),
            "x-ratelimit-reset-requests": _duration(self.full_in_s),
        }
        if self.passed:
            return told
        return told | {"retry-after": str(math.ceil(self.wait_s)), "retry-after-ms": str(math.ceil(self.wait_s * 1e3))}


class RateLimit:
    """At most ``requests_per_minute``, of which ``burst`` may come at once; refused requests cost nothing.

    Args:
        requests_per_minute: how many are let through in the long run.
        burst: how many the bucket holds; a minute's worth, as OpenAI has it, where it is not given.
        clock: seconds that only rise.
    """

    def __init__(
        self, requests_per_minute: int, burst: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = requests_per_minute
        self._a_second = requests_per_minute / _MINUTE_S
        self._size = float(requests_per_minute if burst is None else burst)
        self._clock = clock
        self._left = self._size
        self._at = clock()

    def take(self) -> Grant:
        """Let one request through, or not."""
        now = self._clock()
        self._left = min(self._size, self._left + (now - self._at) * self._a_second)
        self._at = now
        passed = self._left >= 1.0
        if passed:
            self._left -= 1.0
        wait_s = 0.0 if passed else (1.0 - self._left) / self._a_second
        return Grant(passed, self._limit, int(self._left), (self._size - self._left) / self._a_second, wait_s)


def _duration(seconds: float) -> str:
    """As OpenAI writes it: ``1m3.5s``, ``250ms``."""
    if seconds < 1:
        return f"{round(seconds * 1e3)}ms"
    minutes, rest = divmod(round(seconds, 3), _MINUTE_S)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"
