"""What every extractor shares: from its findings and the transcript to what is published of them."""

from __future__ import annotations

from dataclasses import replace

from pipeline.extract.compliance import check_compliance
from pipeline.extract.entities import find_entities, normalised_value
from pipeline.extract.findings import Conversation, Findings, FoundEntity
from pipeline.extract.publishing import (
    Scope,
    published_entities,
    published_follow_ups,
    published_intents,
    published_objections,
)
from pipeline.extract.sentiment import side_sentiments
from pipeline.extract.summary import presentable
from pipeline.extract.talk import talk_figures
from pipeline.extract.topics import topic_spans
from schemas.insight import CallInsight, IntentExtracted
from schemas.transcript import TranscriptCompleted


def assemble(
    tenant_id: str, transcript: TranscriptCompleted, conversation: Conversation, findings: Findings
) -> CallInsight:
    """The insight; its ids are the same whenever the same extractor finds the same things in the same revision."""
    scope = _scope(tenant_id, transcript, conversation, findings)
    edition = conversation.edition
    intents = published_intents(findings.intents, scope)
    outcome = findings.outcome
    return CallInsight(
        call_id=transcript.call_id,
        call=transcript.call,
        revision=transcript.revision,
        lane=transcript.lane,
        language=_language(transcript, conversation),
        duration_ms=transcript.duration_ms,
        intents=intents,
        entities=published_entities(_all_entities(conversation, findings), scope),
        topics=tuple(topic_spans(intents)),
        sentiments=tuple(side_sentiments(conversation.segments, intents)),
        compliance=tuple(check_compliance(conversation.segments, edition.words, outcome.name if outcome else None)),
        outcome_inferred=outcome,
        objections=published_objections(findings.objections, intents, scope),
        follow_ups=published_follow_ups(findings.follow_ups, scope),
        talk=talk_figures(conversation.segments),
        summary=presentable(findings.summary, edition.language),
        provenance=findings.provenance,
    )


def assemble_delta(
    tenant_id: str, transcript: TranscriptCompleted, conversation: Conversation, findings: Findings
) -> IntentExtracted:
    """What was found in the segments of ``transcript``, the newest of a call; the conversation is them in context.

    Its ids are those that ``assemble`` gives the same things in the same revision.
    """
    scope = _scope(tenant_id, transcript, conversation, findings)
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
        intents=published_intents(found.intents, scope),
        entities=published_entities(_all_entities(replace(conversation, segments=transcript.segments), found), scope),
        provenance=findings.provenance,
    )


def _scope(tenant_id: str, transcript: TranscriptCompleted, conversation: Conversation, findings: Findings) -> Scope:
    """Of this call, revision and extractor; its day is that of its start in the zone in which that was told."""
    provenance, started = findings.provenance, transcript.call.started_at
    made_with = f"{provenance.extractor}:{provenance.prompt_version or provenance.model}"
    return Scope(
        (tenant_id, transcript.call_id, transcript.revision, made_with),
        conversation.edition.taxonomy,
        started and started.date(),
    )


def _language(transcript: TranscriptCompleted, conversation: Conversation) -> str:
    return transcript.language or transcript.call.language or conversation.edition.language


def _all_entities(conversation: Conversation, findings: Findings) -> list[FoundEntity]:
    """What the patterns find, and what only the extractor found; sorted by time."""
    defined = {entity.name: entity for entity in conversation.edition.taxonomy.entities}

    def same(found: FoundEntity) -> tuple[str, str, str]:
        return found.name, found.evidence.segment_id, normalised_value(found.said, defined[found.name])

    patterned = find_entities(conversation.segments, conversation.edition.taxonomy.entities)
    known = {same(found) for found in patterned}
    extra = [found for found in findings.entities if same(found) not in known]
    return sorted([*patterned, *extra], key=lambda found: found.evidence.start_ms)
