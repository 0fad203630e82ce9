"""What the customer held against it, found without a model: from intents, their tone and their topics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.extract.findings import FoundIntent, FoundObjection
from pipeline.scenarios.model import IntentDefinition, Taxonomy
from schemas.insight import Handling
from schemas.transcript import Segment
from schemas.wire import Role, Sentiment

REACH: Final = 8
"""Segments after an objection within which the agent goes into it, or lets it pass: some four turns of each side, as a
name and a number are often asked for first.
"""


def objections_among(
    intents: Sequence[FoundIntent], segments: Sequence[Segment], taxonomy: Taxonomy
) -> tuple[FoundObjection, ...]:
    """Every negative intent of the customer; answered where an intent of the agent on it follows soon, else ignored.

    An intent of the agent is on it where it has the same topic, or where the taxonomy says that it answers it. Intents
    tell no half answer, so that none is "partly". What the customer says again before the agent has gone into it is one
    objection.

    Args:
        intents: in order of time.
        segments: of the whole conversation, in order.
        taxonomy: what the intents mean.
    """
    place = {segment.segment_id: number for number, segment in enumerate(segments)}
    defined = {intent.name: intent for intent in taxonomy.intents}
    found: list[FoundObjection] = []
    open_until: dict[str, int] = {}
    for number, intent in enumerate(intents):
        meant, at = defined[intent.name], place[intent.evidence.segment_id]
        if meant.role is not Role.CUSTOMER or meant.sentiment is not Sentiment.NEGATIVE:
            continue
        if at <= open_until.get(intent.name, -1):
            continue
        replies = (
            later.evidence
            for later in intents[number + 1 :]
            if at < place[later.evidence.segment_id] <= at + REACH and _goes_into(defined[later.name], meant)
        )
        answer = next(replies, None)
        open_until[intent.name] = at + REACH if answer is None else place[answer.segment_id]
        found.append(FoundObjection(Handling.ANSWERED if answer else Handling.IGNORED, intent.evidence, answer))
    return tuple(found)


def _goes_into(reply: IntentDefinition, objection: IntentDefinition) -> bool:
    return reply.role is Role.AGENT and (reply.topic == objection.topic or objection.name in reply.answers)
