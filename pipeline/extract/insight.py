"""What every extractor shares: from its findings and the transcript to what is published of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from pipeline.extract.compliance import check_compliance
from pipeline.extract.entities import find_entities, normalised_value
from pipeline.extract.findings import Conversation, Findings, FoundEntity, FoundIntent
from pipeline.extract.sentiment import side_sentiments
from pipeline.extract.topics import topic_spans
from pipeline.ids import stable_id
from pipeline.scenarios.model import Taxonomy
from schemas.insight import CallInsight, Entity, Intent, IntentExtracted
from schemas.transcript import TranscriptCompleted

_Scope = tuple[str | int, ...]


def assemble(
    tenant_id: str, transcript: TranscriptCompleted, conversation: Conversation, findings: Findings
) -> CallInsight:
    """The insight; its ids are the same whenever the same extractor finds the same things in the same revision."""
    scope = _scope(tenant_id, transcript, findings)
    edition = conversation.edition
    intents = _intents(findings.intents, edition.taxonomy, scope)
    outcome = findings.outcome
    return CallInsight(
        call_id=transcript.call_id,
        call=transcript.call,
        revision=transcript.revision,
        lane=transcript.lane,
        language=_language(transcript, conversation),
        duration_ms=transcript.duration_ms,
        intents=intents,
        entities=_entities(_all_entities(conversation, findings), scope),
        topics=tuple(topic_spans(intents)),
        sentiments=tuple(side_sentiments(conversation.segments, intents)),
        compliance=tuple(check_compliance(conversation.segments, edition.words, outcome.name if outcome else None)),
        outcome_inferred=outcome,
        summary=findings.summary,
        provenance=findings.provenance,
    )


def assemble_delta(
    tenant_id: str, transcript: TranscriptCompleted, conversation: Conversation, findings: Findings
) -> IntentExtracted:
    """What was found in the segments of ``transcript``, the newest of a call; the conversation is them in context.

    Its ids are those that ``assemble`` gives the same things in the same revision.
    """
    scope = _scope(tenant_id, transcript, findings)
    newest = {segment.segment_id for segment in transcript.segments}
    found = replace(
        findings,
        intents=tuple(intent for intent in findings.intents if intent.evidence.segment_id in newest),
        entities=tuple(entity for entity in findings.entities if entity.evidence.segment_id in newest),
    )
    return IntentExtracted(
        call_id=transcript.call_id,
        call=transcript.call,
        revision=transcript.revision,
        language=_language(transcript, conversation),
        segments=transcript.segments,
        intents=_intents(found.intents, conversation.edition.taxonomy, scope),
        entities=_entities(_all_entities(replace(conversation, segments=transcript.segments), found), scope),
        provenance=findings.provenance,
    )


def _scope(tenant_id: str, transcript: TranscriptCompleted, findings: Findings) -> _Scope:
    """What ids are made of, besides the thing and its place."""
    provenance = findings.provenance
    made_with = f"{provenance.extractor}:{provenance.prompt_version or provenance.model}"
    return (tenant_id, transcript.call_id, transcript.revision, made_with)


def _language(transcript: TranscriptCompleted, conversation: Conversation) -> str:
    return transcript.language or transcript.call.language or conversation.edition.language


def _intents(found: Iterable[FoundIntent], taxonomy: Taxonomy, scope: _Scope) -> tuple[Intent, ...]:
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


def _entities(found: Iterable[FoundEntity], scope: _Scope) -> tuple[Entity, ...]:
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
