"""What every extractor shares: from its findings and the transcript to the insight of the whole call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pipeline.extract.compliance import check_compliance
from pipeline.extract.entities import find_entities, normalised_value
from pipeline.extract.findings import Conversation, Findings, FoundEntity, FoundIntent
from pipeline.extract.sentiment import side_sentiments
from pipeline.extract.topics import topic_spans
from pipeline.ids import stable_id
from pipeline.scenarios.model import Taxonomy
from schemas.insight import CallInsight, Entity, Intent
from schemas.transcript import TranscriptCompleted


def assemble(
    tenant_id: str, transcript: TranscriptCompleted, conversation: Conversation, findings: Findings
) -> CallInsight:
    """The insight; its ids are the same whenever the same extractor finds the same things in the same revision."""
    provenance = findings.provenance
    made_with = f"{provenance.extractor}:{provenance.prompt_version or provenance.model}"
    scope = (tenant_id, transcript.call_id, transcript.revision, made_with)
    edition = conversation.edition
    intents = _intents(findings.intents, edition.taxonomy, scope)
    outcome = findings.outcome
    return CallInsight(
        call_id=transcript.call_id,
        call=transcript.call,
        revision=transcript.revision,
        lane=transcript.lane,
        language=transcript.language or transcript.call.language or edition.language,
        duration_ms=transcript.duration_ms,
        intents=intents,
        entities=_entities(_all_entities(conversation, findings), scope),
        topics=tuple(topic_spans(intents)),
        sentiments=tuple(side_sentiments(conversation.segments, intents)),
        compliance=tuple(check_compliance(conversation.segments, edition.words, outcome.name if outcome else None)),
        outcome_inferred=outcome,
        summary=findings.summary,
        provenance=provenance,
    )


def _intents(found: Iterable[FoundIntent], taxonomy: Taxonomy, scope: Sequence[str | int]) -> tuple[Intent, ...]:
    seen: Counter[tuple[str, str]] = Counter()
    made = []
    for intent in found:
        definition = taxonomy.intent(intent.name)
        assert definition is not None
        place = (intent.name, intent.evidence.segment_id)
        made.append(
            Intent(
                intent_id=stable_id("intent", *scope, *place, seen[place]),
                name=intent.name,
                role=intent.evidence.role,
                topic=definition.topic,
                sentiment=definition.sentiment,
                confidence=intent.confidence,
                evidence=(intent.evidence,),
            )
        )
        seen[place] += 1
    return tuple(made)


def _all_entities(conversation: Conversation, findings: Findings) -> list[FoundEntity]:
    """What the patterns find, and what only the extractor found; sorted by time."""
    patterned = find_entities(conversation.segments, conversation.edition.taxonomy.entities)
    known = {(found.name, found.evidence.segment_id, normalised_value(found.said)) for found in patterned}
    extra = [
        found
        for found in findings.entities
        if (found.name, found.evidence.segment_id, normalised_value(found.said)) not in known
    ]
    return sorted([*patterned, *extra], key=lambda found: found.evidence.start_ms)


def _entities(found: Iterable[FoundEntity], scope: Sequence[str | int]) -> tuple[Entity, ...]:
    seen: Counter[tuple[str, str]] = Counter()
    made = []
    for entity in found:
        place = (entity.name, entity.evidence.segment_id)
        made.append(
            Entity(
                entity_id=stable_id("entity", *scope, *place, seen[place]),
                name=entity.name,
                value=normalised_value(entity.said),
                role=entity.evidence.role,
                evidence=(entity.evidence,),
            )
        )
        seen[place] += 1
    return tuple(made)
