"""Calls that come in at a steady rate, each a new one: recorded, live and written, published when they are due.

Nothing is made long before it is due, so that an hour takes no more memory than a minute.
"""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from made_calls import Due, chat, chat_record, live_calls, recordings
from models_stand_in import PHRASES

from workers.edge import Edge

_TICK_S: Final = 0.25
"""What is due within such a time is published together, at its end."""
_LIVE_S: Final = 10.0
"""Longer than a live call takes."""
_MESSAGES: Final = 4
"""Of a written conversation."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Calls a second of each kind."""

    recorded: float
    live: float
    written: float

    @classmethod
    def of(cls, together: float) -> Rates:
        """Two of five are recorded, two are written, and one, which costs the most, is live."""
        return cls(recorded=together * 0.4, live=together * 0.2, written=together * 0.4)


def steady(folder: Path, rates: Rates, seconds: float) -> Iterator[Due]:
    """The records of all calls that begin within this time, rising by when they are due.

    The recordings lie in ``folder`` before they are announced.
    """
    recorded, live, written = (max(1, round(rate * seconds)) for rate in (rates.recorded, rates.live, rates.written))
    return heapq.merge(
        recordings(folder, recorded, seconds=seconds),
        in_order(live_calls(live, seconds=seconds), _LIVE_S),
        _written(written, seconds=seconds),
        key=lambda due: due.at_s,
    )


def in_order(dues: Iterable[Due], reach_s: float) -> Iterator[Due]:
    """The same, rising by time, where none is due more than ``reach_s`` before one that comes earlier.

    Holds no more of them than fall into that time.
    """
    waiting: list[tuple[float, int, Due]] = []
    for number, due in enumerate(dues):
        heapq.heappush(waiting, (due.at_s, number, due))
        while waiting[0][0] < due.at_s - reach_s:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def _written(count: int, *, seconds: float) -> Iterator[Due]:
    for number in range(count):
        chance = random.Random(number)  # noqa: S311 - the same calls in every run; nothing is secret
        texts = tuple(chance.choices(PHRASES, k=_MESSAGES))
        yield Due(number * seconds / count, chat_record(chat(f"written-{number:05}", number, texts=texts)))


class Calls:
    """Publishes records when they are due, from a thread; the context ends when all are out."""

    def __init__(self, edge: Edge, dues: Iterable[Due]) -> None:
        self._edge = edge
        self._dues = dues
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="calls")
        self.published: set[str] = set()
        """The calls of which something was published."""
        self.records = 0
        self.late_s = 0.0
        """How late the latest of all records was."""
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._given_up.set()
        self._thread.join()

    @property
    def going_on(self) -> bool:
        """Whether there is more to publish.

        Raises:
            Exception: what has ended the publishing.
        """
        if self.error is not None:
            raise self.error
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._publish_all()
        except Exception as error:  # noqa: BLE001 - told to whoever asks whether it goes on
            self.error = error

    def _publish_all(self) -> None:
        begin = time.monotonic()
        with self._edge.publishing() as publish:
            for tick, together in groupby(self._dues, key=lambda due: int(due.at_s / _TICK_S)):
                records = [due.record for due in together]
                wait_s = begin + (tick + 1) * _TICK_S - time.monotonic()
                if self._given_up.wait(max(0.0, wait_s)):
                    return
                self.late_s = max(self.late_s, -wait_s)
                publish(records)
                self.records += len(records)
                self.published |= {record.key.decode().partition(":")[2] for record in records}
