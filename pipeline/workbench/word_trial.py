"""What word lists would find in a stored call, beside what they find now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.extract.compliance import check_compliance
from pipeline.scenarios.model import WordLists
from schemas.insight import ComplianceHit, ComplianceKind
from schemas.transcript import Segment
from schemas.wire import Role

_QUOTES: Final = 3
"""Places of one rule in one call that are shown; how many there are is counted."""
Change = Literal["same", "new", "gone"]


@dataclass(frozen=True, slots=True)
class Place:
    """Words that a rule found, ``at_ms`` from the start of the call."""

    role: Role
    at_ms: int
    quote: str


@dataclass(frozen=True, slots=True)
class TriedRule:
    """One rule in one call: ``count`` places, or none where a required phrase is missing.

    ``change`` says whether the lists that run now find it, too.
    """

    kind: ComplianceKind
    name: str
    change: Change
    count: int
    places: tuple[Place, ...]


def try_words(
    segments: Sequence[Segment], new: WordLists, running: WordLists, outcome: str | None
) -> tuple[TriedRule, ...]:
    """What both find; a rule that finds other places than before counts as new."""
    after = _by_rule(check_compliance(segments, new, outcome))
    before = _by_rule(check_compliance(segments, running, outcome))
    found = [_tried(hit, "same" if before.get(rule) == hit else "new") for rule, hit in after.items()]
    return (*found, *(_tried(hit, "gone") for rule, hit in before.items() if rule not in after))


def _by_rule(hits: Iterable[ComplianceHit]) -> dict[tuple[ComplianceKind, str], ComplianceHit]:
    return {(hit.kind, hit.name): hit for hit in hits}


def _tried(hit: ComplianceHit, change: Change) -> TriedRule:
    places = tuple(Place(one.role, one.start_ms, one.quote) for one in hit.evidence[:_QUOTES])
    return TriedRule(hit.kind, hit.name, change, len(hit.evidence), places)
