"""What is known of one call that is on: a value, and what each event makes of it.

Of most facts the one with the latest time of its event counts, whichever came first: topics are read side by side, and
a redelivery must change nothing. Times are ms since 1970; no event has happened after it came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.call import CallEnded, CallHeld, CallResumed, CallStarted, CallUpdated
from schemas.compliance import CallAlert, ChecklistUpdated
from schemas.envelope import Message
from schemas.flow import FlowState
from schemas.insight import Intent
from schemas.recap import CallRecap
from schemas.suggestion import FeedbackKind, SuggestionCreated, SuggestionFeedback, SuggestionWithdrawn
from schemas.transcript import ConversationMessage, TranscriptGap, TranscriptSegment
from schemas.wire import CallEvent, CallFacts, Lane, Role, Sentiment

LATELY: Final = 5
"""The customer's newest intents with a tone that say how they feel lately: fewer are chance, more are history."""
MOST_ALERTS: Final = 20
"""Alerts of one call that are held; of earlier ones it is known how many there were."""
_MOST_SETTLED: Final = 16
"""Suggestions of which it is remembered that they are settled, be it heard before they are: one stands at a time."""
_Changes = dict[str, Any]
_SIGN: Final = {Sentiment.NEGATIVE: -1, Sentiment.POSITIVE: 1}


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert, with the first words that gave rise to it, and who has seen it when."""

    raised_ms: int
    alert_id: str
    kind: str
    title: str
    quote: str
    role: str
    at_ms: int
    seen_by: str | None = None
    seen_ms: int = 0


@dataclass(frozen=True, slots=True)
class Spoken:
    """How long one side spoke, by the ends of its segments: what lies before the last end is not counted again."""

    ms: int = 0
    until_ms: int = 0


class CallState(NamedTuple):
    """One call; a named tuple, as a changed one is made with each event, which takes a fifth of a dataclass's time.

    Where a fact is a pair, its first part is the time of the event that said it; 0 is never.

    ``step`` is time, length of the path, label and topic; ``advice`` the newest suggestion, with its end; ``toned`` are
    the customer's newest intents with a tone: place in the call, segment, and -1 or 1.
    """

    call_id: str
    first_ms: int
    last_ms: int
    begun_ms: int = 0
    ended_ms: int = 0
    held_ms: int = 0
    resumed_ms: int = 0
    spoken_ms: int = 0
    is_text: bool = False
    agent: tuple[int, str] = (0, "")
    scenario: tuple[int, str] = (0, "")
    started: tuple[int, int] = (0, 0)
    step: tuple[int, int, str, str] = (0, 0, "", "")
    advice: tuple[int, str, int] = (0, "", 0)
    settled: tuple[str, ...] = ()
    toned: tuple[tuple[int, str, int], ...] = ()
    alerts: tuple[Raised, ...] = ()
    forgotten_alerts: int = 0
    by_agent: Spoken = Spoken()
    by_customer: Spoken = Spoken()

    @property
    def is_on(self) -> bool:
        """Whether it has not ended, or began once more since."""
        return not self.ended_ms or self.begun_ms > self.ended_ms

    @property
    def is_held(self) -> bool:
        """Whether it is on hold."""
        return self.held_ms > self.resumed_ms


def ms_of(at: datetime) -> int:
    """Milliseconds since 1970."""
    return int(at.timestamp() * 1_000)


def heard(state: CallState | None, message: Message, now_ms: int) -> CallState | None:
    """What is known of a call once this event has come; None where it says nothing of a call that is on.

    Advice on recorded calls is passed over; what settles a suggestion begins no call.
    """
    payload = message.payload
    take = _TAKES.get(type(payload))
    if take is None or not isinstance(payload, CallEvent) or _is_of_recording(payload):
        return state
    if state is None and isinstance(payload, SuggestionWithdrawn | SuggestionFeedback):
        return None
    at = _past(message.envelope.time, now_ms)
    if state is None:
        state = CallState(payload.call_id, at, at)
    new = take(state, payload, at)
    facts = getattr(payload, "call", None)
    if isinstance(facts, CallFacts):
        new |= _facts(state, facts, at)
    return state._replace(**new, first_ms=min(state.first_ms, at), last_ms=max(state.last_ms, at))


def seen(state: CallState, alert_id: str, by: str, at_ms: int) -> CallState:
    """Somebody has looked at an alert and those raised before it; who was first stays."""
    upto = next(((one.raised_ms, one.alert_id) for one in state.alerts if one.alert_id == alert_id), None)
    if upto is None:
        return state
    return state._replace(
        alerts=tuple(
            replace(one, seen_by=by, seen_ms=at_ms)
            if one.seen_by is None and (one.raised_ms, one.alert_id) <= upto
            else one
            for one in state.alerts
        ),
    )


def _past(moment: datetime, now_ms: int) -> int:
    """A time that lies between 1970 and now, whatever clocks say."""
    return min(max(ms_of(moment), 1), now_ms)


def _is_of_recording(payload: CallEvent) -> bool:
    return isinstance(payload, SuggestionCreated | FlowState) and payload.lane is not Lane.LIVE


def _facts(state: CallState, facts: CallFacts, at: int) -> _Changes:
    new: _Changes = {}
    if facts.agent:
        new["agent"] = max(state.agent, (at, facts.agent))
    if facts.scenario:
        new["scenario"] = max(state.scenario, (at, facts.scenario))
    if facts.started_at:
        new["started"] = max(state.started, (at, _past(facts.started_at, at)))
    return new


def _started(state: CallState, _payload: CallStarted, at: int) -> _Changes:
    return {"begun_ms": max(state.begun_ms, at)}


def _ended(state: CallState, _payload: CallEnded, at: int) -> _Changes:
    return {"ended_ms": max(state.ended_ms, at)}


def _held(state: CallState, _payload: CallHeld, at: int) -> _Changes:
    return {"held_ms": max(state.held_ms, at)}


def _resumed(state: CallState, _payload: CallResumed, at: int) -> _Changes:
    return {"resumed_ms": max(state.resumed_ms, at)}


def _said(state: CallState, payload: TranscriptSegment, at: int) -> _Changes:
    segment = payload.segment
    if not segment.text.strip():
        return {}
    new: _Changes = {"spoken_ms": max(state.spoken_ms, at)}
    if payload.final and segment.role is Role.AGENT:
        new["by_agent"] = _longer(state.by_agent, segment.start_ms, segment.end_ms)
    elif payload.final and segment.role is Role.CUSTOMER:
        new["by_customer"] = _longer(state.by_customer, segment.start_ms, segment.end_ms)
    return new


def _longer(spoken: Spoken, start_ms: int, end_ms: int) -> Spoken:
    new = end_ms - max(start_ms, spoken.until_ms)
    return Spoken(spoken.ms + new, end_ms) if new > 0 else spoken


def _wrote(state: CallState, _payload: ConversationMessage, at: int) -> _Changes:
    return {"is_text": True, "spoken_ms": max(state.spoken_ms, at)}


def _moved(state: CallState, payload: FlowState, at: int) -> _Changes:
    new: _Changes = {}
    if payload.path:
        last = payload.path[-1]
        new["step"] = max(state.step, (at, len(payload.path), last.label, last.topic or ""))
    if payload.heard is None or not payload.heard.segments:
        return new
    replaced = {segment.segment_id for segment in payload.heard.segments}
    kept = [one for one in state.toned if one[1] not in replaced]
    toned = sorted({*kept, *(one for intent in payload.heard.intents if (one := _toned(intent)) is not None)})
    # A state carries the newest words along, and may be heard of before they are.
    return {**new, "toned": tuple(toned[-LATELY:]), "spoken_ms": max(state.spoken_ms, at)}


def _toned(intent: Intent) -> tuple[int, str, int] | None:
    sign = _SIGN.get(intent.sentiment)
    if sign is None or intent.role is not Role.CUSTOMER:
        return None
    first = intent.evidence[0]
    return first.start_ms, first.segment_id, sign


def _advised(state: CallState, payload: SuggestionCreated, _at: int) -> _Changes:
    advice = ms_of(payload.created_at), payload.suggestion_id, ms_of(payload.expires_at)
    return {"advice": max(state.advice, advice)}


def _withdrawn(state: CallState, payload: SuggestionWithdrawn, _at: int) -> _Changes:
    return _settled(state, payload.suggestion_id)


def _answered(state: CallState, payload: SuggestionFeedback, _at: int) -> _Changes:
    return {} if payload.kind is FeedbackKind.SHOWN else _settled(state, payload.suggestion_id)


def _settled(state: CallState, suggestion_id: str) -> _Changes:
    if suggestion_id in state.settled:
        return {}
    return {"settled": (*state.settled, suggestion_id)[-_MOST_SETTLED:]}


def _alerted(state: CallState, payload: CallAlert, at: int) -> _Changes:
    if any(one.alert_id == payload.alert_id for one in state.alerts):
        return {}
    words = payload.evidence[0] if payload.evidence else None
    one = Raised(
        _past(payload.raised_at, at),
        payload.alert_id,
        str(payload.kind),
        payload.title,
        words.quote if words else "",
        str(words.role) if words else "",
        payload.at_ms,
    )
    alerts = sorted((*state.alerts, one), key=lambda one: (one.raised_ms, one.alert_id))
    lost = max(0, len(alerts) - MOST_ALERTS)
    return {"alerts": tuple(alerts[lost:]), "forgotten_alerts": state.forgotten_alerts + lost}


def _nothing(_state: CallState, _payload: CallEvent, _at: int) -> _Changes:
    return {}


_TAKES: Final[Mapping[type, Callable[[CallState, Any, int], _Changes]]] = {
    CallStarted: _started,
    CallUpdated: _nothing,
    CallHeld: _held,
    CallResumed: _resumed,
    CallEnded: _ended,
    TranscriptSegment: _said,
    TranscriptGap: _nothing,
    ConversationMessage: _wrote,
    FlowState: _moved,
    SuggestionCreated: _advised,
    SuggestionWithdrawn: _withdrawn,
    SuggestionFeedback: _answered,
    ChecklistUpdated: _nothing,
    CallRecap: _nothing,
    CallAlert: _alerted,
}
