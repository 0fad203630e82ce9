"""Where in a stored call a card would have been shown: its trigger, asked as the stages ask it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.extract.sentiment import tone_of
from pipeline.ids import stable_id
from pipeline.ports import VectorStore
from pipeline.scenarios.model import Card
from pipeline.store.calls import all_pages
from pipeline.store.collections import INTENTS
from pipeline.store.points import of_call
from pipeline.suggest.known import Known, begun, last_said
from pipeline.suggest.text import fill, values_at
from pipeline.suggest.triggers import Firing, fire
from schemas.call import OutcomeResult
from schemas.insight import (
    ComplianceHit,
    Entity,
    InferredOutcome,
    Intent,
    SideSentiment,
    TopicSpan,
)
from schemas.wire import Lane, Role

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TriedCard:
    """A call in which the card fits, ``at_ms`` from its start; ``text`` is what the agent would have read there.

    ``text`` is None where nothing could be said, as its slots were not heard. ``lane`` is whether it would have come
    during the call or after it, ``quote`` the words that it stands on, by ``role``.
    """

    call_id: str
    started_at: str | None
    agent: str | None
    lane: Lane
    at_ms: int
    role: Role | None
    quote: str
    text: str | None


async def try_card(store: VectorStore, tenant_id: str, call: Payload, card: Card) -> TriedCard | None:
    """Try a card on a stored call, whatever the days on which it holds; None where it does not fit.

    What calls go on to next is not stored of a call, so that a card with ``next_step`` never fits here.

    Raises:
        Retryable: the store is away.
    """
    hits = await all_pages(store, INTENTS, of_call(tenant_id, call["call_id"]))
    whole = known_of(call, [hit.payload for hit in hits])
    fired = first_firing(card, whole)
    if fired is None:
        return None
    lane, firing = fired
    said = min(firing.evidence, key=lambda one: one.start_ms, default=None)
    return TriedCard(
        call_id=call["call_id"],
        started_at=call.get("started_at"),
        agent=call.get("agent"),
        lane=lane,
        at_ms=firing.at_ms,
        role=said.role if said else None,
        quote=said.quote if said else "",
        text=fill(card.text, values_at(whole.entities, firing.until_ms)),
    )


def first_firing(card: Card, whole: Known) -> tuple[Lane, Firing] | None:
    """The first moment at which a card fits: while the call went on, intent by intent, else when it had ended."""
    lanes = card.lanes
    if Lane.LIVE in lanes:
        for now in _as_it_went(whole):
            if (firing := fire(card, now, card.valid_from)) is not None:
                return Lane.LIVE, firing
    if Lane.BATCH in lanes and (firing := fire(card, replace(whole, lane=Lane.BATCH), card.valid_from)) is not None:
        return Lane.BATCH, firing
    return None


def known_of(call: Payload, intents: Iterable[Payload]) -> Known:
    """What is known of a call that is over, from what is stored of it; topics are stored without their places."""
    found = tuple(sorted((_intent(one) for one in intents), key=lambda one: begun(one).start_ms))
    duration_ms = call.get("duration_ms") or 0
    return Known(
        lane=Lane.BATCH,
        intents=found,
        entities=tuple(_entity(number, one) for number, one in enumerate(call.get("entities", ()))),
        last_said=last_said(found),
        duration_ms=duration_ms,
        topics=tuple(TopicSpan(topic=name, start_ms=0, end_ms=duration_ms) for name in call.get("topics", ())),
        sentiments=tuple(
            SideSentiment(role=Role(role), sentiment=tone_of(score), score=score)
            for role, score in call.get("sentiments", {}).items()
        ),
        compliance=tuple(ComplianceHit.model_validate(one) for one in call.get("compliance_hits", ())),
        outcome=_outcome(call),
    )


def _as_it_went(whole: Known) -> Iterable[Known]:
    """The call after each of its intents, as the live stage knows it: of the end nothing."""
    so_far: Mapping[str, int] = {}
    for intent in whole.intents:
        so_far = last_said((intent,), so_far)
        yield Known(Lane.LIVE, (intent,), whole.entities, so_far, begun(intent).end_ms)


def _intent(one: Payload) -> Intent:
    return Intent(
        intent_id=one["intent_id"],
        name=one["name"],
        role=one["role"],
        topic=one.get("topic"),
        sentiment=one["sentiment"],
        confidence=one["confidence"],
        evidence=_said(one),
    )


def _said(one: Payload) -> Sequence[Any]:
    """The words of an intent; of those stored before all of them were kept, the first."""
    if one.get("evidence"):
        return tuple(one["evidence"])
    names = ("segment_id", "role", "start_ms", "end_ms", "quote")
    return ({name: one[name] for name in names},)


def _entity(number: int, one: Payload) -> Entity:
    return Entity.model_validate({**one, "entity_id": stable_id("stored-entity", str(number))})


def _outcome(call: Payload) -> InferredOutcome | None:
    if (name := call.get("outcome_inferred")) is None:
        return None
    return InferredOutcome(
        name=name,
        result=OutcomeResult(call["outcome_inferred_result"]),
        reason=call.get("outcome_inferred_reason", ""),
        evidence=call.get("outcome_inferred_evidence", ()),
    )
