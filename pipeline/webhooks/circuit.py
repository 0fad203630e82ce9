"""When a receiver may be asked again: after a failure it is left alone, the longer the more often it failed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

FIRST_S: Final = 1.0
LONGEST_S: Final = 30.0
"""Pauses double from the first to the longest. One event in half a minute is little to a server that comes back, and
that is how long its events then wait at the most.
"""
MOST_ASKED_S: Final = 3_600.0
"""The longest Retry-After that is obeyed."""


class Circuit:
    """One receiver's failures in a row.

    Args:
        now: seconds that only grow.
        jitter: from 0 to 1; half of a pause is left to it, so that workers do not all ask at once.
    """

    def __init__(self, now: Callable[[], float], jitter: Callable[[], float] = random.random) -> None:
        self._now = now
        self._jitter = jitter
        self._failures = 0
        self._failed_since: float | None = None
        self._paused_until = 0.0

    @property
    def pause_s(self) -> float:
        """Seconds for which it is not asked; 0 where it may be."""
        return max(0.0, self._paused_until - self._now())

    @property
    def failing_s(self) -> float:
        """Seconds since the first of its failures in a row; 0 where the last request was answered."""
        return 0.0 if self._failed_since is None else self._now() - self._failed_since

    def failed(self, asked_s: float | None = None) -> None:
        """A request failed; ``asked_s`` is its Retry-After. Those that were under way together count once."""
        now = self._now()
        if not self.pause_s:
            self._failures += 1
            longest = min(LONGEST_S, FIRST_S * 2.0 ** min(self._failures - 1, 16))
            self._paused_until = now + longest * (0.5 + 0.5 * self._jitter())
            self._failed_since = now if self._failed_since is None else self._failed_since
        self._paused_until = max(self._paused_until, now + min(asked_s or 0.0, MOST_ASKED_S))

    def answered(self) -> None:
        """It works, whatever it thinks of the event."""
        self._failures, self._failed_since, self._paused_until = 0, None, 0.0
