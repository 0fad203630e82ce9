"""Made-up results of calls, as the stages publish them, for tests of what comes after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.handling import Inbound, Position
from pipeline.ids import stable_id
from schemas.call import CallFailed, CallOutcome, OutcomeResult
from schemas.envelope import message
from schemas.flow import FlowState, Step
from schemas.insight import (
    CallInsight,
    ComplianceHit,
    ComplianceKind,
    Entity,
    Evidence,
    Extractor,
    FollowUp,
    FollowUpKind,
    Handling,
    InferredOutcome,
    Intent,
    Medium,
    Objection,
    Provenance,
    SideSentiment,
    SideTalk,
    SpeechUnit,
    TalkFigures,
    ToneChange,
    ToneTurn,
    TopicSpan,
)
from schemas.suggestion import FeedbackKind, SuggestionCreated, SuggestionFeedback, SuggestionWithdrawn
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallEvent, CallFacts, Lane, Role, Sentiment

TENANT = "acme"
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
FACTS = CallFacts(scenario="telecom", language="en", agent="ann", team="north", customer_id="c-1", started_at=START)

TURNS = (
    (Role.AGENT, "good morning how can I help you"),
    (Role.CUSTOMER, "I am worried about the price of my plan"),
    (Role.AGENT, "I can offer you a discount"),
    (Role.CUSTOMER, "then I want to cancel my contract"),
)


def inbound(payload: CallEvent, *, at: datetime = START, tenant: str = TENANT) -> Inbound:
    """The event as a stage is handed it."""
    id_ = stable_id("event", payload.model_dump_json())
    sent = message(payload, id=id_, source="/test", time=at, subject=payload.call_id, tenant_id=tenant)
    return Inbound(sent, Position("topic", 0, 0))


def segment(number: int, role: Role, text: str) -> Segment:
    """Turn ``number`` of a call, five seconds a turn; its id is of this call alone only by the call's."""
    start = number * 5_000
    return Segment(segment_id=f"s{number}", role=role, start_ms=start, end_ms=start + 4_000, text=text)


def transcript(
    call_id: str, turns: tuple[tuple[Role, str], ...] = TURNS, *, revision: int = 1, facts: CallFacts = FACTS
) -> TranscriptCompleted:
    """The transcript of a call."""
    return TranscriptCompleted(
        call_id=call_id,
        call=facts,
        revision=revision,
        language=facts.language,
        duration_ms=len(turns) * 5_000,
        engine="test",
        segments=tuple(segment(number, role, text) for number, (role, text) in enumerate(turns)),
    )


def intent(name: str, number: int, quote: str, *, role: Role = Role.CUSTOMER, confidence: float = 0.9) -> Intent:
    """An intent that stands on turn ``number``."""
    evidence = Evidence(
        segment_id=f"s{number}", role=role, start_ms=number * 5_000, end_ms=number * 5_000 + 4_000, quote=quote
    )
    return Intent(
        intent_id=f"i-{name}", name=name, role=role, topic="price", confidence=confidence, evidence=(evidence,)
    )


WORRIED = intent("price_concern", 1, "worried about the price")
CANCEL = intent("cancel_contract", 3, "cancel my contract", confidence=0.6)


