"""Paths that have come and are not counted yet, and what they add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from pipeline.flow.table import BITS, Codes, Sums

Rows = tuple[Codes, Sums]
"""What is to be added to a table."""

_DENSE: Final = 500
"""Labels up to which pairs are added up in an array of all that there can be: five times as fast as sorting them."""


class Ended(NamedTuple):
    """What a path weighs, and how its call ended, by 1 and 0."""

    weight: float
    won: int
    lost: int


@dataclass(slots=True)
class Noted:
    """Paths in one list, step after step from start to end: label numbers and times, in ms from the start."""

    steps: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)

    def note(self, walk: Sequence[int], times: Sequence[int], ended: Ended) -> None:
        """Take a path, with the time of each of its steps."""
        self.steps += walk
        self.times += times
        self.lengths.append(len(walk))
        self.ended.append(ended)

    def read(self) -> Read:
        """The paths as arrays."""
        lengths = np.array(self.lengths)
        starts = np.cumsum(lengths) - lengths
        steps, path = np.array(self.steps, np.int64), np.repeat(np.arange(len(lengths)), lengths)
        _, first, times = np.unique(path << BITS | steps, return_index=True, return_counts=True)
        return Read(
            steps=steps,
            times=np.array(self.times, np.float64),
            path=path,
            into=np.arange(len(steps)) - np.repeat(starts, lengths),
            left=np.repeat(starts + lengths, lengths) - np.arange(len(steps)) - 1,
            ended=np.array(self.ended, np.float64),
            first=first,
            came=times,
        )


@dataclass(frozen=True, slots=True)
class Read:
    """For each step: its label, its time, the number of its path, how many steps came before it and come after it.

    ``ended`` has a row for each path. ``first`` is where each label stands for the first time in its path, ``came`` how
    often it does.
    """

    steps: Codes
    times: Sums
    path: Codes
    into: Codes
    left: Codes
    ended: Sums
    first: Codes
    came: Codes

    def nodes(self) -> Rows:
        """By label: times it came, calls in which it did, of these won, lost, came back to it; steps after it."""
        counts = (self.came, np.ones_like(self.came), *self._results(self.first), self.came > 1, self.left[self.first])
        return self.steps[self.first], np.stack(counts, axis=1).astype(np.float64)

    def edges(self) -> Rows:
        """By step and next: times it came, ms between the two, and calls of those won and lost."""
        codes, last = self._in_a_row(2)
        took = np.maximum(0, self.times[last] - self.times[last - 1])
        _, first = np.unique(self.path[last] << 2 * BITS | codes, return_index=True)
        once = np.zeros((len(codes), 2))
        once[first] = np.stack(self._results(last[first]), axis=1)
        return codes, np.column_stack((np.ones_like(took), took, once))

    def after(self, length: int) -> Rows:
        """By so many steps in a row: the weight of all calls, of those won and of those lost."""
        codes, last = self._in_a_row(length)
        weight, won, lost = self.ended[self.path[last]].T
        return codes, np.stack((weight, weight * won, weight * lost), axis=1)

    def earlier(self) -> Rows:
        """By a step and another: the weight with which the other came next after it, once for each time."""
        first = self.first[self.into[self.first] > 0]
        times = self.left[first]
        one = np.repeat(first, times)
        other = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(times) - times, times)
        labels = int(self.steps.max()) + 1
        if labels > _DENSE:
            return self.steps[one] << BITS | self.steps[other], self.ended[self.path[one], :1]
        sums = np.bincount(self.steps[one] * labels + self.steps[other], self.ended[self.path[one], 0])
        there = np.flatnonzero(sums)
        return np.asarray(there // labels << BITS | there % labels, np.int64), sums[there, None].astype(np.float64)

    def _in_a_row(self, length: int) -> tuple[Codes, Codes]:
        """The codes of so many steps in a row of one path, and where the last one of each stands."""
        last = np.flatnonzero(self.into >= length - 1)
        codes = np.zeros(len(last), np.int64)
        for back in reversed(range(length)):
            codes = codes << BITS | self.steps[last - back]
        return codes, last

    def _results(self, at: Codes) -> tuple[Sums, Sums]:
        _, won, lost = self.ended[self.path[at]].T
        return won, lost
