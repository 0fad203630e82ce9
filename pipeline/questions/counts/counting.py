"""How many match, how many of them were won and lost, how long they took: from facets, for all values of a field."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from pipeline.ports import VectorStore, Where
from pipeline.questions.fields import Of, OutcomeSource, place_of_outcome
from pipeline.questions.narrowing import TooWide
from pipeline.questions.question import Metric
from pipeline.store.filters import both

K = TypeVar("K")
T = TypeVar("T")

_MOST_VALUES: Final = 100_000
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Tally:
    """What is known of a group; ``timed`` calls have a length, which add up to ``seconds``."""

    count: int = 0
    won: int = 0
    lost: int = 0
    timed: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Counting:
    """What is counted, and which of the figures a metric needs; of the store a few things are asked at once."""

    store: VectorStore
    of: Of
    metric: Metric
    outcomes: OutcomeSource
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def whole(self, where: Where) -> Tally:
        """Of all that match."""
        tally = Tally(await self.store.count(self.of, where))
        if self.metric == "win_rate":
            results = await self.results(where)
            return replace(tally, won=results.get("won", 0), lost=results.get("lost", 0))
        return await self._timed(tally, where)

    async def results(self, where: Where) -> Mapping[str, int]:
        """How many ended won, lost and open; those of which it is not known are not in it."""
        return await self._values(place_of_outcome(self.outcomes, result=True), where)

    async def by(self, place: str, where: Where) -> dict[str, Tally]:
        """Of each value of this field of the payload, the most frequent first, those alike in the order of their names.

        Handle times are not in it yet.

        Raises:
            TooWide: there are more than 100,000.
        """
        found = await self._values(place, where)
        counts = dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))
        if self.metric != "win_rate":
            return {name: Tally(count) for name, count in counts.items()}
        result = place_of_outcome(self.outcomes, result=True)
        won = await self._values(place, both(where, Where(equal={result: "won"})))
        lost = await self._values(place, both(where, Where(equal={result: "lost"})))
        return {name: Tally(count, won.get(name, 0), lost.get(name, 0)) for name, count in counts.items()}

    async def with_times(
        self, place: str, where: Where, tallies: Mapping[str, Tally], chosen: Iterable[str]
    ) -> Mapping[str, Tally]:
        """The chosen of these with their handle times, where those are the figure."""
        if self.metric != "avg_handle_time":
            return tallies
        return await for_each(
            (name for name in chosen if name in tallies),
            lambda name: self._timed(tallies[name], both(where, Where(equal={place: name}))),
        )

    async def _timed(self, tally: Tally, where: Where) -> Tally:
        """A facet over whole seconds is their histogram."""
        if self.metric != "avg_handle_time":
            return tally
        lengths = await self._values("duration_s", where)
        seconds = sum(int(length) * count for length, count in lengths.items())
        return replace(tally, timed=sum(lengths.values()), seconds=seconds)

    async def _values(self, place: str, where: Where) -> dict[str, int]:
        async with self.turn:
            found = await self.store.values(self.of, place, where, _MOST_VALUES + 1)
        if len(found) > _MOST_VALUES:
            raise TooWide(f"{place} has more than {_MOST_VALUES:,} values in these", hint="narrow the question")
        return found


async def for_each(names: Iterable[K], ask: Callable[[K], Awaitable[T]]) -> dict[K, T]:
    """What is asked of each of these, at once; when one fails, the others are given up."""
    asking = {name: asyncio.ensure_future(ask(name)) for name in names}
    try:
        return dict(zip(asking, await asyncio.gather(*asking.values()), strict=True))
    finally:
        for each in asking.values():
            each.cancel()
