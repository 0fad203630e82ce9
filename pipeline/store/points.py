"""From events to points, as pure functions: ids, texts and the payload fields that can be filtered on.

The text that a point is found by is always its payload's ``text``. ``*_ts`` beside a time is the same instant in whole
seconds, for ranges. A field that is not known is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from pipeline.handling import Inbound
from pipeline.ids import stable_id
from pipeline.ports import Point, Where
from schemas.flow import FlowState
from schemas.insight import CallInsight, Evidence, Handling, Intent, IntentExtracted
from schemas.suggestion import SuggestionCreated
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallFacts, Lane

Fields = dict[str, Any]
LIVE: Final = "live"
"""Field of a call's point that only a live call has, until its insight is there: whether it still goes on."""
SEGMENT_REVISION: Final = "segment_revision"
"""Field of an utterance that came by itself: the revision of its segment; ``revision`` is that of its call's result."""


def call_point_id(tenant_id: str, call_id: str) -> str:
    """The id of a call's point in ``calls``."""
    return stable_id("call", tenant_id, call_id)


def utterance_point_id(tenant_id: str, call_id: str, segment_id: str) -> str:
    """The id of an utterance's point; a segment's own id need not be of one call alone."""
    return stable_id("utterance-point", tenant_id, call_id, segment_id)


def suggestion_point_id(tenant_id: str, call_id: str, suggestion_id: str) -> str:
    """The id of a suggestion's point; its own id alone could be another tenant's."""
    return stable_id("suggestion-point", tenant_id, call_id, suggestion_id)


def of_call(tenant_id: str, call_id: str, *, lane: Lane | None = None) -> Where:
    """The points of one call, of both lanes or of one."""
    fields = {"tenant_id": tenant_id, "call_id": call_id}
    return Where(equal=fields if lane is None else {**fields, "lane": str(lane)})


def of_segments(tenant_id: str, call_id: str, segment_ids: Sequence[str]) -> Where:
    """The live points of these segments."""
    return Where({**of_call(tenant_id, call_id, lane=Lane.LIVE).equal, "segment_id": segment_ids})


def from_revision(where: Where, revision: int) -> Where:
    """The same, of this revision or a newer one."""
    return replace(where, at_least={**where.at_least, "revision": revision})


def before_revision(where: Where, revision: int) -> Where:
    """The same, of older revisions."""
    return replace(where, below={**where.below, "revision": revision})


def utterances(inbound: Inbound, transcript: TranscriptCompleted) -> list[Point]:
    """One point a segment."""
    call = _call_fields(inbound, transcript.call_id, transcript.call, transcript.revision, transcript.lane)
    call["language"] = transcript.language or transcript.call.language
    return [_utterance(inbound, transcript.call_id, call, segment) for segment in transcript.segments]


def live_utterance(inbound: Inbound, call_id: str, facts: CallFacts, segment: Segment, revision: int) -> Point:
    """The point of one segment of a call that goes on; its call's results have the revision 1 till then."""
    call = _call_fields(inbound, call_id, facts, 1, Lane.LIVE)
    return with_fields(_utterance(inbound, call_id, call, segment), {SEGMENT_REVISION: revision})


def intents(inbound: Inbound, found: CallInsight | IntentExtracted) -> list[Point]:
    """One point an intent, found by the words that it stands on."""
    call = _mined_fields(inbound, found)
    return [_intent(inbound, found.call_id, call, intent) for intent in found.intents]


def call(inbound: Inbound, state: FlowState) -> Point:
    """The call's own point, from its flow and what led to it."""
    if state.insight is not None:
        return _whole_call(inbound, state, state.insight)
    assert state.heard is not None
    return _live_call(inbound, state, state.heard)


