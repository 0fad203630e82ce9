"""From a model's answer to findings: every claim is kept only with words that really stand in the transcript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.extract.answer import Answer, AnsweredOutcome
from pipeline.extract.findings import SIDES, FoundEntity, FoundIntent
from pipeline.extract.grounding import ground
from pipeline.extract.wording import wording
from pipeline.scenarios.model import Edition
from schemas.insight import Evidence, InferredOutcome
from schemas.transcript import Segment


@dataclass(frozen=True, slots=True)
class Grounded:
    """What stands on evidence, and how much was dropped as it does not."""

    intents: tuple[FoundIntent, ...]
    entities: tuple[FoundEntity, ...]
    outcome: InferredOutcome | None
    dropped: int


def grounded(answer: Answer, by_id: Mapping[str, Segment], edition: Edition) -> Grounded:
    """The claims that stand on evidence; ``by_id`` are the segments by the names that the prompt gave them."""
    roles = {intent.name: intent.role for intent in edition.taxonomy.intents}
    intents = [
        FoundIntent(claim.intent, claim.confidence, evidence)
        for claim in answer.intents
        if (evidence := ground(by_id, claim.segment, claim.quote)) and roles[claim.intent] in SIDES[evidence.role]
    ]
    entities = [
        FoundEntity(slot.entity, evidence.quote, evidence)
        for slot in answer.entities
        if (evidence := ground(by_id, slot.segment, slot.value))
    ]
    outcome = _outcome(answer.outcome, by_id, edition)
    claimed = len(answer.intents) + len(answer.entities) + (answer.outcome is not None)
    kept = len(intents) + len(entities) + (outcome is not None)
    intents.sort(key=lambda intent: intent.evidence.start_ms)
    return Grounded(tuple(intents), tuple(entities), outcome, claimed - kept)


def _outcome(
    answered: AnsweredOutcome | None, by_id: Mapping[str, Segment], edition: Edition
) -> InferredOutcome | None:
    if answered is None or (evidence := ground(by_id, answered.segment, answered.quote)) is None:
        return None
    definition = edition.taxonomy.outcome(answered.name)
    assert definition is not None
    return InferredOutcome(
        name=definition.name,
        result=definition.result,
        reason=_reason(evidence, edition),
        evidence=(evidence,),
    )


def _reason(evidence: Evidence, edition: Edition) -> str:
    words = wording(edition.language)
    return words.model_reason.format(role=words.roles[evidence.role], quote=evidence.quote)
