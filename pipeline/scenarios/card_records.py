"""How cards have done, as the stage ``index`` counts it and publishes it: the newest figures of each."""

from __future__ import annotations

from typing import Final

from pipeline.suggest.track_record import TrackRecord
from schemas.reference import CardStatistics

_NOTHING: Final = TrackRecord()


class CardRecords:
    """``TrackRecords`` of what was taken up so far."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str, str, str], TrackRecord] = {}

    def __call__(self, tenant_id: str, scenario: str, language: str, card_id: str) -> TrackRecord:
        return self._records.get((tenant_id, scenario, language, card_id), _NOTHING)

    def take(self, tenant_id: str, counted: CardStatistics) -> None:
        """What holds of a card from now on."""
        self._records[tenant_id, counted.scenario, counted.language, counted.card_id] = TrackRecord(
            shown=counted.shown,
            accepted=counted.accepted,
            edited=counted.edited,
            dismissed=counted.dismissed,
            won=counted.won,
            lost=counted.lost,
        )

    def drop(self, tenant_id: str, scenario: str, language: str, card_id: str) -> None:
        """Nothing is known of a card any more."""
        self._records.pop((tenant_id, scenario, language, card_id), None)
