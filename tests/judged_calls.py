"""A call of the shipped scenario as it was mined, and people's words on it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from mined_calls import FACTS, insight, intent, transcript

from pipeline.labels.judging import Judging, Person, word_on
from pipeline.labels.label import Label, Verdict
from pipeline.labels.mined_call import Extracted, MinedCall, mined_call
from pipeline.scenarios.load import shipped
from pipeline.scenarios.model import Edition
from schemas.call import OutcomeResult
from schemas.insight import CallInsight, Entity, Extractor, InferredOutcome, Provenance
from schemas.transcript import TranscriptCompleted
from schemas.wire import Role

EDITION: Edition = shipped("telecom").edition("en")
NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)
TURNS = (
    (Role.AGENT, "good morning how can I help you"),
    (Role.CUSTOMER, "the family plan is too expensive my number is [PHONE]"),
    (Role.AGENT, "I can offer you a discount"),
    (Role.CUSTOMER, "then I want to cancel my contract"),
    (Role.AGENT, "your contract is cancelled"),
)


def judged_transcript(call_id: str = "c1", *, customer: str | None = None) -> TranscriptCompleted:
    """Five turns, ``s0`` to ``s4``, masked."""
    return transcript(call_id, TURNS, facts=FACTS.model_copy(update={"customer_id": customer}))


def judged_insight(call_id: str = "c1", *, customer: str | None = None) -> CallInsight:
    """One item of each field at least, all with names of the taxonomy and with words that stand in the turns."""
    price = intent("price_objection", 1, "too expensive")
    cancel = intent("cancel_contract", 3, "I want to cancel my contract")
    done = intent("confirm_cancel_done", 4, "your contract is cancelled", role=Role.AGENT)
    mined = insight(call_id, (price, cancel, done), facts=FACTS.model_copy(update={"customer_id": customer}))
    (objection,), (follow_up,) = mined.objections, mined.follow_ups
    return mined.model_copy(
        update={
            "duration_ms": 25_000,
            "entities": (
                Entity(
                    entity_id="e",
                    name="plan",
                    value="family plan",
                    role=Role.CUSTOMER,
                    evidence=intent("x", 1, "family plan").evidence,
                ),
            ),
            "objections": (objection.model_copy(update={"evidence": price.evidence}),),
            "follow_ups": (follow_up.model_copy(update={"evidence": cancel.evidence, "due_said": None}),),
            "outcome_inferred": InferredOutcome(
                name="cancelled", result=OutcomeResult.LOST, reason="Said.", evidence=done.evidence
            ),
            "provenance": Provenance(
                extractor=Extractor.LLM, model="m", scenario="telecom", scenario_version=1, prompt_version="extract.v2"
            ),
        }
    )


def judged_call(call_id: str = "c1", *, customer: str | None = None) -> MinedCall:
    """Both as a person judges them: nine items."""
    return mined_call(judged_transcript(call_id, customer=customer), judged_insight(call_id, customer=customer))


def words(
    call: MinedCall, verdict: Verdict = Verdict.RIGHT, *, by: str = "ann", items: Iterable[Extracted] | None = None
) -> list[Label]:
    """A person's words on these items of a call (all of them), one a second."""
    judging, person = Judging(call, EDITION, ()), Person("acme", by)
    every = call.items if items is None else items
    return [word_on(judging, item, verdict, person, NOON + timedelta(seconds=n)) for n, item in enumerate(every)]
