"""Waiting in line: the formulas that the plan rests on, and that its simulation is tested against."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
_CLOSE: Final = 1e-3
"""To which part of itself a percentile is found."""
_NOTHING_S: Final = 1e-6
"""Seconds below which a percentile is not looked for any closer."""


def erlang_c(servers: int, offered: float) -> float:
    """The chance that who arrives must wait: M/M/c with ``offered`` = arrivals x service time, in erlangs.

    1 where the offered load is more than the servers can carry. By the recursion of Erlang B, which stays exact for
    thousands of servers. Source: Erlang 1917; Cooper, Introduction to Queueing Theory, 3.4.
    """
    if offered >= servers:
        return 1.0
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    use = offered / servers
    return blocked / (1 - use * (1 - blocked))


def mean_wait_s(servers: int, use: Array, service_s: float, cv: float) -> Array:
    """The seconds that who must wait waits on average, where ``use`` of what the servers can carry arrives (below 1).

    ``cv`` is the standard deviation of the service time over its mean: 1 is M/M/c, for which this is exact, as it is in
    the mean for M/G/1; 0 is M/D/c. For others by Allen and Cunneen's approximation: the M/M/c time x (1 + cv²) / 2.
    Source: Allen, Probability, Statistics and Queueing Theory, 5.3.
    """
    return service_s * (1 + cv**2) / 2 / (servers * (1 - use))


def percentile(share: float, weights: Array, offsets: Array, chances: Array, means: Array) -> float:
    """The seconds that a share of all is done in, over parts of a day with each its weight and its way to wait.

    In a part the time is ``offset`` and with ``chance`` an exponential time more.
    """
    total = float(weights.sum())
    if total <= 0:
        return 0.0

    def beyond(seconds: float) -> float:
        over = seconds - offsets
        tail = np.where(means > 0, chances * np.exp(-np.maximum(over, 0) / np.maximum(means, 1e-12)), 0.0)
        return float((weights * np.where(over < 0, 1.0, tail)).sum()) / total

    high = float(offsets.max()) + 50 * float(means.max()) + 1e-9
    low = 0.0
    while high - low > _CLOSE * high and high > _NOTHING_S:
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > 1 - share else (low, middle)
    return high
