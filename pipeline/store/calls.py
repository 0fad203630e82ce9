"""One call as it is stored, whole: everything that is known of it, or its words alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pipeline.ports import Hit, VectorStore, Where
from pipeline.store.answers import (
    Advice,
    CallRow,
    CallView,
    ComplianceFinding,
    Failure,
    FoundEntity,
    FoundFollowUp,
    FoundIntent,
    FoundObjection,
    Outcome,
    StoredTranscript,
    ToneTurn,
    Turn,
)
from pipeline.store.collections import CALLS, INTENTS, SUGGESTIONS, UTTERANCES
from pipeline.store.filters import of_tenant
from pipeline.store.known import Named, check_known
from pipeline.store.points import call_point_id, of_call
from schemas.transcript import Segment

Payload = Mapping[str, Any]

_PAGE: Final = 500
_FACTS: Final = (
    "direction", "team", "queue", "campaign", "customer_id", "consent", "lane", "live", "revision",
    "extractor", "model", "prompt_version", "scenario_version",
)  # fmt: skip


async def show_call(store: VectorStore, call_id: str, *, tenant_id: str) -> CallView:
    """Everything that is stored of a call.

    Raises:
        Unknown: there is no such call; the hint has the nearest ids.
    """
    where = of_call(tenant_id, call_id)
    stored = await store.get(CALLS, [call_point_id(tenant_id, call_id)])
    turns = await all_pages(store, UTTERANCES, where)
    if not stored and not turns:
        await check_known(store, of_tenant(tenant_id), Named("call", CALLS, "call_id", call_id))
    payload: Payload = stored[0].payload if stored else {"call_id": call_id}
    intents = await all_pages(store, INTENTS, where)
    suggestions = await all_pages(store, SUGGESTIONS, where)
    return CallView(
        row=row_of(payload),
        facts={name: payload[name] for name in _FACTS if name in payload},
        summary=payload.get("summary", ""),
        turns=tuple(sorted((_turn(hit.payload) for hit in turns), key=lambda turn: (turn.start_ms, turn.end_ms))),
        intents=tuple(sorted((intent_of(hit.payload) for hit in intents), key=lambda intent: intent.start_ms)),
        entities=tuple(_entity(entity) for entity in payload.get("entities", ())),
        compliance=tuple(_finding(hit) for hit in payload.get("compliance_hits", ())),
        suggestions=tuple(
            sorted((advice_of(hit.payload) for hit in suggestions if "title" in hit.payload), key=lambda one: one.at_ms)
        ),
        tone_turns=tuple(_tone_turn(turn) for turn in payload.get("tone_turns", ())),
        objections=tuple(_objection(objection) for objection in payload.get("objections", ())),
        follow_ups=tuple(_follow_up(follow_up) for follow_up in payload.get("follow_ups", ())),
        talk=payload.get("talk"),
    )


async def transcript(store: VectorStore, call_id: str, *, tenant_id: str) -> StoredTranscript:
    """The words of a call as they are stored.

    Raises:
        Unknown: there is no such call; the hint has the nearest ids.
    """
    stored = await store.get(CALLS, [call_point_id(tenant_id, call_id)])
    turns = await all_pages(store, UTTERANCES, of_call(tenant_id, call_id))
    if not stored and not turns:
        await check_known(store, of_tenant(tenant_id), Named("call", CALLS, "call_id", call_id))
    known: Payload = {**next((hit.payload for hit in turns), {}), **next((hit.payload for hit in stored), {})}
    segments = sorted(
        (Segment.model_validate(hit.payload) for hit in turns), key=lambda one: (one.start_ms, one.end_ms, one.channel)
    )
    return StoredTranscript(
        call_id=call_id,
        segments=tuple(segments),
        started_at=datetime.fromisoformat(known["started_at"]),
        language=known.get("language"),
        agent=known.get("agent"),
        customer_id=known.get("customer_id"),
        duration_ms=known.get("duration_ms") or max((one.end_ms for one in segments), default=0),
        revision=known.get("revision", 1),
        scenario=known.get("scenario"),
    )


def intent_of(payload: Payload) -> FoundIntent:
    """An intent as it is stored."""
    return FoundIntent(
        call_id=payload["call_id"],
        intent_id=payload["intent_id"],
        name=payload["name"],
        role=payload["role"],
        topic=payload.get("topic"),
        sentiment=payload["sentiment"],
        confidence=payload["confidence"],
        quote=payload["quote"],
        segment_id=payload["segment_id"],
        start_ms=payload["start_ms"],
        end_ms=payload["end_ms"],
        scenario=payload.get("scenario"),
        extractor=payload["extractor"],
        outcome_inferred=payload.get("outcome_inferred"),
        outcome_inferred_result=payload.get("outcome_inferred_result"),
        started_at=payload["started_at"],
    )


def row_of(payload: Payload) -> CallRow:
    """A call in a list."""
    return CallRow(
        call_id=payload["call_id"],
        started_at=payload.get("started_at"),
        scenario=payload.get("scenario"),
        language=payload.get("language"),
        agent=payload.get("agent"),
        duration_ms=payload.get("duration_ms"),
        intents=tuple(payload.get("intents", ())),
        outcome_inferred=_outcome(payload, "outcome_inferred", "extractor"),
        outcome_observed=_outcome(payload, "outcome_observed", "outcome_observed_by"),
        failed=_failure(payload),
    )


def _outcome(payload: Payload, field: str, said_by: str) -> Outcome | None:
    if field not in payload:
        return None
    return Outcome(payload[field], payload[f"{field}_result"], payload[said_by])


def _failure(payload: Payload) -> Failure | None:
    if "failed_stage" not in payload:
        return None
    return Failure(payload["failed_stage"], payload["failed_reason"], payload["failed_at"])


def _turn(payload: Payload) -> Turn:
    return Turn(payload["role"], payload["start_ms"], payload["end_ms"], payload["text"])


def _entity(entity: Payload) -> FoundEntity:
    return FoundEntity(
        entity["name"],
        entity["value"],
        entity["role"],
        entity["evidence"][0]["quote"],
        entity.get("amount"),
        entity.get("unit"),
        entity.get("day"),
    )


def _objection(objection: Payload) -> FoundObjection:
    said, answer = objection["evidence"][0], objection["answer"]
    return FoundObjection(
        objection.get("topic"),
        objection["handling"],
        said["start_ms"],
        said["quote"],
        answer[0]["quote"] if answer else None,
    )


def _follow_up(follow_up: Payload) -> FoundFollowUp:
    said = follow_up["evidence"][0]
    return FoundFollowUp(
        follow_up["kind"],
        follow_up["role"],
        follow_up["what"],
        follow_up.get("due"),
        follow_up.get("due_said"),
        said["start_ms"],
        said["quote"],
    )


def _tone_turn(turn: Payload) -> ToneTurn:
    return ToneTurn(turn["role"], turn["change"], turn["at_ms"], turn["evidence"][0]["quote"])


def _finding(hit: Payload) -> ComplianceFinding:
    return ComplianceFinding(hit["kind"], hit["name"], tuple(piece["quote"] for piece in hit["evidence"]))


def advice_of(payload: Payload) -> Advice:
    """A suggestion as it is stored."""
    return Advice(
        suggestion_id=payload["suggestion_id"],
        card_id=payload["card_id"],
        title=payload["title"],
        text=payload["text"],
        reason=payload["reason"],
        at_ms=payload["at_ms"],
        priority=payload["priority"],
        feedback=payload.get("feedback"),
        withdrawn=payload.get("withdrawn_reason"),
    )


async def all_pages(
    store: VectorStore, collection: str, where: Where, *, size: int = _PAGE, fields: Sequence[str] | None = None
) -> list[Hit]:
    """Every point that matches, or only these fields of each; read ``size`` at a time."""
    hits, after = await store.page(collection, where, size, fields=fields)
    while after is not None:
        more, after = await store.page(collection, where, size, after, fields=fields)
        hits += more
    return hits
