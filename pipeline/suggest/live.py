"""The suggest stage of the live lane: what was just said becomes advice while the call is on, or takes some back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from pipeline.handling import Handled, Inbound, Outbound, Remembering, follow
from pipeline.ids import stable_id
from pipeline.ports import VectorStore
from pipeline.scenarios.model import Edition, Scenarios
from pipeline.stages import SUGGESTIONS
from pipeline.suggest.advice import STAGE, Advice, Advisor, advisor
from pipeline.suggest.known import Known, begun, last_said
from pipeline.suggest.policy import choose_live, expiry
from pipeline.suggest.reason import said
from schemas.flow import FlowState
from schemas.insight import Entity, IntentExtracted
from schemas.suggestion import SuggestionWithdrawn
from schemas.wire import Lane


class Shown(BaseModel):
    """A card that the agent was shown; a call sees a card once."""

    model_config = ConfigDict(frozen=True)

    card_id: str
    suggestion_id: str
    at_ms: int
    created_at: AwareDatetime
    expires_at: AwareDatetime
    withdrawn: bool = False


class LiveAdvice(BaseModel):
    """What the stage remembers of a call: cards shown, and of what was said the last of each kind.

    ``now`` is the time of the newest event: the call's clock.
    """

    model_config = ConfigDict(frozen=True)

    now: AwareDatetime
    shown: tuple[Shown, ...] = ()
    last_said: dict[str, int] = {}
    entities: tuple[Entity, ...] = ()


def build(*, scenarios: Scenarios, store: VectorStore) -> Remembering[LiveAdvice]:
    """The handler of ``flow.state`` of a call that goes on; what else travels on the topic is passed over.

    A card is shown when its trigger holds at an intent in the newest words; what is known only when a call has ended
    (outcome, missing phrase, the tone of the whole call) triggers none. ``pipeline.suggest.policy`` bounds how many are
    shown. A shown card that has not expired is withdrawn when the intent comes that settles it (``unless_intent``).

    Args:
        scenarios: whose cards there are.
        store: holds the knowledge base.
    """
    return _LiveAdvice(scenarios, store)


class _LiveAdvice:
    remembers: type[LiveAdvice] = LiveAdvice

    def __init__(self, scenarios: Scenarios, store: VectorStore) -> None:
        self._scenarios = scenarios
        self._store = store

    async def __call__(self, inbound: Inbound, state: LiveAdvice | None) -> Handled[LiveAdvice]:
        flow = inbound.payload
        if not isinstance(flow, FlowState) or (heard := flow.heard) is None:
            return Handled()
        made = heard.provenance
        who = advisor(self._scenarios, self._store, inbound, scenario=made.scenario, language=heard.language)
        now = _heard(state, heard, inbound.message.envelope.time)
        settled = {card.card_id: event for card, event in _settled(inbound, now, heard, who.edition)}
        chosen = _chosen(inbound, now, _known(now, heard), who)
        created = [
            await who.created(inbound, flow, advice, _id(inbound.tenant_id, flow.call_id, advice)) for advice in chosen
        ]
        shown = [card.model_copy(update={"withdrawn": True}) if card.card_id in settled else card for card in now.shown]
        shown += [_shown(inbound, flow.call_id, advice) for advice in chosen]
        return Handled((*settled.values(), *created), now.model_copy(update={"shown": tuple(shown)}))


def _heard(state: LiveAdvice | None, heard: IntentExtracted, at: datetime) -> LiveAdvice:
    """What is remembered, with the newest words."""
    before = state or LiveAdvice(now=at)
    return LiveAdvice(
        now=max(at, before.now),
        shown=before.shown,
        last_said=last_said(heard.intents, before.last_said),
        entities=_latest((*before.entities, *heard.entities)),
    )


def _latest(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """Of each slot the value that was said last: the one that a card is filled with."""
    found: dict[str, Entity] = {}
    for entity in entities:
        if entity.name not in found or _start(entity) >= _start(found[entity.name]):
            found[entity.name] = entity
    return tuple(found.values())


def _start(entity: Entity) -> int:
    return min(evidence.start_ms for evidence in entity.evidence)


def _known(now: LiveAdvice, heard: IntentExtracted) -> Known:
    return Known(
        lane=Lane.LIVE,
        intents=heard.intents,
        entities=now.entities,
        last_said=now.last_said,
        duration_ms=max((segment.end_ms for segment in heard.segments), default=0),
    )


def _chosen(inbound: Inbound, now: LiveAdvice, known: Known, who: Advisor) -> list[Advice]:
    """The cards to show; none twice, and none that would have expired, as words that come late would bring."""
    at, seen = inbound.message.envelope.time, {card.card_id for card in now.shown}
    fitting = {
        advice.firing.card.id: advice
        for advice in who.fitting(inbound, known)
        if advice.firing.card.id not in seen and expiry(advice.firing.card, known.lane, at) > now.now
    }
    last_at = max((card.created_at for card in now.shown), default=None)
    firings = choose_live((advice.firing for advice in fitting.values()), at, len(now.shown), last_at)
    return [fitting[firing.card.id] for firing in firings]


def _settled(
    inbound: Inbound, now: LiveAdvice, heard: IntentExtracted, edition: Edition
) -> Iterator[tuple[Shown, Outbound]]:
    """The shown cards that the newest words have overtaken, each with the event that says so."""
    settles = {card.id: card.trigger.unless_intent for card in edition.playbook.cards}
    for card in now.shown:
        if card.withdrawn or card.expires_at <= now.now:
            continue
        words = (begun(intent) for intent in heard.intents if intent.name == settles.get(card.card_id))
        if (overtaken := next((one for one in words if one.start_ms >= card.at_ms), None)) is not None:
            event = SuggestionWithdrawn(
                call_id=heard.call_id, suggestion_id=card.suggestion_id, reason=said(overtaken, edition)
            )
            yield card, follow(inbound, event, stage=STAGE, topic=SUGGESTIONS, part=card.suggestion_id)


def _id(tenant_id: str, call_id: str, advice: Advice) -> str:
    """Apart from what the same card gets as a follow-up: a live suggestion stays as history."""
    return stable_id("suggestion", tenant_id, call_id, str(Lane.LIVE), advice.firing.card.id)


def _shown(inbound: Inbound, call_id: str, advice: Advice) -> Shown:
    card, created_at = advice.firing.card, inbound.message.envelope.time
    return Shown(
        card_id=card.id,
        suggestion_id=_id(inbound.tenant_id, call_id, advice),
        at_ms=advice.firing.at_ms,
        created_at=created_at,
        expires_at=expiry(card, Lane.LIVE, created_at),
    )
