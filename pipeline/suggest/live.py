"""The suggest stage of the live lane: what was just said becomes advice while the call is on, or takes some back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from pipeline.figures import SUGGEST_SECONDS, SUGGEST_WITHDRAWN, SUGGESTED, NoMeter
from pipeline.handling import Handled, Inbound, Outbound, Remembering, follow
from pipeline.ids import stable_id
from pipeline.ports import Meter, VectorStore
from pipeline.scenarios.model import Edition, Scenarios
from pipeline.stages import SUGGESTIONS
from pipeline.suggest.advice import STAGE, Advice, Advisor, advisor
from pipeline.suggest.already_said import says
from pipeline.suggest.choosing import Choosing
from pipeline.suggest.known import Known, begun
from pipeline.suggest.live_state import LiveAdvice, Shown, heard_on
from pipeline.suggest.phrasing import Phrase
from pipeline.suggest.policy import Bounds, expires
from pipeline.suggest.reason import ended, said, superseded
from pipeline.suggest.track_record import TrackRecords, nothing_known
from schemas.flow import FlowState
from schemas.insight import Evidence, IntentExtracted
from schemas.suggestion import SuggestionWithdrawn
from schemas.wire import Lane, Role

__all__ = ["LiveAdvice", "build"]


def build(  # noqa: PLR0913 - each is a setting of its own
    *,
    scenarios: Scenarios,
    store: VectorStore,
    records: TrackRecords = nothing_known,
    bounds: Bounds | None = None,
    explore: float = 0.0,
    knowledge: bool = True,
    phrase: Phrase | None = None,
    meter: Meter | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Remembering[LiveAdvice]:
    """The handler of ``flow.state`` of a call that goes on; what else travels on the topic is passed over.

    - A card fits when its trigger holds at an intent in the newest words; what is known only when a call has ended
      (outcome, missing phrase, the tone of the whole call) triggers none. Where no card fits and the customer asks
      something, the passage of the knowledge base that answers it fits.
    - Of what fits one is shown (``pipeline.suggest.choosing``), if ``pipeline.suggest.policy`` lets it; none twice,
      none that would have expired, none that the agent says already.
    - What stands is withdrawn when the intent comes that settles it (``unless_intent``), when the agent says it, when
      another one takes its place, and when the call ends. After the end of a call nothing is suggested.

    Args:
        scenarios: whose cards there are.
        store: holds the knowledge base.
        records: how each card has done.
        bounds: how much advice a call gets.
        explore: share of the choices that goes to a card of which little is known.
        knowledge: whether passages are suggested by themselves.
        phrase: words what is shown for the moment; without it, its own words are shown.
        meter: is told what was suggested, withheld and withdrawn.
        clock: for the time until a suggestion is made, which is measured and decides nothing.
    """
    choosing = Choosing(bounds or Bounds(), explore, knowledge, phrase, meter or NoMeter())
    return _LiveAdvice(scenarios, store, records, choosing, meter or NoMeter(), clock)


@dataclass(frozen=True, slots=True)
class _Gone:
    """A suggestion that is withdrawn: why for who counts, and in a line for who reads."""

    shown: Shown
    why: str
    line: str


class _LiveAdvice:
    remembers: type[LiveAdvice] = LiveAdvice

    def __init__(  # noqa: PLR0913, PLR0917 - as for build
        self,
        scenarios: Scenarios,
        store: VectorStore,
        records: TrackRecords,
        choosing: Choosing,
        meter: Meter,
        clock: Callable[[], datetime] | None,
    ) -> None:
        self._scenarios = scenarios
        self._store = store
        self._records = records
        self._choosing = choosing
        self._meter = meter
        self._clock = clock

    async def __call__(self, inbound: Inbound, state: LiveAdvice | None) -> Handled[LiveAdvice]:
        flow = inbound.payload
        if not isinstance(flow, FlowState):
            return Handled()
        if (heard := flow.heard) is None:
            return self._ended(inbound, flow, state)
        if state is not None and state.ended:
            return Handled()
        who = self._advisor(inbound, heard.provenance.scenario, heard.language)
        now = heard_on(state, heard, inbound.message.envelope.time)
        gone = list(_overtaken(now, heard, who.edition))
        advice = await self._choosing.chosen(inbound, now, _known(now, flow, heard), heard, who, _ids(gone))
        if advice is None:
            return Handled(self._withdrawn(inbound, flow, gone), now.withdrawing(_ids(gone)))
        line = superseded(advice.title, who.edition)
        gone += [_Gone(one, "superseded", line) for one in now.standing() if one.suggestion_id not in _ids(gone)]
        suggestion_id = _id(inbound.tenant_id, flow.call_id, advice)
        outputs = (*self._withdrawn(inbound, flow, gone), who.created(inbound, flow, advice, suggestion_id))
        self._count(inbound, advice, who)
        after = now.withdrawing(_ids(gone))
        shown = (*after.shown, _shown(inbound, now, advice, suggestion_id))
        return Handled(outputs, after.model_copy(update={"shown": shown}))

    def _ended(self, inbound: Inbound, flow: FlowState, state: LiveAdvice | None) -> Handled[LiveAdvice]:
        """The whole call is there: what stands is taken off the screen, and nothing follows."""
        insight, before = flow.insight, _at(state, inbound.message.envelope.time)
        standing = before.standing()
        if insight is None or before.ended or not standing:
            return Handled(state=before.model_copy(update={"ended": True, "turns": ()}))
        edition = self._advisor(inbound, insight.provenance.scenario, insight.language).edition
        gone = [_Gone(one, "ended", ended(edition)) for one in standing]
        after = before.withdrawing(_ids(gone)).model_copy(update={"ended": True, "turns": ()})
        return Handled(self._withdrawn(inbound, flow, gone), after)

    def _advisor(self, inbound: Inbound, scenario: str, language: str) -> Advisor:
        return advisor(self._scenarios, self._store, self._records, inbound, scenario=scenario, language=language)

    def _withdrawn(self, inbound: Inbound, flow: FlowState, gone: list[_Gone]) -> tuple[Outbound, ...]:
        for one in gone:
            self._meter.count(SUGGEST_WITHDRAWN, reason=one.why, scenario=_scenario_of(flow))
        return tuple(
            follow(
                inbound,
                SuggestionWithdrawn(call_id=flow.call_id, suggestion_id=one.shown.suggestion_id, reason=one.line),
                stage=STAGE,
                topic=SUGGESTIONS,
                part=one.shown.suggestion_id,
            )
            for one in gone
        )

    def _count(self, inbound: Inbound, advice: Advice, who: Advisor) -> None:
        self._meter.count(SUGGESTED, kind=str(advice.kind), lane=str(Lane.LIVE), scenario=who.scenario.id)
        if self._clock is not None:
            waited = (self._clock() - inbound.message.envelope.time).total_seconds()
            self._meter.observe(SUGGEST_SECONDS, max(0.0, waited), scenario=who.scenario.id)


def _at(state: LiveAdvice | None, at: datetime) -> LiveAdvice:
    """What is remembered, at the time of an event without words."""
    before = state or LiveAdvice(now=at)
    return before.model_copy(update={"now": max(before.now, before.time_of(at))})


def _known(now: LiveAdvice, flow: FlowState, heard: IntentExtracted) -> Known:
    return Known(
        lane=Lane.LIVE,
        intents=heard.intents,
        entities=now.entities,
        last_said=now.last_said,
        duration_ms=max((segment.end_ms for segment in heard.segments), default=0),
        guidance=flow.guidance,
    )


def _overtaken(now: LiveAdvice, heard: IntentExtracted, edition: Edition) -> Iterator[_Gone]:
    """What stands and is settled by the newest words, or said by the agent since it was shown."""
    cards = {card.id: card for card in edition.playbook.cards}
    for shown in now.standing():
        if (card := cards.get(shown.card_id)) is None:
            continue
        words = (begun(intent) for intent in heard.intents if intent.name == card.trigger.unless_intent)
        settles = next((one for one in words if one.start_ms >= shown.at_ms), None)
        if settles is not None:
            yield _Gone(shown, "settled", said(settles, edition))
        elif (newest := _of_agent(heard)) is not None and says(now.agents_newest(after_ms=shown.at_ms), card.text):
            yield _Gone(shown, "agent_did_it", said(newest, edition))


def _of_agent(heard: IntentExtracted) -> Evidence | None:
    """What the agent said last in the newest words."""
    spoken = [one for one in heard.segments if one.role is Role.AGENT and one.text.strip()]
    if not spoken:
        return None
    last = max(spoken, key=lambda one: (one.end_ms, one.segment_id))
    return Evidence(
        segment_id=last.segment_id, role=last.role, start_ms=last.start_ms, end_ms=last.end_ms, quote=last.text
    )


def _scenario_of(flow: FlowState) -> str:
    made = flow.heard or flow.insight
    return made.provenance.scenario if made is not None else ""


def _ids(gone: Iterable[_Gone]) -> frozenset[str]:
    return frozenset(one.shown.suggestion_id for one in gone)


def _id(tenant_id: str, call_id: str, advice: Advice) -> str:
    """Apart from what the same card gets as a follow-up: a live suggestion stays as history."""
    return stable_id("suggestion", tenant_id, call_id, str(Lane.LIVE), advice.key)


def _shown(inbound: Inbound, now: LiveAdvice, advice: Advice, suggestion_id: str) -> Shown:
    created_at = now.time_of(inbound.message.envelope.time)
    return Shown(
        card_id=advice.key,
        suggestion_id=suggestion_id,
        at_ms=advice.at_ms,
        created_at=created_at,
        expires_at=expires(advice.lives_s, created_at),
        priority=advice.priority,
        passages=tuple(passage.passage_id for passage in advice.passages),
    )