def insight(
    call_id: str,
    intents: tuple[Intent, ...] = (WORRIED, CANCEL),
    *,
    revision: int = 1,
    result: OutcomeResult = OutcomeResult.LOST,
    facts: CallFacts = FACTS,
) -> CallInsight:
    """What was mined from a call."""
    name = {"won": "sale_closed", "lost": "cancelled", "open": "call_back"}[result]
    return CallInsight(
        call_id=call_id,
        call=facts,
        revision=revision,
        language="en",
        duration_ms=20_000,
        intents=intents,
        entities=(Entity(entity_id="e", name="amount", value="30", role=Role.AGENT, evidence=WORRIED.evidence),),
        topics=(TopicSpan(topic="price", start_ms=0, end_ms=20_000),),
        compliance=(ComplianceHit(kind=ComplianceKind.MISSING_PHRASE, name="recording_notice"),),
        outcome_inferred=InferredOutcome(name=name, result=result, reason="said so"),
        sentiments=(
            SideSentiment(
                role=Role.CUSTOMER,
                sentiment=Sentiment.NEUTRAL,
                score=0,
                turn=ToneTurn(change=ToneChange.WORSE, at_ms=15_000, evidence=CANCEL.evidence),
            ),
        ),
        objections=(
            Objection(
                objection_id="o",
                role=Role.CUSTOMER,
                topic="price",
                handling=Handling.ANSWERED,
                evidence=WORRIED.evidence,
                answer=intent("offer", 2, "offer you a discount", role=Role.AGENT).evidence,
            ),
        ),
        follow_ups=(
            FollowUp(
                follow_up_id="f",
                kind=FollowUpKind.NEXT_STEP,
                role=Role.CUSTOMER,
                what="Cancels the contract.",
                due=START.date() + timedelta(days=1),
                due_said="tomorrow",
                evidence=CANCEL.evidence,
            ),
        ),
        talk=TalkFigures(
            medium=Medium.SPEECH,
            unit=SpeechUnit.WORDS,
            sides=(
                SideTalk(
                    role=Role.CUSTOMER,
                    turns=2,
                    units=16,
                    share=0.5,
                    spoken_ms=8_000,
                    longest_ms=4_000,
                    units_per_minute=120,
                    interruptions=1,
                ),
            ),
            overlap_ms=0,
            dead_air_ms=0,
            longest_pause_ms=1_000,
        ),
        summary="The customer worries and cancels.",
        provenance=Provenance(extractor=Extractor.LEXICAL, model="static", scenario="telecom", scenario_version=1),
    )


def flow_state(mined: CallInsight) -> FlowState:
    """The path of that call."""
    steps = tuple(Step(label=one.name, role=one.role, at_ms=one.evidence[0].start_ms) for one in mined.intents)
    return FlowState(
        call_id=mined.call_id, call=mined.call, revision=mined.revision, lane=mined.lane, path=steps, insight=mined
    )


def outcome(
    call_id: str, name: str = "sale_closed", result: OutcomeResult = OutcomeResult.WON, *, at: datetime = START
) -> CallOutcome:
    """What the CRM observed."""
    return CallOutcome(call_id=call_id, name=name, result=result, observed_at=at, observed_by="crm")


def failed(call_id: str, stage: str = "asr") -> CallFailed:
    """A stage's failure on a call."""
    return CallFailed(
        call_id=call_id,
        stage=stage,
        reason="the file is not audio",
        error="Poison",
        retryable=False,
        attempts=1,
        topic="calls.recordings",
        partition=0,
        offset=7,
    )


def suggestion(
    call_id: str, suggestion_id: str = "g1", *, revision: int = 1, lane: Lane = Lane.BATCH
) -> SuggestionCreated:
    """A card that was suggested on a call."""
    return SuggestionCreated(
        suggestion_id=suggestion_id,
        call_id=call_id,
        call=FACTS,
        revision=revision,
        lane=lane,
        card_id="offer-discount",
        title="Offer the loyalty discount",
        text="Offer ten percent for a year.",
        reason="the customer worries about the price",
        priority=80,
        approved_by="lead",
        at_ms=5_000,
        created_at=START,
        expires_at=START + timedelta(minutes=5),
        evidence=WORRIED.evidence,
    )


def feedback(call_id: str, kind: FeedbackKind, *, at: datetime = START) -> SuggestionFeedback:
    """What the agent did with it."""
    return SuggestionFeedback(
        call_id=call_id, suggestion_id="g1", card_id="offer-discount", agent="ann", kind=kind, at=at
    )


def withdrawn(call_id: str) -> SuggestionWithdrawn:
    """That it is too late for it."""
    return SuggestionWithdrawn(call_id=call_id, suggestion_id="g1", reason="the customer agreed")
