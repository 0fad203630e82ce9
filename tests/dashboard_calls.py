"""A live call as the stages tell it, in English or Chinese: words, advice, checklist, alert, recap and guidance.

Somebody wants to cancel because of a cheaper offer, and stays. ``live_call`` has all of it in order, each event with
its time; the small functions make single events.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol

from dashboard_calls_words import EN, ZH, Script

from pipeline.ids import stable_id
from schemas.call import CallEnded, CallHeld, CallResumed, CallStarted, OutcomeResult
from schemas.compliance import AlertKind, CallAlert, ChecklistItem, ChecklistUpdated
from schemas.flow import FlowState, Guidance, NextStep, Odds, Step
from schemas.insight import (
    CallInsight,
    Evidence,
    Extractor,
    InferredOutcome,
    IntentExtracted,
    Provenance,
)
from schemas.recap import CallRecap, CustomerFact, EarlierCall, EarlierObjection, OpenPromise
from schemas.suggestion import Passage, SuggestionCreated, SuggestionKind, SuggestionWithdrawn
from schemas.transcript import Segment, TranscriptGap, TranscriptSegment
from schemas.wire import CallEvent, CallFacts, Channel, Direction, Lane, Role

Tongue = Literal["en", "zh"]
_TURN_MS = 7_000
_MADE_BY = Provenance(extractor=Extractor.LEXICAL, model="lexical", scenario="telecom", scenario_version=1)


class Teller(Protocol):
    """Who publishes events, as ``dashboard_site.Site`` does."""

    async def tell(self, *events: CallEvent, at: datetime | None = None, tenant: str = "acme") -> None: ...


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and when it happened."""

    at: datetime
    event: CallEvent


@dataclass(frozen=True, slots=True)
class Call:
    """Whose call it is, in which language, and when it began."""

    began: datetime
    call_id: str = "call-live"
    agent: str = "ann"
    customer: str = "cust-4711"
    tongue: Tongue = "en"

    @property
    def script(self) -> Script:
        """The words of it."""
        return ZH if self.tongue == "zh" else EN

    @property
    def facts(self) -> CallFacts:
        """What every event says of it."""
        return CallFacts(
            scenario="telecom",
            language=self.tongue,
            direction=Direction.INBOUND,
            agent=self.agent,
            team="north",
            customer_id=self.customer,
            consent=True,
            started_at=self.began,
        )

    def at(self, ms: int) -> datetime:
        """The instant of a time of the call."""
        return self.began + timedelta(milliseconds=ms)


def started(call: Call) -> CallStarted:
    """It begins, with a channel for each side."""
    sides = (Channel(index=0, role=Role.CUSTOMER, party=call.customer), Channel(index=1, role=Role.AGENT))
    return CallStarted(call_id=call.call_id, call=call.facts, channels=sides)


def said(  # noqa: PLR0913 - what may differ, by name
    call: Call,
    number: int,
    text: str,
    role: Role = Role.CUSTOMER,
    *,
    final: bool = True,
    revision: int = 2,
) -> TranscriptSegment:
    """Turn ``number``, seven seconds a turn; while it is spoken it is not final, and of the first revision."""
    start = number * _TURN_MS
    segment = Segment(
        segment_id=f"{call.call_id}-s{number}",
        channel=int(role is Role.AGENT),
        role=role,
        start_ms=start,
        end_ms=start + _TURN_MS - 1_000,
        text=text,
    )
    return TranscriptSegment(call_id=call.call_id, call=call.facts, segment=segment, final=final, revision=revision)


def turns(call: Call, count: int | None = None) -> list[TranscriptSegment]:
    """The turns of the script, from the first on; all where no count is given."""
    script = call.script.turns
    return [said(call, at, text, Role(role)) for at, (role, text) in enumerate(script[: count or len(script)])]


