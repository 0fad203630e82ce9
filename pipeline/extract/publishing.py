"""What was found, as it is published: with an id, and with what the taxonomy and the day of the call make of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.extract.due import due_date
from pipeline.extract.entities import normalised_value
from pipeline.extract.findings import FoundEntity, FoundFollowUp, FoundIntent, FoundObjection
from pipeline.extract.quantities import quantity
from pipeline.ids import stable_id
from pipeline.scenarios.model import EntityDefinition, IntentDefinition, Taxonomy
from schemas.insight import Entity, Evidence, FollowUp, Intent, Objection
from schemas.wire import Sentiment


@dataclass(frozen=True, slots=True)
class Scope:
    """``parts`` are what ids are made of, besides the thing and its place; ``called_on`` is the day of the call."""

    parts: tuple[str | int, ...]
    taxonomy: Taxonomy
    called_on: date | None

    def ids(self, kind: str, places: Iterable[tuple[str, ...]]) -> Iterator[str]:
        """One for each place; the second in the same place has another one."""
        seen: Counter[tuple[str, ...]] = Counter()
        for place in places:
            yield stable_id(kind, *self.parts, *place, seen[place])
            seen[place] += 1


def published_intents(found: Sequence[FoundIntent], scope: Scope) -> tuple[Intent, ...]:
    """The intents with their topics and tones."""
    defined: dict[str, IntentDefinition] = {intent.name: intent for intent in scope.taxonomy.intents}
    ids = scope.ids("intent", ((intent.name, intent.evidence.segment_id) for intent in found))
    return tuple(
        Intent(
            intent_id=id_,
            name=intent.name,
            role=intent.evidence.role,
            topic=defined[intent.name].topic,
            sentiment=defined[intent.name].sentiment,
            confidence=intent.confidence,
            evidence=(intent.evidence,),
        )
        for id_, intent in zip(ids, found, strict=True)
    )


def published_entities(found: Sequence[FoundEntity], scope: Scope) -> tuple[Entity, ...]:
    """The slots with their values."""
    defined = {entity.name: entity for entity in scope.taxonomy.entities}
    ids = scope.ids("entity", ((entity.name, entity.evidence.segment_id) for entity in found))
    return tuple(
        _entity(id_, entity, defined[entity.name], scope.called_on) for id_, entity in zip(ids, found, strict=True)
    )


def _entity(id_: str, found: FoundEntity, definition: EntityDefinition, called_on: date | None) -> Entity:
    measured = quantity(found.said, definition, called_on)
    return Entity(
        entity_id=id_,
        name=found.name,
        value=normalised_value(found.said, definition),
        amount=measured.amount,
        unit=measured.unit,
        day=measured.day,
        role=found.evidence.role,
        evidence=(found.evidence,),
    )


def published_objections(
    found: Sequence[FoundObjection], intents: Sequence[Intent], scope: Scope
) -> tuple[Objection, ...]:
    """The objections; the topic is that of an intent in the same words."""
    ids = scope.ids("objection", ((objection.evidence.segment_id,) for objection in found))
    return tuple(
        Objection(
            objection_id=id_,
            role=objection.evidence.role,
            topic=_topic(objection.evidence, intents),
            handling=objection.handling,
            evidence=(objection.evidence,),
            answer=(objection.answer,) if objection.answer else (),
        )
        for id_, objection in zip(ids, found, strict=True)
    )


def _topic(evidence: Evidence, intents: Iterable[Intent]) -> str | None:
    """Of the intents in this segment, rather of one in the same words, and rather of one that is negative."""
    there = [intent for intent in intents if intent.evidence[0].segment_id == evidence.segment_id]
    nearest = max(
        there,
        key=lambda one: (
            one.evidence[0].quote in evidence.quote or evidence.quote in one.evidence[0].quote,
            one.sentiment is Sentiment.NEGATIVE,
        ),
        default=None,
    )
    return nearest.topic if nearest else None


def published_follow_ups(found: Sequence[FoundFollowUp], scope: Scope) -> tuple[FollowUp, ...]:
    """The follow-ups, with the day that they are due where it was said and the day of the call is known."""
    ids = scope.ids("follow_up", ((follow_up.evidence.segment_id,) for follow_up in found))
    return tuple(
        FollowUp(
            follow_up_id=id_,
            kind=follow_up.kind,
            role=follow_up.evidence.role,
            what=follow_up.what,
            due=due_date(follow_up.due_said, scope.called_on) if follow_up.due_said and scope.called_on else None,
            due_said=follow_up.due_said,
            evidence=(follow_up.evidence,),
        )
        for id_, follow_up in zip(ids, found, strict=True)
    )
