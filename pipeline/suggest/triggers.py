"""Whether a playbook card fits a conversation, when, and on which words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from pipeline.scenarios.model import Card, Trigger
from pipeline.suggest.known import Known, begun
from schemas.flow import Guidance, NextStep
from schemas.insight import ComplianceKind, Evidence, Intent
from schemas.wire import Role

LEAST_SEEN: Final = 20
"""How often the same way must have been taken before a next step is told: if half of 20 calls went on to something, it
may as well be three in ten or seven in ten that do (95 % interval of a proportion, Wilson 1927).
"""


@dataclass(frozen=True, slots=True)
class Firing:
    """A card that fits at ``at_ms``, ms from the start of the call; what was said until ``until_ms`` led to it.

    ``guidance`` is what earlier calls did, where the card stands on a next step.
    """

    card: Card
    at_ms: int
    until_ms: int
    evidence: tuple[Evidence, ...]
    guidance: Guidance | None = None


def fire(card: Card, known: Known, on: date) -> Firing | None:
    """The first moment at which the card fits, or None.

    A card fits if it is approved, is for this lane, is valid on the day ``on`` (both ends included), and all that its
    trigger names holds:

    - ``intent`` and ``topic`` hold at an intent of the call (a topic without one at its span); a ``sentiment`` beside
      them is that intent's, and alone it is the customer's over the whole call;
    - ``next_step`` holds at the newest intent, while what calls go on to from there was seen often enough;
    - ``outcome`` and ``missing_phrase`` are known when the call ends, so the card fits then and not before;
    - ``unless_intent``: what this intent follows is settled. A card that fits at the end is settled by it anywhere.
    """
    if not (card.approved_by.strip() and known.lane in card.lanes and _is_valid(card, on)):
        return None
    trigger = card.trigger
    call_evidence = _held_by_call(trigger, known)
    if call_evidence is None or (trigger.next_step is not None and not _is_likely(trigger, known.guidance)):
        return None
    if trigger.intent is None and trigger.topic is None and trigger.next_step is None:
        if trigger.unless_intent in known.last_said:
            return None
        return Firing(card, known.duration_ms, known.duration_ms, call_evidence)
    moment = next((found for found in _moments(trigger, known) if not _is_settled(trigger, known, found)), None)
    if moment is None:
        return None
    at_ms, until_ms, said = moment
    if trigger.outcome is not None or trigger.missing_phrase is not None:
        at_ms = until_ms = known.duration_ms
    return Firing(
        card, at_ms, until_ms, (*said, *call_evidence), known.guidance if trigger.next_step is not None else None
    )


def step_to(label: str, guidance: Guidance) -> NextStep | None:
    """What is known of a next step; None where it is not among the probable ones."""
    return next((step for step in guidance.next if step.label == label), None)


def _is_likely(trigger: Trigger, guidance: Guidance | None) -> bool:
    if guidance is None or guidance.seen < LEAST_SEEN or trigger.next_step is None:
        return False
    step = step_to(trigger.next_step, guidance)
    return step is not None and step.probability >= trigger.at_least


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
    if trigger.sentiment is not None and trigger.intent is trigger.topic is trigger.next_step is None:
        tones = {side.sentiment for side in known.sentiments if side.role is Role.CUSTOMER}
        if trigger.sentiment not in tones:
            return None
    return evidence


_Moment = tuple[int, int, tuple[Evidence, ...]]


def _moments(trigger: Trigger, known: Known) -> Iterator[_Moment]:
    """Start, end and evidence of each place where intent, topic and sentiment hold, in order of time.

    A next step by itself is foreseen from the newest intent.
    """
    fitting = sorted((_moment(intent) for intent in known.intents if _fits(trigger, intent)), key=lambda m: m[:2])
    if trigger.next_step is not None and trigger.intent is None and trigger.topic is None:
        fitting = fitting[-1:]
    if fitting or trigger.intent is not None or trigger.sentiment is not None or trigger.topic is None:
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
