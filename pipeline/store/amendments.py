"""What is set on a point after it was made: an observed outcome, a failure, feedback, a withdrawal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipeline.handling import Inbound
from pipeline.store.points import Fields, instant, known
from schemas.call import CallFailed, CallOutcome
from schemas.suggestion import FeedbackKind, SuggestionFeedback, SuggestionWithdrawn

_OBSERVED: Final = "outcome_observed"
_FAILED: Final = "failed_"
_SEEN: Final = str(FeedbackKind.SHOWN)
_REACTIONS: Final = ("feedback", "withdrawn")


def outcome_fields(outcome: CallOutcome) -> Fields:
    """What was observed; always under names of its own, apart from what was inferred."""
    return {
        "outcome_observed": outcome.name,
        "outcome_observed_result": str(outcome.result),
        "outcome_observed_by": outcome.observed_by,
        **instant("outcome_observed", outcome.observed_at),
    }


def failure_fields(inbound: Inbound, failed: CallFailed) -> Fields:
    """Which stage failed, and why."""
    fields = {"failed_stage": failed.stage, "failed_reason": failed.reason, "failed_retryable": failed.retryable}
    return {**fields, **instant("failed", inbound.message.envelope.time)}


def feedback_fields(feedback: SuggestionFeedback, before: Mapping[str, Any]) -> Fields | None:
    """What the agent did with the suggestion; None where more is known already.

    That it was seen is no news of one that the agent did something with, whichever was told first. Whose card it is the
    suggestion says, once it has come.

    Args:
        feedback: the event.
        before: what is stored.
    """
    at = instant("feedback", feedback.at)
    stored = (before.get("feedback", _SEEN) != _SEEN, before.get("feedback_ts", 0))
    if stored > (feedback.kind is not FeedbackKind.SHOWN, at["feedback_ts"]):
        return None
    fields = {
        "card_id": before.get("card_id", feedback.card_id),
        "feedback": str(feedback.kind),
        "feedback_agent": feedback.agent,
        "feedback_text": feedback.text,
        **at,
    }
    return known(fields)


def withdrawal_fields(inbound: Inbound, withdrawn: SuggestionWithdrawn) -> Fields:
    """That the conversation has overtaken the suggestion."""
    return {"withdrawn_reason": withdrawn.reason, **instant("withdrawn", inbound.message.envelope.time)}


def observed(payload: Mapping[str, Any]) -> Fields:
    """The fields of an observed outcome."""
    return _starting(payload, _OBSERVED)


def failure(payload: Mapping[str, Any]) -> Fields:
    """The fields of a failure."""
    return _starting(payload, _FAILED)


def reaction(payload: Mapping[str, Any]) -> Fields:
    """The fields of feedback and withdrawal."""
    return _starting(payload, *_REACTIONS)


def _starting(payload: Mapping[str, Any], *prefixes: str) -> Fields:
    return {key: value for key, value in payload.items() if key.startswith(prefixes)}
