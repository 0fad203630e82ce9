"""Records published when they are due, from a thread; a broker that is away is tried again, as a call system would."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from installation import Installation
from made_calls import Due

from pipeline.errors import ConvmineError
from workers.records import NewRecord

_TICK_S = 0.5


class Publishing:
    """Publishes ``speed`` times as fast as the records say; the context ends when all are out.

    What was due together goes out together, in order; where that failed half way it is published again, and consumers
    have the same events twice.
    """

    def __init__(self, place: Installation, dues: Sequence[Due], *, speed: float = 1.0) -> None:
        self._place = place
        self._dues = sorted(dues, key=lambda due: due.at_s)
        self._speed = speed
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.refused = 0
        """How often the broker did not take what was due."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._given_up.set()
        self._thread.join()

    def _run(self) -> None:
        begin, at = time.monotonic(), 0
        while at < len(self._dues) and not self._given_up.wait(_TICK_S):
            now_s = (time.monotonic() - begin) * self._speed
            end = next((n for n in range(at, len(self._dues)) if self._dues[n].at_s > now_s), len(self._dues))
            if end > at and self._published([due.record for due in self._dues[at:end]]):
                at = end

    def _published(self, records: Sequence[NewRecord]) -> bool:
        try:
            self._place.edge.publish(records)
        except ConvmineError:
            self.refused += 1
            return False
        return True
