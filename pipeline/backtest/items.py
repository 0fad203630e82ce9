"""What can be right or wrong in an insight, as items of one form: those that are extracted and those labelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from pipeline.evaluate.intents import Place, overlap
from schemas.insight import CallInsight, Evidence
from schemas.transcript import Segment

ScoredField = Literal["intents", "entities", "topics", "outcome", "objections", "follow_ups"]
SCORED: Final[tuple[ScoredField, ...]] = get_args(ScoredField)
"""A summary is no item: two good ones share no words, so it is shown and not scored."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is said to be in a call.

    ``name`` is what the taxonomy calls it; of an objection how it was handled, of a follow-up its kind. ``value`` is an
    entity's in its one spelling. ``place`` is where it stands, None of what is of the whole call. ``evidence`` are the
    words, for people: the segment's id and the quote.
    """

    name: str
    value: str | None = None
    place: Place | None = None
    evidence: tuple[str, str] | None = field(default=None, compare=False)

    def is_same(self, other: Item) -> bool:
        """Whether both say the same thing: turns of one role that overlap in time are one place."""
        if (self.name, self.value) != (other.name, other.value):
            return False
        if self.place is None or other.place is None:
            return self.place is other.place
        return overlap(self.place, other.place)


def place_of(segment: Segment | Evidence) -> Place:
    """Who spoke in it, and when."""
    return (segment.role, segment.start_ms, segment.end_ms)


def items_of(insight: CallInsight | None, scored: ScoredField) -> tuple[Item, ...]:
    """What an insight says in a field, each thing once; nothing where no insight came."""
    return () if insight is None else tuple(dict.fromkeys(_READ[scored](insight)))


def is_among(item: Item, others: Iterable[Item]) -> bool:
    """Whether one of the others says the same."""
    return any(item.is_same(other) for other in others)


def _intents(insight: CallInsight) -> Iterable[Item]:
    return (_at(one.name, one.evidence[0]) for one in insight.intents)


def _entities(insight: CallInsight) -> Iterable[Item]:
    return (Item(one.name, value=one.value, evidence=_words(one.evidence[0])) for one in insight.entities)


def _topics(insight: CallInsight) -> Iterable[Item]:
    return (Item(one.topic) for one in insight.topics)


def _outcome(insight: CallInsight) -> Iterable[Item]:
    inferred = insight.outcome_inferred
    if inferred is not None:
        yield Item(inferred.name, evidence=_words(inferred.evidence[0]) if inferred.evidence else None)


def _objections(insight: CallInsight) -> Iterable[Item]:
    return (_at(one.handling.value, one.evidence[0]) for one in insight.objections)


def _follow_ups(insight: CallInsight) -> Iterable[Item]:
    return (_at(one.kind.value, one.evidence[0]) for one in insight.follow_ups)


def _at(name: str, evidence: Evidence) -> Item:
    return Item(name, place=place_of(evidence), evidence=_words(evidence))


def _words(evidence: Evidence) -> tuple[str, str]:
    return evidence.segment_id, evidence.quote


_READ: Final[Mapping[ScoredField, Callable[[CallInsight], Iterable[Item]]]] = {
    "intents": _intents,
    "entities": _entities,
    "topics": _topics,
    "outcome": _outcome,
    "objections": _objections,
    "follow_ups": _follow_ups,
}
