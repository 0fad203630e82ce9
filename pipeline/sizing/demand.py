"""How many calls come, and when in the day."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.errors import Config
from pipeline.sizing.queueing import Array

DAY_S: Final = 86_400.0
CALL_CENTRE: Final = (
    *(0.6, 0.4, 0.3, 0.3, 0.4, 0.7, 1.6, 3.2, 6.2, 8.6, 9.6, 9.2),
    *(7.6, 7.8, 8.4, 8.0, 7.2, 6.2, 4.6, 3.4, 2.6, 1.6, 1.0, 0.7),
)
"""Per cent of a day's calls in each hour, local time: quiet nights, a peak before noon and a lower one after it.

An assumption of the usual shape of inbound lines in one time zone, not a measurement; its busiest hour has 2.3 times
the mean. Give your own with ``--curve``.
"""


@dataclass(frozen=True, slots=True)
class Demand:
    """Calls of a day: so many, so long on average (minutes), and which part of them is heard live.

    ``spread`` is the standard deviation of their length over its mean. ``curve`` are 24 shares, in any unit.
    """

    calls: float
    minutes: float
    live_share: float
    curve: tuple[float, ...] = CALL_CENTRE
    spread: float = 0.8

    def of(self, lane: str) -> float:
        """Calls of a lane."""
        return self.calls * (self.live_share if lane == "live" else 1 - self.live_share)

    @property
    def peak(self) -> float:
        """The busiest hour over the mean one."""
        return max(self.curve) * len(self.curve) / sum(self.curve)

    @property
    def peak_per_s(self) -> float:
        """Calls a second in the busiest hour."""
        return self.calls / DAY_S * self.peak

    @property
    def live_at_once(self) -> float:
        """Live calls that go on at the same time in the busiest hour, on average (Little's law)."""
        return self.peak_per_s * self.live_share * self.minutes * 60

    def slots(self, lane: str, slot_s: float) -> Array:
        """Calls of a lane that come in each slot of the day, by the curve, straight from hour to hour."""
        count = round(DAY_S / slot_s)
        middles = (np.arange(count) + 0.5) * slot_s / 3_600
        hours = len(self.curve)
        known = np.arange(-1, hours + 1) + 0.5
        shares = np.array([self.curve[-1], *self.curve, self.curve[0]])
        found: Array = np.interp(middles * hours / 24, known, shares)
        total = float(found.sum())
        scale = self.of(lane) / total if total else 0.0
        return np.multiply(found, scale, dtype=np.float64)


def with_peak(curve: Sequence[float], peak: float) -> tuple[float, ...]:
    """The curve, made steeper or flatter until its busiest hour has ``peak`` times the mean.

    Each share is taken to one power, so that order and zeros stay.

    Raises:
        Config: the peak is less than 1, or more than any power of this curve has.
    """
    if not 1 <= peak < len(curve):
        raise Config("--peak", f"{peak:g}: expected 1 (every hour alike) to {len(curve) - 1}")
    low, high = 0.0, 200.0
    highest = max(curve)
    shares = [share / highest for share in curve]
    for _ in range(100):
        power = (low + high) / 2
        now = len(shares) / sum(share**power for share in shares)
        low, high = (power, high) if now < peak else (low, power)
    if abs(len(shares) / sum(share**high for share in shares) - peak) > 0.01 * peak:
        raise Config("--peak", f"{peak:g}: no power of the curve has it; its highest hours are too alike")
    return tuple(share**high for share in shares)


def read_curve(path: Path) -> tuple[float, ...]:
    """A day's calls from a CSV: in each row the hour (0 to 23) and its calls; a first row may name them.

    Raises:
        Config: it cannot be read, or an hour is missing, twice there or below 0.
    """
    hours: dict[int, float] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.reader(file)):
                if number == 0 and row and not row[0].strip().isdigit():
                    continue
                if row:
                    hour, calls = int(row[0]), float(row[1])
                    if hour in hours or not 0 <= calls < float("inf"):
                        raise Config("--curve", f"{path}: hour {hour} is twice there, or its calls are no number")
                    hours[hour] = calls
    except (OSError, ValueError, IndexError) as error:
        raise Config("--curve", f"{path}: {error}") from error
    if set(hours) != set(range(24)) or not sum(hours.values()):
        raise Config("--curve", f"{path}: expected a row for each hour from 0 to 23, and calls in one of them")
    return tuple(hours[hour] for hour in range(24))