def suggested(call: Call, name: str = "price", *, at_ms: int, **changes: Any) -> SuggestionCreated:
    """A suggestion of the script: ``price`` (urgent), ``plan`` (from the knowledge base) or ``benefit``."""
    words, made = call.script.cards[name], call.at(at_ms)
    is_passage = bool(words.passage)
    passages = (Passage(passage_id="p-1", source="plans.md", title=words.title, text=words.passage),)
    given = {
        "call_id": call.call_id,
        "suggestion_id": stable_id("suggestion", call.call_id, name),
        "call": call.facts,
        "lane": Lane.LIVE,
        "card_id": "kb:p-1" if is_passage else f"card-{name}",
        "title": words.title,
        "text": words.text,
        "reason": words.reason,
        "priority": {"price": 85, "plan": 50, "benefit": 60}[name],
        "approved_by": words.approved_by,
        "at_ms": at_ms,
        "created_at": made,
        "expires_at": made + timedelta(seconds=60),
        "evidence": (_evidence(call, at_ms // _TURN_MS, words.quote),),
        "passages": passages if is_passage else (),
        "kind": SuggestionKind.KNOWLEDGE if is_passage else SuggestionKind.CARD,
        "scenario": "telecom",
        "language": call.tongue,
    }
    return SuggestionCreated.model_validate(given | changes)


def withdrawn(call: Call, name: str = "price", why: str | None = None) -> SuggestionWithdrawn:
    """It is taken back."""
    id_ = stable_id("suggestion", call.call_id, name)
    return SuggestionWithdrawn(call_id=call.call_id, suggestion_id=id_, reason=why or call.script.overtaken)


def checklist(call: Call, *, at_ms: int, done: Iterable[str] = ()) -> ChecklistUpdated:
    """The checklist, of which these (by name: ``recording_notice``, ``identity``, ``cooling_off``) have been said."""
    names, titles = set(done), call.script.phrases
    due: dict[str, int | None] = {"recording_notice": 30_000, "identity": 90_000, "cooling_off": None}
    items = tuple(
        ChecklistItem(
            name=name,
            title=titles[name],
            role=Role.AGENT,
            due_ms=due_ms,
            when_outcome="bought" if name == "cooling_off" else None,
            said=_evidence(call, 0, titles[name], Role.AGENT) if name in names else None,
        )
        for name, due_ms in due.items()
    )
    return ChecklistUpdated(call_id=call.call_id, call=call.facts, at_ms=at_ms, items=items)


def alert(call: Call, *, at_ms: int, name: str = "authority") -> CallAlert:
    """Somebody should look: the customer speaks of an authority, or (``identity``) a phrase is overdue."""
    overdue = name == "identity"
    return CallAlert(
        alert_id=stable_id("alert", call.call_id, name, str(at_ms)),
        call_id=call.call_id,
        call=call.facts,
        kind=AlertKind.OVERDUE_PHRASE if overdue else AlertKind.SENSITIVE_WORD,
        name=name,
        title=call.script.phrases[name],
        at_ms=at_ms,
        raised_at=call.at(at_ms),
        evidence=() if overdue else (_evidence(call, at_ms // _TURN_MS, call.script.alarming),),
    )


def recap(call: Call) -> CallRecap:
    """What is known of the customer: two earlier calls, a promise, an objection, and lines of a CRM."""
    script, day = call.script, call.began - timedelta(days=41)
    return CallRecap(
        call_id=call.call_id,
        call=call.facts,
        customer_id=call.customer,
        calls=5,
        earlier=(
            EarlierCall(
                call_id="call-one",
                started_at=day,
                agent="ann",
                outcome="call_back",
                result=OutcomeResult.OPEN,
                observed=True,
                summary=script.summaries[0],
                topics=("price",),
            ),
            EarlierCall(
                call_id="call-two",
                started_at=day - timedelta(days=60),
                agent="bob",
                outcome="bought",
                result=OutcomeResult.WON,
                summary=script.summaries[1],
                topics=("plan",),
            ),
        ),
        promises=(OpenPromise(call_id="call-one", role=Role.AGENT, what=script.promise, due=date(2026, 11, 30)),),
        objections=(EarlierObjection(call_id="call-one", topic="price", quote=script.objection, answered=False),),
        facts=tuple(CustomerFact(name=name, value=value) for name, value in script.crm),
    )


def state(call: Call, labels: Sequence[str], *, at_ms: int, guidance: Guidance | None = None) -> FlowState:
    """Where the conversation is: the steps so far, each by its label, and what earlier calls did from there."""
    mine = {"recording_notice", "verify_identity", "agent_opening", "ask_needs", "make_offer", "explain_benefit"}
    steps = tuple(
        Step(label=label, role=Role.AGENT if label in mine else Role.CUSTOMER, at_ms=at_ms * at // len(labels))
        for at, label in enumerate(labels)
    )
    heard = IntentExtracted(
        call_id=call.call_id, call=call.facts, language=call.tongue, segments=(), intents=(), provenance=_MADE_BY
    )
    return FlowState(call_id=call.call_id, call=call.facts, lane=Lane.LIVE, path=steps, heard=heard, guidance=guidance)


def guidance(*steps: tuple[str, float, float, float | None], context: Sequence[str] = ()) -> Guidance:
    """Next steps as (label, probability, seen, share won), best first."""
    next_ = tuple(
        NextStep(label=label, probability=p, seen=seen, odds=None if won is None else Odds(won=won, calls=seen))
        for label, p, seen, won in steps
    )
    return Guidance(next=next_, odds=Odds(won=0.58, calls=131.2), context=tuple(context), seen=131.2, graph="d-20780")


PRICE_NEXT = guidance(
    ("make_offer", 0.46, 60.4, 0.71),
    ("price_objection", 0.21, 27.6, 0.38),
    ("explain_benefit", 0.14, 18.0, 0.66),
    ("(end)", 0.08, 10.1, 0.12),
    context=("ask_needs", "competitor_offer"),
)
"""From the cheaper offer on: an offer is the most usual."""


def ended(call: Call, *, ms: int) -> tuple[CallEnded, FlowState]:
    """It is over, and what was mined from all of it: the customer stays."""
    found = CallInsight(
        call_id=call.call_id,
        call=call.facts,
        lane=Lane.LIVE,
        language=call.tongue,
        duration_ms=ms,
        intents=(),
        outcome_inferred=InferredOutcome(name="retained", result=OutcomeResult.WON, reason=call.script.stays),
        summary=call.script.summary,
        provenance=_MADE_BY,
    )
    steps = (Step(label="competitor_offer", role=Role.CUSTOMER, at_ms=0),)
    whole = FlowState(call_id=call.call_id, call=call.facts, lane=Lane.LIVE, path=steps, insight=found)
    return CallEnded(call_id=call.call_id, duration_ms=ms, reason="hang-up"), whole


def live_call(call: Call) -> list[Told]:
    """The call up to now, in order: all turns, the last still being spoken; the suggestion ``price`` stands."""
    spoken = turns(call)
    found: list[tuple[int, CallEvent]] = [(one.segment.end_ms, one) for one in spoken[:-1]]
    last = spoken[-1]
    unfinished = last.segment.model_copy(update={"text": last.segment.text[: len(last.segment.text) // 2]})
    until = last.segment.end_ms
    early = ("agent_opening", "recording_notice", "cancel_contract", "verify_identity")
    found += [
        (0, started(call)),
        (300, recap(call)),
        (500, checklist(call, at_ms=500)),
        (6_500, checklist(call, at_ms=6_500, done=["recording_notice"])),
        (20_000, state(call, early, at_ms=20_000)),
        (35_000, suggested(call, "plan", at_ms=35_000)),
        (52_000, withdrawn(call, "plan")),
        (60_000, CallHeld(call_id=call.call_id, at_ms=60_000)),
        (66_000, CallResumed(call_id=call.call_id, at_ms=66_000)),
        (80_000, suggested(call, "benefit", at_ms=80_000)),
        (90_500, alert(call, at_ms=90_500, name="identity")),
        (104_000, TranscriptGap(call_id=call.call_id, channel=0, start_ms=103_000, end_ms=104_000)),
        (until - 15_000, alert(call, at_ms=until - 15_000)),
        (until - 14_000, withdrawn(call, "benefit")),
        (until - 13_900, suggested(call, "price", at_ms=until - 13_900)),
        (until - 12_000, state(call, (*early, "ask_needs", "competitor_offer"), at_ms=until, guidance=PRICE_NEXT)),
        (until, last.model_copy(update={"segment": unfinished, "final": False, "revision": 1})),
    ]
    return [Told(call.at(ms), event) for ms, event in sorted(found, key=lambda one: one[0])]


def lasts(call: Call) -> timedelta:
    """How long ``live_call`` is; one that began so long ago is at its last words now."""
    return timedelta(milliseconds=len(call.script.turns) * _TURN_MS - 1_000)


async def play(site: Teller, told: Iterable[Told], tenant: str = "acme") -> None:
    """Publish them at once, each with its own time."""
    for one in told:
        await site.tell(one.event, at=one.at, tenant=tenant)


def _evidence(call: Call, number: int, quote: str, role: Role = Role.CUSTOMER) -> Evidence:
    start = number * _TURN_MS
    return Evidence(
        segment_id=f"{call.call_id}-s{number}", role=role, start_ms=start, end_ms=start + 6_000, quote=quote
    )
