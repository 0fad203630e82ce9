"""What is known of a conversation when advice is sought: of a whole call, or of one that goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.flow import Guidance
from schemas.insight import (
    CallInsight,
    ComplianceHit,
    Entity,
    Evidence,
    InferredOutcome,
    Intent,
    SideSentiment,
    TopicSpan,
)
from schemas.wire import Lane


@dataclass(frozen=True, slots=True)
class Known:
    """What triggers look at; times are ms from the start of the call.

    ``intents`` are what a card may stand on: all of a whole call, the newest ones of a call that goes on. ``last_said``
    has, for each intent of the call so far, when it was last begun. What is known at the end of a call only is empty
    before, and what calls go on to next (``guidance``) is known before only.
    """

    lane: Lane
    intents: tuple[Intent, ...]
    entities: tuple[Entity, ...]
    last_said: Mapping[str, int]
    duration_ms: int
    topics: tuple[TopicSpan, ...] = ()
    sentiments: tuple[SideSentiment, ...] = ()
    compliance: tuple[ComplianceHit, ...] = ()
    outcome: InferredOutcome | None = None
    guidance: Guidance | None = None


def of_whole(insight: CallInsight) -> Known:
    """What is known of a call that is over."""
    return Known(
        lane=insight.lane,
        intents=insight.intents,
        entities=insight.entities,
        last_said=last_said(insight.intents),
        duration_ms=insight.duration_ms,
        topics=insight.topics,
        sentiments=insight.sentiments,
        compliance=insight.compliance,
        outcome=insight.outcome_inferred,
    )


def last_said(intents: Iterable[Intent], before: Mapping[str, int] | None = None) -> dict[str, int]:
    """When each intent was last begun, going on from what was known before."""
    starts = dict(before or {})
    for intent in intents:
        starts[intent.name] = max(begun(intent).start_ms, starts.get(intent.name, 0))
    return starts


def begun(intent: Intent) -> Evidence:
    """The first words that an intent stands on."""
    return min(intent.evidence, key=lambda evidence: (evidence.start_ms, evidence.end_ms))