def _whole_call(inbound: Inbound, state: FlowState, insight: CallInsight) -> Point:
    names = list(dict.fromkeys(intent.name for intent in insight.intents))
    text = " ".join([insight.summary, *(name.replace("_", " ") for name in names)]).strip()
    outcome = insight.outcome_inferred
    fields = {
        **_mined_fields(inbound, insight),
        "revision": state.revision,
        "lane": str(state.lane),
        "duration_ms": insight.duration_ms,
        "duration_s": round(insight.duration_ms / 1_000),
        "intents": names,
        "topics": list(dict.fromkeys(span.topic for span in insight.topics)),
        "summary": insight.summary,
        "outcome_inferred_reason": outcome.reason if outcome else None,
        "outcome_inferred_evidence": _said(outcome.evidence) if outcome else None,
        "sentiments": {str(side.role): side.score for side in insight.sentiments},
        "compliance": list(dict.fromkeys(hit.name for hit in insight.compliance)),
        "compliance_hits": [
            {"kind": str(hit.kind), "name": hit.name, "evidence": _said(hit.evidence)} for hit in insight.compliance
        ],
        "entities": [
            known(
                {
                    **entity.model_dump(mode="json", include={"name", "value", "amount", "unit", "day"}),
                    "role": str(entity.role),
                    "evidence": _said(entity.evidence),
                }
            )
            for entity in insight.entities
        ],
        "tone_turns": [
            {"role": str(side.role), **side.turn.model_dump(mode="json")} for side in insight.sentiments if side.turn
        ],
        "objection_topics": list(dict.fromkeys(one.topic for one in insight.objections if one.topic)),
        "objections_open": list(
            dict.fromkeys(
                one.topic for one in insight.objections if one.topic and one.handling is not Handling.ANSWERED
            )
        ),
        "objections": [objection.model_dump(mode="json", exclude_none=True) for objection in insight.objections],
        "follow_ups": [follow_up.model_dump(mode="json", exclude_none=True) for follow_up in insight.follow_ups],
        "talk": insight.talk and insight.talk.model_dump(mode="json", exclude_none=True),
        "path": [step.label for step in state.path],
        "path_ms": [step.at_ms for step in state.path],
        "text": text,
    }
    return Point(call_point_id(inbound.tenant_id, state.call_id), text, known(fields))


def _live_call(inbound: Inbound, state: FlowState, heard: IntentExtracted) -> Point:
    """Of a call that goes on: what was said so far, as its path has it."""
    names = list(dict.fromkeys(step.label for step in state.path))
    text = " ".join(name.replace("_", " ") for name in names)
    fields = {
        **_mined_fields(inbound, heard),
        LIVE: True,
        "intents": names,
        "topics": list(dict.fromkeys(step.topic for step in state.path if step.topic)),
        "path": [step.label for step in state.path],
        "path_ms": [step.at_ms for step in state.path],
        "text": text,
    }
    return Point(call_point_id(inbound.tenant_id, state.call_id), text, known(fields))


def begun_call(inbound: Inbound, call_id: str, facts: CallFacts) -> Point:
    """A live call of which nothing has been mined yet."""
    fields = {**_call_fields(inbound, call_id, facts, 1, Lane.LIVE), LIVE: True, "text": ""}
    return Point(call_point_id(inbound.tenant_id, call_id), "", known(fields))


def suggestion(inbound: Inbound, created: SuggestionCreated) -> Point:
    """One point a suggestion."""
    fields = {
        **_call_fields(inbound, created.call_id, created.call, created.revision, created.lane),
        "suggestion_id": created.suggestion_id,
        "card_id": created.card_id,
        "title": created.title,
        "text": created.text,
        "reason": created.reason,
        "priority": created.priority,
        "approved_by": created.approved_by,
        "at_ms": created.at_ms,
        "created_at": created.created_at.isoformat(),
        "expires_at": created.expires_at.isoformat(),
        "evidence": _said(created.evidence),
        "passages": [{"passage_id": passage.passage_id, "title": passage.title} for passage in created.passages],
        "scenario": created.scenario or created.call.scenario,
        "language": created.language or created.call.language,
    }
    id_ = suggestion_point_id(inbound.tenant_id, created.call_id, created.suggestion_id)
    return Point(id_, created.text, known(fields))


def with_fields(point: Point, fields: Fields) -> Point:
    """The same point with these fields set."""
    return Point(point.id, point.text, {**point.payload, **fields})


def facts_fields(facts: CallFacts) -> Fields:
    """What is known of a call from outside."""
    start = {} if facts.started_at is None else started(facts.started_at)
    return {**facts.model_dump(mode="json", exclude={"started_at"}, exclude_none=True), **start}


def bare_call(inbound: Inbound, call_id: str) -> Point:
    """A call of which nothing has been mined yet; it counts from the time of the event that told of it."""
    start = started(inbound.message.envelope.time)
    fields = {"tenant_id": inbound.tenant_id, "call_id": call_id, "text": "", **start}
    return Point(call_point_id(inbound.tenant_id, call_id), "", fields)


