"""A call removed from every place that keeps something of calls, and what came of it; doing it again does no harm."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.erasure.receipt import NotReached, Removed
from pipeline.errors import ConvmineError, Retryable
from pipeline.privacy.vault import Subject

_TRIES: Final = 3
"""A file that another process is just reading is asked for so often."""
_PAUSE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """A place: what people call it, and how a call is removed; says how many things were, by where exactly."""

    name: str
    remove: Callable[[Subject], Awaitable[Mapping[str, int]]]


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was removed where, and from where nothing could be."""

    removed: tuple[Removed, ...] = ()
    not_reached: tuple[NotReached, ...] = ()

    def then(self, later: Cleared) -> Cleared:
        """Both together: counts are added up, and only what was not reached the second time is not."""
        counted = Counter({one.place: one.removed for one in self.removed})
        counted.update({one.place: one.removed for one in later.removed})
        return Cleared(tuple(Removed(place=name, removed=n) for name, n in counted.items()), later.not_reached)


@dataclass(slots=True)
class _Tally:
    removed: Counter[str] = field(default_factory=Counter)
    not_reached: dict[str, NotReached] = field(default_factory=dict)


async def erase(places: Iterable[Place], subjects: Sequence[Subject]) -> Cleared:
    """Remove these calls from every place; one that fails stops no other."""
    tally = _Tally()
    for place in places:
        await _erase_from(place, subjects, tally)
    removed = tuple(Removed(place=name, removed=count) for name, count in tally.removed.items())
    return Cleared(removed, tuple(tally.not_reached.values()))


async def _erase_from(place: Place, subjects: Sequence[Subject], tally: _Tally) -> None:
    """From one place; where it fails for one call it is not asked for the others."""
    for subject in subjects:
        try:
            counted = await _tried(place, subject)
        except Exception as error:  # noqa: BLE001 - whatever it is, the receipt must say so and the other places come next
            tally.not_reached[place.name] = _not_reached(place.name, error)
            return
        for name, count in counted.items():
            tally.removed[name] += count


async def _tried(place: Place, subject: Subject) -> Mapping[str, int]:
    for _ in range(_TRIES - 1):
        try:
            return await place.remove(subject)
        except Retryable:
            await asyncio.sleep(_PAUSE_S)
    return await place.remove(subject)


def _not_reached(name: str, error: Exception) -> NotReached:
    if isinstance(error, ConvmineError):
        return NotReached(place=name, why=error.message, hint=error.hint)
    return NotReached(place=name, why=f"{type(error).__name__}: {error}")
