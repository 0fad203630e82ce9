"""From an insight to the path of its call: what the customer wanted and what the agent did, in order of time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from schemas.flow import FlowPath, Step
from schemas.insight import CallInsight, Intent


def path_of(intents: Iterable[Intent]) -> tuple[Step, ...]:
    """The steps of a conversation; a label said again at once is one step, at the time it was first said.

    An intent stands at the start of its earliest evidence. Intents that start together are ordered by where their
    evidence ends, then by label and role, so that the order in which they were found does not matter.
    """
    steps = (_step(intent) for intent in sorted(intents, key=_order))
    return tuple(next(repeats) for _, repeats in groupby(steps, key=lambda step: step.label))


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


def _order(intent: Intent) -> tuple[int, int, str, str]:
    first = min(intent.evidence, key=lambda evidence: (evidence.start_ms, evidence.end_ms))
    return first.start_ms, first.end_ms, intent.name, intent.role


def _step(intent: Intent) -> Step:
    at_ms = min(evidence.start_ms for evidence in intent.evidence)
    return Step(label=intent.name, role=intent.role, topic=intent.topic, at_ms=at_ms)
