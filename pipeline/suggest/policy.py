"""How much advice a call gets, and for how long a piece of it is good."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pipeline.scenarios.model import Card
from pipeline.suggest.triggers import Firing
from schemas.wire import Lane

MOST_OF_A_CALL: Final = 5
"""Suggestions for one call: more than a person acts on is noise."""
URGENT: Final = 80
"""From this priority on a card is shown in a live call however many and however recently others were."""
OUTRANKS: Final = 20
"""Points of priority by which a calm suggestion must be above one that still stands to take its place."""
APART: Final = timedelta(seconds=20)
"""Between two suggestions of a live call: time to read one (40 words at 120 a minute) and still listen."""
FOLLOW_UP_EXPIRES_S: Final = 7 * 24 * 3_600
"""Advice after a call is good for a week, the time in which a call is followed up."""


class Why(StrEnum):
    """Why advice that fits is not shown."""

    EXPIRED = "expired"
    AGENT_DOES_IT = "agent_does_it"
    ENOUGH = "enough"
    TOO_SOON = "too_soon"
    OCCUPIED = "occupied"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the settings say: the time between two suggestions of a live call, and the most of them."""

    apart: timedelta = APART
    most: int = MOST_OF_A_CALL


@dataclass(frozen=True, slots=True)
class Standing:
    """A suggestion on the agent's screen: neither expired nor withdrawn."""

    priority: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Screen:
    """What a call was shown so far, and what still stands. Times are of the call's own clock."""

    shown: int = 0
    last_at: datetime | None = None
    standing: Standing | None = None


def choose(
    firings: Iterable[Firing], most: int = MOST_OF_A_CALL, score: Callable[[Card], float] | None = None
) -> list[Firing]:
    """The firings that are shown, in order of time, then priority, then card id.

    A card is shown at most once, at its first moment. Where there are more than ``most``, the highest scores win, which
    are the priorities where none are given.
    """
    worth = score or (lambda card: card.priority)
    first: dict[str, Firing] = {}
    for firing in sorted(firings, key=_order):
        first.setdefault(firing.card.id, firing)
    kept = sorted(first.values(), key=lambda firing: (-worth(firing.card), *_order(firing)))[:most]
    return sorted(kept, key=_order)


def withheld(priority: int, now: datetime, screen: Screen, bounds: Bounds) -> Why | None:
    """Why a suggestion of this priority may not come to the screen of a live call now; None if it may.

    One suggestion stands at a time. What stands keeps its place until it expires or is withdrawn, but gives way

    - to an urgent one at once, unless it is urgent itself, above it, and has not yet stood for ``bounds.apart``;
    - to a calm one that is ``OUTRANKS`` points above it, as long as fewer than ``bounds.most`` were shown and the last
      one came ``bounds.apart`` ago, which holds for calm ones in any case.
    """
    standing = screen.standing
    if priority >= URGENT:
        is_below = standing is not None and priority < standing.priority and now - standing.since < bounds.apart
        return Why.OCCUPIED if is_below else None
    if screen.shown >= bounds.most:
        return Why.ENOUGH
    if screen.last_at is not None and now - screen.last_at < bounds.apart:
        return Why.TOO_SOON
    if standing is not None and priority < standing.priority + OUTRANKS:
        return Why.OCCUPIED
    return None


def expiry(card: Card, lane: Lane, created_at: datetime) -> datetime:
    """When the advice is stale: while the call is on as soon as the card says, after it in a week."""
    return expires(card.expires_after_s if lane is Lane.LIVE else None, created_at)


def expires(lives_s: int | None, created_at: datetime) -> datetime:
    """When advice that lives so many seconds is stale; a week after where it says nothing."""
    return created_at + timedelta(seconds=lives_s or FOLLOW_UP_EXPIRES_S)


def _order(firing: Firing) -> tuple[int, int, str]:
    return firing.at_ms, -firing.card.priority, firing.card.id
