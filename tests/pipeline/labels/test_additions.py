"""Items that people add."""

from __future__ import annotations

import pytest
from judged_calls import EDITION, judged_call

from pipeline.labels.additions import (
    CannotBeAdded,
    addition,
    check_name,
    names_in,
    turn_named,
    whole_call_addition,
)
from pipeline.labels.label import LabelledField

CALL = judged_call()
AGENT, CUSTOMER = CALL.segments[2], CALL.segments[1]


def test_only_names_of_the_taxonomy_are_taken_and_the_nearest_are_told() -> None:
    assert check_name(EDITION.taxonomy, "intents", "cancel_contract") == "cancel_contract"
    with pytest.raises(CannotBeAdded, match=r"'cancel_contrakt' is not in the taxonomy; nearest: cancel_contract"):
        check_name(EDITION.taxonomy, "intents", "cancel_contrakt")
    with pytest.raises(CannotBeAdded, match="summary"):
        check_name(EDITION.taxonomy, "summary", "a summary")


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("entities", "plan"),
        ("topics", "price"),
        ("outcome", "cancelled"),
        ("objections", "partly"),
        ("follow_ups", "promise"),
        ("summary", "summary"),
    ],
)
def test_every_field_has_names(field: LabelledField, name: str) -> None:
    assert name in names_in(EDITION.taxonomy, field)
    assert check_name(EDITION.taxonomy, field, name) == name


@pytest.mark.parametrize("text", ["s2", "2", " S2 "])
def test_a_turn_is_named_as_it_is_shown(text: str) -> None:
    assert turn_named(CALL, text) == CUSTOMER


@pytest.mark.parametrize("text", ["s0", "s6", "x", "", "-1"])
def test_a_turn_that_is_not_there_is_refused_with_those_that_are(text: str) -> None:
    with pytest.raises(CannotBeAdded, match="s1 to s5"):
        turn_named(CALL, text)


def test_the_words_are_kept_as_they_stand_in_the_turn() -> None:
    added = addition(EDITION, "intents", "price_objection", CUSTOMER, "The family plan is TOO expensive!")
    assert (added.segment_id, added.quote) == ("s1", "the family plan is too expensive")


def test_words_that_are_not_there_are_refused() -> None:
    with pytest.raises(CannotBeAdded, match="do not stand"):
        addition(EDITION, "intents", "price_objection", CUSTOMER, "far too cheap")


def test_what_only_one_side_can_say_is_refused_of_the_other() -> None:
    with pytest.raises(CannotBeAdded, match="price_objection is for the customer to say, that turn is the agent's"):
        addition(EDITION, "intents", "price_objection", AGENT, "a discount")
    with pytest.raises(CannotBeAdded, match="customer"):
        addition(EDITION, "objections", "ignored", AGENT, "a discount")


def test_values_are_what_labels_have_them_for() -> None:
    entity = addition(EDITION, "entities", "plan", CUSTOMER, "FAMILY plan")
    assert (entity.value, entity.quote) == ("family plan", "family plan")
    follow_up = addition(EDITION, "follow_ups", "promise", AGENT, "I can offer you a discount")
    assert follow_up.value == "I can offer you a discount"
    outcome = addition(EDITION, "outcome", "cancelled", CALL.segments[4], "is cancelled")
    assert (outcome.segment_id, outcome.stands_in, outcome.quote) == (None, "s4", "is cancelled")
    assert whole_call_addition("topics", "price").value is None
    assert whole_call_addition("summary", "summary", "He left.").value == "He left."
