"""Which offsets of a partition are in hand, and how far the finished ones reach without a gap."""

from __future__ import annotations

from collections.abc import Callable

Acknowledge = Callable[[], None]


class Window:
    """The offsets of one partition between the oldest unfinished one and the newest taken.

    Offsets are opened in rising order and finished in any; ``finish`` gives back what may now be acknowledged, oldest
    first: nothing is ever acknowledged before all that came before it.
    """

    def __init__(self) -> None:
        self._open: dict[int, Acknowledge] = {}
        self._finished: set[int] = set()

    def open(self, offset: int, acknowledge: Acknowledge) -> None:
        """Take an offset in hand."""
        self._open[offset] = acknowledge

    def finish(self, offset: int) -> list[Acknowledge]:
        """Mark an offset as done; the acknowledgements that it sets free, in order."""
        self._finished.add(offset)
        free: list[Acknowledge] = []
        while self._open and (oldest := next(iter(self._open))) in self._finished:
            self._finished.discard(oldest)
            free.append(self._open.pop(oldest))
        return free

    def span(self, offset: int) -> int:
        """How many offsets lie between the oldest unfinished one and this one."""
        return offset - next(iter(self._open), offset)

    @property
    def oldest(self) -> int | None:
        """The oldest offset that is not finished, or None."""
        return next(iter(self._open), None)
