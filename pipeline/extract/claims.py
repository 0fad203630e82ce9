"""From a model's answer to findings: every claim is kept only with words that really stand in the transcript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from pipeline.extract.answer import Answer, AnsweredFollowUp, AnsweredObjection, AnsweredOutcome
from pipeline.extract.findings import SIDES, FoundEntity, FoundFollowUp, FoundIntent, FoundObjection
from pipeline.extract.grounding import ground
from pipeline.extract.summary import presentable
from pipeline.extract.wording import wording
from pipeline.scenarios.model import Edition
from schemas.insight import Evidence, FollowUpKind, Handling, InferredOutcome
from schemas.transcript import Segment
from schemas.wire import Role

# Characters of what a model says in its own words about one thing: a sentence.
_LONGEST_SENTENCE: Final = 240

_Found = TypeVar("_Found", FoundIntent, FoundEntity, FoundObjection, FoundFollowUp)


@dataclass(frozen=True, slots=True)
class Grounded:
    """What stands on evidence, and how much was dropped as it does not."""

    intents: tuple[FoundIntent, ...]
    entities: tuple[FoundEntity, ...]
    outcome: InferredOutcome | None
    dropped: int
    objections: tuple[FoundObjection, ...] = ()
    follow_ups: tuple[FoundFollowUp, ...] = ()


def grounded(answer: Answer, by_id: Mapping[str, Segment], edition: Edition) -> Grounded:
    """The claims that stand on evidence; ``by_id`` are the segments by the names that the prompt gave them.

    An objection is dropped as a whole where it is said to be answered and the agent's words are not there; of a
    follow-up only the words for when are, where those are not.
    """
    roles = {intent.name: intent.role for intent in edition.taxonomy.intents}
    intents = [
        FoundIntent(claim.intent, claim.confidence, evidence)
        for claim in answer.intents
        if (evidence := ground(by_id, claim.segment, claim.quote)) and roles[claim.intent] in SIDES[evidence.role]
    ]
    entities = [
        FoundEntity(slot.entity, evidence.quote, evidence)
        for slot in answer.entities
        if (evidence := ground(by_id, slot.segment, slot.value, mention=True))
    ]
    objections = [objection for claim in answer.objections if (objection := _objection(claim, by_id))]
    follow_ups = [follow_up for claim in answer.follow_ups if (follow_up := _follow_up(claim, by_id, edition))]
    outcome = _outcome(answer.outcome, by_id, edition)
    claimed = (
        *(answer.intents, answer.entities, answer.objections, answer.follow_ups),
        [claim.due_said for claim in answer.follow_ups if claim.due_said],
        [answer.outcome] if answer.outcome else [],
    )
    kept = (
        *(intents, entities, objections, follow_ups),
        [follow_up.due_said for follow_up in follow_ups if follow_up.due_said is not None],
        [outcome] if outcome else [],
    )
    return Grounded(
        intents=_in_order(intents),
        entities=_in_order(entities),
        outcome=outcome,
        dropped=sum(len(one) for one in claimed) - sum(len(one) for one in kept),
        objections=_in_order(objections),
        follow_ups=_in_order(follow_ups),
    )


def _in_order(found: list[_Found]) -> tuple[_Found, ...]:
    return tuple(sorted(found, key=lambda one: one.evidence.start_ms))


def _objection(claim: AnsweredObjection, by_id: Mapping[str, Segment]) -> FoundObjection | None:
    evidence = _said_by(Role.CUSTOMER, by_id, claim.segment, claim.quote)
    handling = Handling(claim.handling)
    if evidence is None:
        return None
    if handling is Handling.IGNORED:
        return FoundObjection(handling, evidence)
    reply = _said_by(Role.AGENT, by_id, claim.reply.segment, claim.reply.quote) if claim.reply else None
    if reply is None or reply.start_ms < evidence.start_ms:
        return None
    return FoundObjection(handling, evidence, reply)


def _follow_up(claim: AnsweredFollowUp, by_id: Mapping[str, Segment], edition: Edition) -> FoundFollowUp | None:
    evidence = ground(by_id, claim.segment, claim.quote)
    if evidence is None:
        return None
    due = ground(by_id, claim.segment, claim.due_said, mention=True) if claim.due_said else None
    what = presentable(claim.what, edition.language, longest=_LONGEST_SENTENCE) or evidence.quote
    return FoundFollowUp(FollowUpKind(claim.kind), what, evidence, due.quote if due else None)


def _said_by(side: Role, by_id: Mapping[str, Segment], segment: str, quote: str) -> Evidence | None:
    evidence = ground(by_id, segment, quote)
    return evidence if evidence is not None and side in SIDES[evidence.role] else None


def _outcome(
    answered: AnsweredOutcome | None, by_id: Mapping[str, Segment], edition: Edition
) -> InferredOutcome | None:
    if answered is None or (evidence := ground(by_id, answered.segment, answered.quote)) is None:
        return None
    definition = edition.taxonomy.outcome(answered.name)
    assert definition is not None
    reason = presentable(answered.reason, edition.language, longest=_LONGEST_SENTENCE)
    return InferredOutcome(
        name=definition.name,
        result=definition.result,
        reason=reason or _reason(evidence, edition),
        evidence=(evidence,),
    )


def _reason(evidence: Evidence, edition: Edition) -> str:
    words = wording(edition.language)
    return words.model_reason.format(role=words.roles[evidence.role], quote=evidence.quote)