def bare_suggestion(inbound: Inbound, call_id: str, suggestion_id: str) -> Point:
    """A suggestion that has not come yet."""
    fields = {"tenant_id": inbound.tenant_id, "call_id": call_id, "suggestion_id": suggestion_id, "text": ""}
    return Point(suggestion_point_id(inbound.tenant_id, call_id, suggestion_id), "", fields)


def _utterance(inbound: Inbound, call_id: str, call: Fields, segment: Segment) -> Point:
    id_ = utterance_point_id(inbound.tenant_id, call_id, segment.segment_id)
    fields = {
        **call,
        "utterance_id": id_,
        "segment_id": segment.segment_id,
        "role": str(segment.role),
        "channel": segment.channel,
        "start_ms": segment.start_ms,
        "end_ms": segment.end_ms,
        "confidence": segment.confidence,
        "text": segment.text,
        **timed(segment),
    }
    return Point(id_, segment.text, known(fields))


def timed(segment: Segment) -> Fields:
    """When each word of an utterance was said, and what of it nobody may hear; most say neither."""
    if not segment.words and not segment.masked:
        return {}
    return segment.model_dump(mode="json", include={"words", "masked"})


def _intent(inbound: Inbound, call_id: str, call: Fields, intent: Intent) -> Point:
    first = intent.evidence[0]
    text = " ".join(evidence.quote for evidence in intent.evidence)
    fields = {
        **call,
        "intent_id": intent.intent_id,
        "name": intent.name,
        "role": str(intent.role),
        "topic": intent.topic,
        "sentiment": str(intent.sentiment),
        "confidence": intent.confidence,
        "quote": first.quote,
        "segment_id": first.segment_id,
        "start_ms": first.start_ms,
        "end_ms": first.end_ms,
        "evidence": _said(intent.evidence),
        "utterance_ids": [
            utterance_point_id(inbound.tenant_id, call_id, segment)
            for segment in dict.fromkeys(piece.segment_id for piece in intent.evidence)
        ],
        "text": text,
    }
    id_ = stable_id("intent-point", inbound.tenant_id, call_id, intent.intent_id)
    return Point(id_, text, known(fields))


def _call_fields(inbound: Inbound, call_id: str, facts: CallFacts, revision: int, lane: Lane) -> Fields:
    """What every point of a call carries; a call whose start nobody told counts from its event's time."""
    return {
        **facts.model_dump(mode="json", exclude={"started_at"}),
        "tenant_id": inbound.tenant_id,
        "call_id": call_id,
        "revision": revision,
        "lane": str(lane),
        **started(facts.started_at or inbound.message.envelope.time),
    }


def _mined_fields(inbound: Inbound, found: CallInsight | IntentExtracted) -> Fields:
    """What the points of a result carry besides: what it was mined with, and how the call seems to have ended."""
    made = found.provenance
    lane, outcome = (found.lane, found.outcome_inferred) if isinstance(found, CallInsight) else (Lane.LIVE, None)
    return {
        **_call_fields(inbound, found.call_id, found.call, found.revision, lane),
        "scenario": found.call.scenario or made.scenario,
        "language": found.language,
        "extractor": str(made.extractor),
        "model": made.model,
        "prompt_version": made.prompt_version,
        "scenario_version": made.scenario_version,
        "outcome_inferred": outcome.name if outcome else None,
        "outcome_inferred_result": str(outcome.result) if outcome else None,
    }


def instant(name: str, at: datetime) -> Fields:
    """A time as it is read, and in seconds for ranges."""
    return {f"{name}_at": at.isoformat(), f"{name}_ts": int(at.timestamp())}


def started(at: datetime) -> Fields:
    """When a call began, also as the day, ISO week and month (UTC) that it counts for: ``2026-W08``."""
    utc = at.astimezone(UTC)
    year, week, _ = utc.isocalendar()
    return {
        **instant("started", at),
        "started_day": f"{utc:%Y-%m-%d}",
        "started_week": f"{year}-W{week:02}",
        "started_month": f"{utc:%Y-%m}",
    }


def _said(evidence: Sequence[Evidence]) -> list[Fields]:
    return [piece.model_dump(mode="json") for piece in evidence]


def known(fields: Fields) -> Fields:
    """The fields that have a value."""
    return {key: value for key, value in fields.items() if value is not None}
