"""How long a language model was asked for one extraction, however many there are at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar

from pipeline import figures
from pipeline.intervals import Stretch, joined


class Stopwatch:
    """A ``Meter`` that an extractor tells of its requests; waiting for their turn is not in its time.

    Requests of one extraction are made in its task, or in tasks of that one, which have its context.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._asked: ContextVar[list[Stretch] | None] = ContextVar("asked", default=None)

    def start(self) -> None:
        """Begin anew in this task."""
        self._asked.set([])

    def seconds(self) -> float | None:
        """How long the model was asked in this task, side by side counting once; None where it was not."""
        asked = self._asked.get()
        return sum(end - start for start, end in joined(asked)) / 1_000 if asked else None

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Nothing is counted."""

    def observe(self, name: str, value: float, **labels: str) -> None:
        """A request has just ended that took so many seconds."""
        del labels
        asked = self._asked.get()
        if name == figures.SECONDS and asked is not None:
            end = self._clock()
            asked.append((round((end - value) * 1_000), round(end * 1_000)))
