"""A speech engine that takes no time: what is measured is everything around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.ports import Recognition, Speech


class Instant:
    """Says at once what it is told to say of each stretch.

    Args:
        says: the words of a stretch.
    """

    name = "instant"
    sample_rate_hz = 16_000

    def __init__(self, says: Callable[[Speech], str]) -> None:
        self._says = says

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        """As fast as it can be."""
        return [Recognition(self._says(it), 0.9, "en") for it in speeches]

    async def close(self) -> None:
        """Nothing is held open."""
