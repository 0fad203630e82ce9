"""Whether a playbook card fits a conversation, when, and on which words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pipeline.scenarios.model import Card, Trigger
from pipeline.suggest.known import Known, begun
from schemas.insight import ComplianceKind, Evidence, Intent
from schemas.wire import Role


@dataclass(frozen=True, slots=True)
class Firing:
    """A card that fits at ``at_ms``, ms from the start of the call; what was said until ``until_ms`` led to it."""

    card: Card
    at_ms: int
    until_ms: int
    evidence: tuple[Evidence, ...]


def fire(card: Card, known: Known, on: date) -> Firing | None:
    """The first moment at which the card fits, or None.

    A card fits if it is approved, is for this lane, is valid on the day ``on`` (both ends included), and all that its
    trigger names holds:

    - ``intent`` and ``topic`` hold at an intent of the call (a topic without one at its span); a ``sentiment`` beside
      them is that intent's, and alone it is the customer's over the whole call;
    - ``outcome`` and ``missing_phrase`` are known when the call ends, so the card fits then and not before;
    - ``unless_intent``: what this intent follows is settled. A card that fits at the end is settled by it anywhere.
    """
    if not (card.approved_by.strip() and known.lane in card.lanes and _is_valid(card, on)):
        return None
    trigger = card.trigger
    call_evidence = _held_by_call(trigger, known)
    if call_evidence is None:
        return None
    if trigger.intent is None and trigger.topic is None:
        if trigger.unless_intent in known.last_said:
            return None
        return Firing(card, known.duration_ms, known.duration_ms, call_evidence)
    moment = next((found for found in _moments(trigger, known) if not _is_settled(trigger, known, found)), None)
    if moment is None:
        return None
    at_ms, until_ms, said = moment
    if trigger.outcome is not None or trigger.missing_phrase is not None:
        at_ms = until_ms = known.duration_ms
    return Firing(card, at_ms, until_ms, (*said, *call_evidence))


def _is_valid(card: Card, on: date) -> bool:
    return card.valid_from <= on and (card.valid_to is None or on <= card.valid_to)


def _held_by_call(trigger: Trigger, known: Known) -> tuple[Evidence, ...] | None:
    """The evidence of what the trigger asks of the call as a whole; None if the call does not have it."""
    evidence: tuple[Evidence, ...] = ()
    if trigger.outcome is not None:
        outcome = known.outcome
        if outcome is None or outcome.name != trigger.outcome:
            return None
        evidence = outcome.evidence
    if trigger.missing_phrase is not None:
        wanted = (ComplianceKind.MISSING_PHRASE, trigger.missing_phrase)
        if wanted not in {(hit.kind, hit.name) for hit in known.compliance}:
            return None
    if trigger.sentiment is not None and trigger.intent is None and trigger.topic is None:
        tones = {side.sentiment for side in known.sentiments if side.role is Role.CUSTOMER}
        if trigger.sentiment not in tones:
            return None
    return evidence


_Moment = tuple[int, int, tuple[Evidence, ...]]


def _moments(trigger: Trigger, known: Known) -> Iterator[_Moment]:
    """Start, end and evidence of each place where intent, topic and sentiment hold, in order of time."""
    fitting = sorted((_moment(intent) for intent in known.intents if _fits(trigger, intent)), key=lambda m: m[:2])
    if fitting or trigger.intent is not None or trigger.sentiment is not None:
        yield from fitting
        return
    spans = (span for span in known.topics if span.topic == trigger.topic)
    yield from sorted((span.start_ms, span.end_ms, ()) for span in spans)


def _moment(intent: Intent) -> _Moment:
    first = begun(intent)
    return first.start_ms, first.end_ms, intent.evidence


def _fits(trigger: Trigger, intent: Intent) -> bool:
    wanted = ((trigger.intent, intent.name), (trigger.topic, intent.topic), (trigger.sentiment, intent.sentiment))
    return all(asked is None or asked == found for asked, found in wanted)


def _is_settled(trigger: Trigger, known: Known, moment: _Moment) -> bool:
    name = trigger.unless_intent
    return name is not None and known.last_said.get(name, -1) >= moment[0]
