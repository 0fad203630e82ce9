"""How the call seems to have ended: the last intent that an outcome of the taxonomy names."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.extract.findings import FoundIntent
from pipeline.extract.wording import wording
from pipeline.scenarios.model import Edition
from schemas.insight import InferredOutcome


def inferred_outcome(intents: Sequence[FoundIntent], edition: Edition) -> InferredOutcome | None:
    """The outcome that the last decisive intent stands for, or None; ``intents`` are in order of time."""
    outcomes = {name: outcome for outcome in edition.taxonomy.outcomes for name in outcome.intents}
    last = next((intent for intent in reversed(intents) if intent.name in outcomes), None)
    if last is None:
        return None
    outcome = outcomes[last.name]
    definition = edition.taxonomy.intent(last.name)
    assert definition is not None
    words = wording(edition.language)
    return InferredOutcome(
        name=outcome.name,
        result=outcome.result,
        reason=words.reason.format(intent=definition.title, role=words.roles[last.evidence.role]),
        evidence=(last.evidence,),
    )
