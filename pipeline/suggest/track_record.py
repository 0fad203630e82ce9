"""How the suggestions of a card have done so far, as others count it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """How often a card was seen, what agents did with it, and how the calls ended whose outcome was observed."""

    shown: int = 0
    accepted: int = 0
    edited: int = 0
    dismissed: int = 0
    won: int = 0
    lost: int = 0


class TrackRecords(Protocol):
    """The record of a card; an empty one where nothing is known."""

    def __call__(self, tenant_id: str, scenario: str, language: str, card_id: str) -> TrackRecord: ...


def nothing_known(tenant_id: str, scenario: str, language: str, card_id: str) -> TrackRecord:
    """For who has nothing counted."""
    del tenant_id, scenario, language, card_id
    return TrackRecord()
