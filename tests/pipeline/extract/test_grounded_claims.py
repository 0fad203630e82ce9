from __future__ import annotations

from typing import Any

import pytest
from talks import conversation

from pipeline.extract.answer import Answer
from pipeline.extract.claims import Grounded, grounded
from schemas.insight import FollowUpKind, Handling

TALK = conversation(
    "a: good morning",
    "c: that is far too expensive",
    "a: i could give you ten dollars off",
    "c: no and i want the papers by friday",
    "a: i will send you the papers by friday",
)
BY_ID = {f"s{number}": segment for number, segment in enumerate(TALK.segments, 1)}


def objection(**changes: Any) -> dict[str, Any]:
    reply = {"segment": "s3", "quote": "ten dollars off"}
    return {"segment": "s2", "quote": "far too expensive", "handling": "partly", "reply": reply} | changes


def follow_up(**changes: Any) -> dict[str, Any]:
    known = {"segment": "s5", "quote": "i will send you the papers", "kind": "promise", "what": "Sends the papers."}
    return known | {"due_said": "by friday"} | changes


def claims(**fields: Any) -> Grounded:
    empty: dict[str, Any] = {"intents": [], "entities": [], "topics": [], "outcome": None, "summary": "s"}
    return grounded(Answer.model_validate(empty | fields), BY_ID, TALK.edition)


def test_an_objection_comes_with_the_agents_words_on_it() -> None:
    found = claims(objections=[objection()])
    (one,) = found.objections
    assert (one.handling, one.evidence.quote, one.answer and one.answer.quote) == (
        Handling.PARTLY,
        "far too expensive",
        "ten dollars off",
    )
    assert found.dropped == 0


@pytest.mark.parametrize(
    "claim",
    [
        objection(quote="way too pricey"),
        objection(segment="s3", quote="ten dollars off"),
        objection(reply={"segment": "s3", "quote": "twenty dollars off"}),
        objection(reply={"segment": "s4", "quote": "i want the papers"}),
        objection(reply={"segment": "s1", "quote": "good morning"}),
        objection(reply=None),
    ],
    ids=["not said", "by the agent", "reply not said", "reply by the customer", "reply before it", "no reply"],
)
def test_an_objection_without_its_words_or_without_those_of_its_answer_is_dropped(claim: dict[str, Any]) -> None:
    found = claims(objections=[claim])
    assert (found.objections, found.dropped) == ((), 1)


def test_an_objection_that_is_ignored_needs_no_answer_and_has_none() -> None:
    (one,) = claims(objections=[objection(handling="ignored")]).objections
    assert (one.handling, one.answer) == (Handling.IGNORED, None)


def test_a_follow_up_keeps_its_words_for_when_as_they_were_said() -> None:
    found = claims(follow_ups=[follow_up(due_said="By Friday!")])
    (one,) = found.follow_ups
    assert (one.kind, one.what, one.due_said, found.dropped) == (
        FollowUpKind.PROMISE,
        "Sends the papers.",
        "by friday",
        0,
    )


def test_words_for_when_that_were_not_said_are_dropped_and_the_follow_up_is_not() -> None:
    found = claims(follow_ups=[follow_up(due_said="by monday")])
    assert [(one.what, one.due_said) for one in found.follow_ups] == [("Sends the papers.", None)]
    assert found.dropped == 1


def test_a_follow_up_that_was_not_said_is_dropped_with_its_time() -> None:
    found = claims(follow_ups=[follow_up(quote="i will refund you"), follow_up(quote="we pay", due_said=None)])
    assert (found.follow_ups, found.dropped) == ((), 3)


def test_what_the_model_says_itself_is_masked_short_and_never_empty() -> None:
    told = [follow_up(what="Calls 415 555 2671 back."), follow_up(what=" "), follow_up(what="so on and on, " * 90)]
    masked, own, cut = claims(follow_ups=told).follow_ups
    assert masked.what == "Calls [PHONE] back."
    assert own.what == "i will send you the papers"
    assert len(cut.what) <= 240


def test_an_outcome_has_the_models_reason_or_one_of_its_words() -> None:
    outcome = {"name": "refused", "segment": "s4", "quote": "no"}
    with_reason = claims(outcome=outcome | {"reason": "The customer declines."}).outcome
    without = claims(outcome=outcome).outcome
    assert with_reason is not None
    assert with_reason.reason == "The customer declines."
    assert without is not None
    assert without.reason == "The model judges by these words (Customer): “no”."


def test_findings_come_in_order_of_time() -> None:
    found = claims(objections=[objection(segment="s4", quote="no", handling="ignored"), objection(handling="ignored")])
    assert [one.evidence.quote for one in found.objections] == ["far too expensive", "no"]
