"""When the words of a live call are mined: at the end of a turn, and not more often than every so many seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

MOST_WAITING: Final = 60
"""Segments that wait before they are mined in any case: messages may all bear the same time."""


class Pace(BaseModel):
    """What of a call is still to be mined; every change gives a new value.

    ``waiting`` are the ids of the segments that came since the last time, in order of their coming. ``mined_at_ms`` is
    when that was, in the call's time: the times of segments decide, so that a replay decides alike, however fast it
    runs. ``so_far`` is the model's summary of what was mined.
    """

    model_config = ConfigDict(frozen=True)

    waiting: tuple[str, ...] = ()
    mined_at_ms: int | None = None
    so_far: str = ""

    def heard(self, segment_ids: Iterable[str]) -> Self:
        """With these waiting, too."""
        return self.model_copy(update={"waiting": tuple(dict.fromkeys((*self.waiting, *segment_ids)))})

    def is_due(self, at_ms: int, every_ms: int) -> bool:
        """Whether what waits is mined when a turn ends at this time of the call.

        A turn that lies far before the last time is due, too: else one segment whose time is wrong by an hour would
        stop the mining for that hour.
        """
        if not self.waiting:
            return False
        if self.mined_at_ms is None or len(self.waiting) >= MOST_WAITING:
            return True
        return abs(at_ms - self.mined_at_ms) >= every_ms

    def mined(self, at_ms: int, so_far: str) -> Self:
        """With nothing waiting."""
        return self.model_copy(update={"waiting": (), "mined_at_ms": at_ms, "so_far": so_far})

    def forgetting(self) -> Self:
        """Without any words, or what points to them."""
        return self.model_copy(update={"waiting": (), "so_far": ""})
