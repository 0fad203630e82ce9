"""What an extractor is given and what it gives back, before the shared post-processing makes an insight of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from pipeline.scenarios.model import Edition, Scenario
from schemas.insight import Evidence, FollowUpKind, Handling, InferredOutcome, Provenance
from schemas.transcript import Segment
from schemas.wire import Role


@dataclass(frozen=True, slots=True)
class Conversation:
    """The segments of one call in order of start, and what may be found in them.

    ``subject`` is whose words these are (``tenant:call``): what is kept of them is found again by it, to be erased.
    ``so_far`` is a summary of what was said before, of a call that goes on.
    """

    segments: tuple[Segment, ...]
    duration_ms: int
    scenario: Scenario
    edition: Edition
    subject: str = ""
    so_far: str = ""


@dataclass(frozen=True, slots=True)
class FoundIntent:
    """An intent of the taxonomy in the words it stands on."""

    name: str
    confidence: float
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class FoundEntity:
    """A slot as it was said, in its place."""

    name: str
    said: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class FoundObjection:
    """What the customer held against it, and the words with which the agent answered, where there are any."""

    handling: Handling
    evidence: Evidence
    answer: Evidence | None = None


@dataclass(frozen=True, slots=True)
class FoundFollowUp:
    """What one side is going to do: ``due_said`` are the words for when, as they were said."""

    kind: FollowUpKind
    what: str
    evidence: Evidence
    due_said: str | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What the extractors differ in; all else is worked out from it in ``pipeline.extract.insight``."""

    intents: tuple[FoundIntent, ...]
    outcome: InferredOutcome | None
    summary: str
    provenance: Provenance
    entities: tuple[FoundEntity, ...] = ()
    objections: tuple[FoundObjection, ...] = ()
    follow_ups: tuple[FoundFollowUp, ...] = ()


class IntentExtractor(Protocol):
    """Finds intents, outcome and summary of a conversation.

    Raises:
        Retryable: a model's server is away.
        Poison: no valid answer came of this conversation.
        Config: the extractor is set up wrongly.
    """

    async def extract(self, conversation: Conversation) -> Findings: ...

    async def close(self) -> None: ...


# A supervisor speaks for the desk, and one whose role is not known may be of either side.
SIDES: Final[Mapping[Role, frozenset[Role]]] = {
    Role.AGENT: frozenset({Role.AGENT}),
    Role.SUPERVISOR: frozenset({Role.AGENT}),
    Role.CUSTOMER: frozenset({Role.CUSTOMER}),
    Role.UNKNOWN: frozenset({Role.AGENT, Role.CUSTOMER}),
}
"""Whose intents a speaker may have."""


def evidence_of(segment: Segment, quote: str) -> Evidence:
    """Words of a segment as evidence; the times are the segment's, as no engine's word times are at hand."""
    return Evidence(
        segment_id=segment.segment_id,
        role=segment.role,
        start_ms=segment.start_ms,
        end_ms=segment.end_ms,
        quote=quote,
    )
