from __future__ import annotations

import pytest
from talks import talk

from pipeline.extract.findings import FoundIntent, evidence_of
from pipeline.extract.objections import REACH, objections_among
from pipeline.scenarios.load import shipped
from schemas.insight import Handling

TAXONOMY = shipped("telecom").edition("en").taxonomy


def found(*lines: str) -> list[tuple[str, Handling, str | None]]:
    """Objections of lines that end in the intent that is found in them: ``c: too much = price_objection``."""
    segments = talk(*(line.partition(" = ")[0] for line in lines))
    intents = [
        FoundIntent(name, 0.9, evidence_of(segment, segment.text))
        for segment, line in zip(segments, lines, strict=True)
        if (name := line.partition(" = ")[2])
    ]
    return [
        (one.evidence.quote, one.handling, one.answer.quote if one.answer else None)
        for one in objections_among(intents, segments, TAXONOMY)
    ]


def test_an_objection_is_answered_by_what_the_taxonomy_says_answers_it() -> None:
    assert found("c: too much = price_objection", "a: hm", "a: ten off = make_offer") == [
        ("too much", Handling.ANSWERED, "ten off")
    ]


def test_an_objection_is_answered_by_an_intent_of_its_topic() -> None:
    assert found("c: get me out = cancel_contract", "a: it ends today = confirm_cancel_done") == [
        ("get me out", Handling.ANSWERED, "it ends today")
    ]


@pytest.mark.parametrize(
    "after",
    [
        ("a: your name please = verify_identity",),
        ("c: so i leave = agree_to_stay",),
        (*["a: hm"] * REACH, "a: ten off = make_offer"),
    ],
    ids=["of another topic", "of the customer", "too late"],
)
def test_what_nobody_goes_into_is_ignored(after: tuple[str, ...]) -> None:
    assert found("c: too much = price_objection", *after) == [("too much", Handling.IGNORED, None)]


def test_an_offer_before_the_objection_does_not_answer_it() -> None:
    assert found("a: ten off = make_offer", "c: too much = price_objection") == [("too much", Handling.IGNORED, None)]


def test_what_is_said_again_before_it_was_answered_is_one_objection() -> None:
    told = found(
        "c: too much = price_objection",
        "c: far too much = price_objection",
        "a: ten off = make_offer",
        "c: still too much = price_objection",
    )
    assert [(quote, handling) for quote, handling, _ in told] == [
        ("too much", Handling.ANSWERED),
        ("still too much", Handling.IGNORED),
    ]


def test_a_customer_without_complaints_objects_to_nothing() -> None:
    assert found("c: how much = ask_price", "a: ten = make_offer", "c: fine = accept_offer") == []
