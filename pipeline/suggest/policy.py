"""How much advice a call gets, and for how long a piece of it is good."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from pipeline.scenarios.model import Card
from pipeline.suggest.triggers import Firing
from schemas.wire import Lane

MOST_OF_A_CALL: Final = 5
"""Suggestions for one call: more than a person acts on is noise."""
URGENT: Final = 80
"""From this priority on a card is shown in a live call however many and however recently others were."""
APART: Final = timedelta(seconds=20)
"""Between two suggestions of a live call: time to read one (40 words at 120 a minute) and still listen."""
FOLLOW_UP_EXPIRES_S: Final = 7 * 24 * 3_600
"""Advice after a call is good for a week, the time in which a call is followed up."""


def choose(firings: Iterable[Firing], most: int = MOST_OF_A_CALL) -> list[Firing]:
    """The firings that are shown, in order of time, then priority, then card id.

    A card is shown at most once, at its first moment. Where there are more than ``most``, the highest priorities win.
    """
    first: dict[str, Firing] = {}
    for firing in sorted(firings, key=_order):
        first.setdefault(firing.card.id, firing)
    kept = sorted(first.values(), key=lambda firing: (-firing.card.priority, *_order(firing)))[:most]
    return sorted(kept, key=_order)


def choose_live(firings: Iterable[Firing], at: datetime, shown: int, last_at: datetime | None) -> list[Firing]:
    """The firings of this moment of a live call that are shown, in the order of ``choose``.

    Every urgent one, and where there is none the one of the highest priority: if the last suggestion was ``APART`` ago
    and fewer than ``MOST_OF_A_CALL`` were ``shown``. Times are those of the events.
    """
    ranked = sorted(firings, key=lambda firing: (-firing.card.priority, *_order(firing)))
    urgent = [firing for firing in ranked if firing.card.priority >= URGENT]
    has_room = shown < MOST_OF_A_CALL and (last_at is None or at - last_at >= APART)
    return sorted(urgent or ranked[:has_room], key=_order)


def expiry(card: Card, lane: Lane, created_at: datetime) -> datetime:
    """When the advice is stale: while the call is on as soon as the card says, after it in a week."""
    live_s = card.expires_after_s if lane is Lane.LIVE else None
    return created_at + timedelta(seconds=live_s or FOLLOW_UP_EXPIRES_S)


def _order(firing: Firing) -> tuple[int, int, str]:
    return firing.at_ms, -firing.card.priority, firing.card.id
