"""The memory of processes over time: how it is sampled, and by how much it grows."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_MB: Final = 1e6
_HOUR_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One process and its children at one moment.

    ``rss_mb`` is what is resident, ``pss_mb`` the same with what several processes share divided among them, ``uss_mb``
    what would be free if it ended; ``cpu_s`` is the CPU time that it has used since its start.
    """

    at_s: float
    rss_mb: float
    pss_mb: float
    uss_mb: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Growth:
    """The median of the first tenth of a time, that of its last tenth, and the slope over all of it."""

    first: float
    last: float
    per_hour: float

    @property
    def share(self) -> float:
        """0.05 is five per cent more."""
        return self.last / self.first - 1


def sample(pid: int, at_s: float) -> Sample:
    """What a process and its children have now.

    Raises:
        psutil.NoSuchProcess: it has ended.
    """
    from psutil import Process

    process = Process(pid)
    found = [process, *process.children(recursive=True)]
    memory = [one.memory_full_info() for one in found]
    cpu = [one.cpu_times() for one in found]
    return Sample(
        at_s,
        sum(one.rss for one in memory) / _MB,
        sum(one.pss for one in memory) / _MB,
        sum(one.uss for one in memory) / _MB,
        sum(one.user + one.system for one in cpu),
    )


def growth(times_s: Sequence[float], values: Sequence[float]) -> Growth:
    """How values grew over these rising times.

    Raises:
        ValueError: there are fewer than two of them.
    """
    if len(values) < 2:  # noqa: PLR2004 - one value has no growth
        raise ValueError("growth needs two values")
    tenth = max(1, len(values) // 10)
    first, last = statistics.median(values[:tenth]), statistics.median(values[-tenth:])
    return Growth(first, last, statistics.linear_regression(times_s, values).slope * _HOUR_S)
