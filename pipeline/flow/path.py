"""From an insight to the path of its call: what the customer wanted and what the agent did, in order of time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from schemas.flow import FlowPath, Step
from schemas.insight import CallInsight, Intent
from schemas.wire import Role


class Place(NamedTuple):
    """Where an intent stands in its call; the order of places is the order of steps.

    An intent stands at its earliest evidence. Intents that start together are ordered by where that evidence ends, then
    by label and role, so that the order in which they were found does not matter.
    """

    start_ms: int
    end_ms: int
    label: str
    role: Role
    topic: str
    segment_id: str


def path_of(intents: Iterable[Intent]) -> tuple[Step, ...]:
    """The steps of a conversation; a label said again at once is one step, at the time it was first said."""
    return path_along(sorted(place_of(intent) for intent in intents))


def path_along(places: Iterable[Place]) -> tuple[Step, ...]:
    """The same, of places that are in order."""
    firsts = (next(repeats) for _, repeats in groupby(places, key=lambda place: place.label))
    return tuple(
        Step(label=place.label, role=place.role, topic=place.topic or None, at_ms=place.start_ms) for place in firsts
    )


def place_of(intent: Intent) -> Place:
    """Where an intent stands; without a topic, ``topic`` is empty."""
    first = min(intent.evidence, key=lambda evidence: (evidence.start_ms, evidence.end_ms))
    return Place(first.start_ms, first.end_ms, intent.name, intent.role, intent.topic or "", first.segment_id)


def flow_path(insight: CallInsight, steps: tuple[Step, ...]) -> FlowPath:
    """The finished path of a whole call, with the outcome that was inferred for it."""
    outcome = insight.outcome_inferred
    return FlowPath(
        call_id=insight.call_id,
        scenario=insight.provenance.scenario,
        revision=insight.revision,
        steps=steps,
        duration_ms=insight.duration_ms,
        outcome=outcome.name if outcome else None,
        result=outcome.result if outcome else None,
    )
