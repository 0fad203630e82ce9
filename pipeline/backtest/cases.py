"""The calls of a back-test: their words, and what is labelled of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from pipeline.backtest.items import SCORED, Item, ScoredField
from pipeline.errors import ConvmineError
from pipeline.extract.entities import normalised_value
from pipeline.scenarios.model import Taxonomy
from schemas.insight import FollowUpKind, Handling
from schemas.transcript import TranscriptCompleted


class CasesUnreadable(ConvmineError):
    """What should be back-tested on cannot be used; the message says where and what is wrong."""


@dataclass(frozen=True, slots=True)
class Case:
    """One call. ``gold`` has the fields that are labelled in it, also those in which nothing is to be found.

    ``unsure`` are items of which people say different things: they count neither as right nor as wrong. ``summary`` is
    a labelled one, to be read beside the others.
    """

    transcript: TranscriptCompleted
    gold: Mapping[ScoredField, tuple[Item, ...]] = field(default_factory=dict)
    unsure: Mapping[ScoredField, tuple[Item, ...]] = field(default_factory=dict)
    summary: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of the call's words: what an extraction depends on."""
        return sha256(self.transcript.model_dump_json().encode()).hexdigest()


def material(cases: Iterable[Case]) -> str:
    """SHA-256, in hex, of the calls and their labels, in whatever order they come."""
    described = sorted(json.dumps([case.digest, _told(case.gold), _told(case.unsure)]) for case in cases)
    return sha256("\n".join(described).encode()).hexdigest()


def labelled_fields(cases: Sequence[Case]) -> tuple[ScoredField, ...]:
    """Those that are labelled in any of the calls."""
    return tuple(name for name in SCORED if any(name in case.gold for case in cases))


def named_item(taxonomy: Taxonomy, scored: ScoredField, item: Item) -> Item:
    """The item with its value in its one spelling.

    Raises:
        CasesUnreadable: the taxonomy does not know the name; the message has the nearest that it knows.
    """
    known = names_of(taxonomy, scored)
    if item.name not in known:
        raise CasesUnreadable(f"{scored}: {item.name!r} is not in the taxonomy{_nearest(item.name, known)}")
    if item.value is None:
        return item
    definition = next((one for one in taxonomy.entities if one.name == item.name), None)
    value = normalised_value(item.value, definition)
    return Item(item.name, value=value, place=item.place, evidence=item.evidence)


def names_of(taxonomy: Taxonomy, scored: ScoredField) -> tuple[str, ...]:
    """What an item of this field can be called."""
    return {
        "intents": tuple(one.name for one in taxonomy.intents),
        "entities": tuple(one.name for one in taxonomy.entities),
        "topics": tuple(one.name for one in taxonomy.topics),
        "outcome": tuple(one.name for one in taxonomy.outcomes),
        "objections": tuple(one.value for one in Handling),
        "follow_ups": tuple(one.value for one in FollowUpKind),
    }[scored]


def _nearest(name: str, known: Sequence[str]) -> str:
    from rapidfuzz import process

    nearest = [one for one, *_ in process.extract(name, known, limit=3)]
    return f"; nearest: {', '.join(nearest)}" if nearest else ""


def _told(items: Mapping[ScoredField, tuple[Item, ...]]) -> object:
    return sorted(
        [name, sorted(json.dumps([one.name, one.value, one.place]) for one in of)] for name, of in items.items()
    )
