"""Plays live calls at their pace: each record is published when it is due, by a clock that drifts from nothing."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import merge
from operator import itemgetter
from types import FrameType
from typing import Final

from workers.records import NewRecord
from workers.told_to_end import SIGNALS

_AT_ONCE: Final = 200
"""Records that are published together, at most, where they are due already: what is behind catches up so."""

Course = Iterable[tuple[int, NewRecord]]
"""The records of a call in order, each with when it is due in milliseconds from the call's start."""
Place = tuple[str, int, int]
"""Topic, partition and offset."""
Publish = Callable[[Sequence[NewRecord]], list[Place]]
_Due = tuple[int, int, NewRecord, bool]
"""When, which call, what, and whether it is the call's last."""


@dataclass(slots=True)
class Played:
    """How far a call was played: where its first and its last record went, and up to when; ``whole`` up to its end."""

    events: int = 0
    first: Place | None = None
    last: Place | None = None
    up_to_ms: int = 0
    whole: bool = False

    def went(self, place: Place, due_ms: int, *, is_last: bool) -> None:
        self.events += 1
        self.first = self.first or place
        self.last, self.up_to_ms, self.whole = place, due_ms, is_last


@dataclass(frozen=True, slots=True)
class Performance:
    """Each call as it was played, and the most that a record was late, in milliseconds."""

    calls: tuple[Played, ...]
    late_ms: float


def play(courses: Sequence[Course], publish: Publish, *, speed: float, stop: threading.Event) -> Performance:
    """Play calls side by side, all begun now, until they end or ``stop`` is set.

    The clock starts when the first records are confirmed, so that making the connection does not count.

    Args:
        courses: one a call.
        publish: writes records in order, and says where each of them went.
        speed: 2 is double; 0 is as fast as they can be published.
        stop: nothing more is published once it is set.
    """
    calls = tuple(Played() for _ in courses)
    waiting: list[_Due] = []
    late_ms, started = 0.0, time.monotonic()

    def ahead_s(due_ms: int) -> float:
        """How long until then."""
        return started + due_ms / 1_000 / speed - time.monotonic() if speed else 0.0

    def send() -> None:
        nonlocal late_ms, started
        if waiting:
            late_ms = max(late_ms, -1_000 * ahead_s(waiting[0][0]))
            places = publish([record for _, _, record, _ in waiting])
            if not any(played.events for played in calls):
                started = time.monotonic()
            for (due_ms, call, _, is_last), place in zip(waiting, places, strict=True):
                calls[call].went(place, due_ms, is_last=is_last)
            waiting.clear()

    for due in merge(*(_marked(number, course) for number, course in enumerate(courses)), key=itemgetter(0)):
        if len(waiting) == _AT_ONCE or ahead_s(due[0]) > 0:
            send()
        if stop.wait(max(0.0, ahead_s(due[0]))):
            break
        waiting.append(due)
    else:
        send()
    return Performance(calls, late_ms)


@contextmanager
def stopped_by_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C, or the end of the process asked for politely, sets; asked a second time it ends at once."""
    stop, before = threading.Event(), {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()
        restore()

    for number in SIGNALS:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        restore()


def _marked(call: int, course: Course) -> Iterator[_Due]:
    """The records with the number of their call, the last of them marked."""
    before: tuple[int, NewRecord] | None = None
    for due in course:
        if before is not None:
            yield before[0], call, before[1], False
        before = due
    if before is not None:
        yield before[0], call, before[1], True
