"""Which of several cards comes first: what people gave them as priority, moved by how they have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from pipeline.ids import place_of_name
from pipeline.scenarios.model import Card
from pipeline.suggest.track_record import TrackRecord

STRENGTH: Final = 20.0
"""How many suggestions' worth the average of all cards weighs against a card's own record: one that was shown 3 times
moves by an eighth of what it did, one that was shown 100 times by five sixths.
"""
ACCEPTED_POINTS: Final = 10.0
"""Points of priority that a card gains or loses at most by how often agents take it: a record reorders neighbours, and
does not turn round what people decided.
"""
WON_POINTS: Final = 5.0
"""The same by how the calls ended in which it was shown; half as much, as a card for hard calls is shown in those."""
LITTLE_KNOWN: Final = 30
"""Suggestions of a card below which it is tried out: the 95 % interval of its acceptance is wider than ± 17 points."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Scores of cards from their records.

    The rate of a card is the mean of its posterior: a beta-binomial whose prior is the rate of all cards together,
    ``STRENGTH`` suggestions strong (empirical Bayes; Casella, "An Introduction to Empirical Bayes Data Analysis", The
    American Statistician 39, 1985). So what is known of few is drawn to what is known of all.
    """

    records: Mapping[str, TrackRecord]
    accepted: float
    won: float

    @classmethod
    def of(cls, records: Mapping[str, TrackRecord]) -> Self:
        """Of the cards that are compared with each other: those of one playbook, by their ids."""
        every = records.values()
        return cls(
            records,
            accepted=_average([(_taken(one), _tries(one)) for one in every]),
            won=_average([(one.won, one.won + one.lost) for one in every]),
        )

    def score(self, card: Card) -> float:
        """Points: the card's priority, and at most 15 more or less."""
        record = self.records.get(card.id, TrackRecord())
        return (
            card.priority
            + ACCEPTED_POINTS * _lift(_taken(record), _tries(record), self.accepted)
            + WON_POINTS * _lift(record.won, record.won + record.lost, self.won)
        )

    def explored(self, cards: Sequence[Card], share: float, moment: str) -> Card | None:
        """The card of which least is known, at a share of the moments; None at the others, and where all are known.

        Args:
            cards: that fit, in any order.
            share: of the moments at which a card is tried out, 0 to 1.
            moment: names the choice; the same one decides the same again.
        """
        unknown = [card for card in cards if _tries(self.records.get(card.id, TrackRecord())) < LITTLE_KNOWN]
        if len(cards) < 2 or not unknown or place_of_name(f"explore:{moment}") >= share:  # noqa: PLR2004 - a choice
            return None
        return min(
            unknown,
            key=lambda card: (
                _tries(self.records.get(card.id, TrackRecord())),
                place_of_name(f"explore:{moment}:{card.id}"),
            ),
        )


def _taken(record: TrackRecord) -> int:
    return record.accepted + record.edited


def _tries(record: TrackRecord) -> int:
    """How often an agent decided about it; one who accepts need not have said before that it was shown."""
    return max(record.shown, record.accepted + record.edited + record.dismissed)


def _average(counts: Sequence[tuple[int, int]]) -> float:
    """The mean rate of the cards, each weighed by how sure its own is, so that no card that is shown much is all of it.

    Half a success and half a failure are added (Jeffreys' prior): where nothing is known it is one half.
    """
    weights = [all_ / (all_ + STRENGTH) for _, all_ in counts]
    good = sum(weight * good / all_ for weight, (good, all_) in zip(weights, counts, strict=True) if all_)
    return (good + 0.5) / (sum(weights) + 1)


def _lift(good: int, all_: int, average: float) -> float:
    """How far the posterior mean lies above or below the average, as a share of how far it could: -1 to 1."""
    mean = (good + STRENGTH * average) / (all_ + STRENGTH)
    return (mean - average) / max(average, 1 - average)
