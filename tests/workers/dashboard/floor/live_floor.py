"""Events of live calls, short to write, for tests of the floor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from schemas.call import CallEnded, CallHeld, CallResumed, CallStarted
from schemas.compliance import AlertKind, CallAlert
from schemas.envelope import Message, message
from schemas.flow import FlowState, Step
from schemas.insight import Evidence, Extractor, Intent, IntentExtracted, Provenance
from schemas.suggestion import FeedbackKind, SuggestionCreated, SuggestionFeedback, SuggestionWithdrawn
from schemas.transcript import ConversationMessage, Segment, TranscriptSegment
from schemas.wire import CallEvent, CallFacts, Lane, Role, Sentiment

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_MADE_WITH = Provenance(extractor=Extractor.LEXICAL, model="lexical", scenario="telecom", scenario_version=1)
_numbers = count()


def sent(event: CallEvent, at_s: float = 0, tenant: str = "acme") -> Message:
    """An event that happened so many seconds after ``T0``."""
    return message(
        event,
        id=f"{event.call_id}-{next(_numbers)}",
        source="/test",
        time=T0 + timedelta(seconds=at_s),
        subject=event.call_id,
        tenant_id=tenant,
    )


def facts(agent: str = "ann") -> CallFacts:
    return CallFacts(agent=agent, scenario="telecom", language="en")


def begun(call_id: str = "c1", agent: str = "ann") -> CallStarted:
    return CallStarted(call_id=call_id, call=facts(agent))


def ended(call_id: str = "c1") -> CallEnded:
    return CallEnded(call_id=call_id)


def held(call_id: str = "c1") -> CallHeld:
    return CallHeld(call_id=call_id, at_ms=1)


def resumed(call_id: str = "c1") -> CallResumed:
    return CallResumed(call_id=call_id, at_ms=2)


def spoken(
    call_id: str = "c1", role: Role = Role.CUSTOMER, start_ms: int = 0, end_ms: int = 1_000, text: str = "well"
) -> TranscriptSegment:
    segment = Segment(segment_id=f"{role}-{start_ms}", role=role, start_ms=start_ms, end_ms=end_ms, text=text)
    return TranscriptSegment(call_id=call_id, segment=segment, final=True)


def written(call_id: str = "c1") -> ConversationMessage:
    return ConversationMessage(call_id=call_id, message_id="m1", role=Role.CUSTOMER, sent_at=T0, text="hello")


def quoted(quote: str, segment_id: str = "g1", start_ms: int = 0) -> Evidence:
    return Evidence(segment_id=segment_id, role=Role.CUSTOMER, start_ms=start_ms, end_ms=start_ms + 1, quote=quote)


def flow(
    *tones: Sentiment,
    call_id: str = "c1",
    segment_id: str = "g1",
    step: str = "price_objection",
    role: Role = Role.CUSTOMER,
) -> FlowState:
    """A state of a call whose newest words have intents of these tones."""
    place = int(segment_id.removeprefix("g")) * 1_000
    intents = tuple(
        Intent(
            intent_id=f"{segment_id}-{number}",
            name=step,
            role=role,
            sentiment=tone,
            confidence=0.9,
            evidence=(quoted("well", segment_id, place + number),),
        )
        for number, tone in enumerate(tones)
    )
    segment = Segment(segment_id=segment_id, role=role, start_ms=place, end_ms=place + 1, text="well")
    heard = IntentExtracted(call_id=call_id, language="en", segments=(segment,), intents=intents, provenance=_MADE_WITH)
    path = (Step(label=step, role=role, topic="price", at_ms=place),)
    return FlowState(call_id=call_id, lane=Lane.LIVE, path=path, heard=heard)


def alert(
    alert_id: str = "a1",
    call_id: str = "c1",
    title: str = "Lawyer",
    *,
    quote: str | None = "my lawyer",
    at_s: float = 0,
) -> CallAlert:
    return CallAlert(
        alert_id=alert_id,
        call_id=call_id,
        call=facts(),
        kind=AlertKind.SENSITIVE_WORD if quote else AlertKind.OVERDUE_PHRASE,
        name="lawyer",
        title=title,
        at_ms=5_000,
        raised_at=T0 + timedelta(seconds=at_s),
        evidence=(quoted(quote),) if quote else (),
    )


def advice(
    suggestion_id: str = "s1", call_id: str = "c1", at_s: float = 0, lane: Lane = Lane.LIVE
) -> SuggestionCreated:
    return SuggestionCreated(
        suggestion_id=suggestion_id,
        call_id=call_id,
        lane=lane,
        card_id="card",
        title="Price",
        text="Say the price.",
        reason="asked",
        priority=50,
        approved_by="bob",
        at_ms=1,
        created_at=T0 + timedelta(seconds=at_s),
        expires_at=T0 + timedelta(seconds=at_s + 60),
    )


def withdrawn(suggestion_id: str = "s1", call_id: str = "c1") -> SuggestionWithdrawn:
    return SuggestionWithdrawn(call_id=call_id, suggestion_id=suggestion_id, reason="said")


def answered(kind: FeedbackKind, suggestion_id: str = "s1", call_id: str = "c1") -> SuggestionFeedback:
    return SuggestionFeedback(
        call_id=call_id, suggestion_id=suggestion_id, card_id="card", agent="ann", kind=kind, at=T0
    )
