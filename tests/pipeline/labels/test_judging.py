"""A person's way through the items of some calls."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from judged_calls import EDITION, NOON, judged_call, words

from pipeline.labels.judging import Judging, Person, Session, Step, begin, once, word_on
from pipeline.labels.label import Verdict
from pipeline.labels.mined_call import Extracted, MinedCall

CALL = judged_call()
ANN = Person("acme", "ann")


def session(*calls: MinedCall) -> Session:
    return Session(tuple(Judging(call, EDITION, call.items) for call in calls))


def right(judging: Judging) -> Step:
    assert judging.item is not None
    return Step(word_on(judging, judging.item, Verdict.RIGHT, ANN, NOON))


def test_items_come_field_by_field_in_their_order() -> None:
    judging = begin(CALL, EDITION, [], by="ann")
    assert judging is not None
    assert [item.field for item in judging.waiting] == [
        *["intents"] * 3, "entities", "topics", "outcome", "objections", "follow_ups", "summary",
    ]  # fmt: skip


def test_a_second_start_goes_on_where_this_person_stopped() -> None:
    said = [*words(CALL, items=CALL.items[:2]), *words(CALL, by="bob")]
    judging = begin(CALL, EDITION, said, by="ann")
    assert judging is not None
    assert judging.waiting == CALL.items[2:]
    assert begin(CALL, EDITION, said, by="bob") is None


def test_only_the_fields_that_are_asked_for_wait() -> None:
    judging = begin(CALL, EDITION, [], by="ann", fields=("outcome", "summary"))
    assert judging is not None
    assert [item.field for item in judging.waiting] == ["outcome", "summary"]


def test_what_somebody_added_waits_for_the_others() -> None:
    added = Extracted("intents", "ask_price", "s1", quote="how much")
    said = [*words(CALL, by="bob"), *words(CALL, Verdict.MISSING, items=[added])]
    judging = begin(CALL, EDITION, said, by="bob")
    assert judging is not None
    assert [(item.name, item.quote) for item in judging.waiting] == [("ask_price", "how much")]
    gone = words(CALL, Verdict.MISSING, items=[Extracted("intents", "ask_price", "gone", quote="how much")])
    assert begin(CALL, EDITION, [*words(CALL, by="bob"), *gone], by="bob") is None
    refused = [*said, *words(CALL, Verdict.WRONG, items=[added])]
    assert begin(CALL, EDITION, refused, by="bob") is None


def test_a_call_with_nothing_in_it_is_shown_until_this_person_has_said_something() -> None:
    empty = replace(CALL, items=())
    added = Extracted("topics", "price")
    judging = begin(empty, EDITION, [], by="ann")
    assert judging is not None
    assert judging.item is None
    assert begin(empty, EDITION, words(empty, Verdict.MISSING, items=[added]), by="ann") is None


def test_what_two_versions_found_is_asked_about_once() -> None:
    more = replace(CALL, items=(*CALL.items, Extracted("topics", "billing")))
    first, second = once([Judging(CALL, EDITION, CALL.items), Judging(more, EDITION, more.items)])
    assert first.waiting == CALL.items
    assert [item.name for item in second.waiting] == ["billing"]
    assert len(once([Judging(CALL, EDITION, CALL.items)] * 2)) == 1


def test_a_word_names_the_version_that_found_it_and_an_added_item_names_none() -> None:
    judging = Judging(CALL, EDITION, CALL.items)
    entity = next(item for item in CALL.items if item.field == "entities")
    said = word_on(judging, entity, Verdict.WRONG, ANN, NOON)
    assert (said.call_id, said.scenario, said.language) == ("c1", "telecom", "en")
    assert (said.name, said.segment_id, said.value, said.quote) == ("plan", "s1", "family plan", "family plan")
    assert (said.prompt_version, said.by, said.item) == ("extract.v2", "ann", entity.of("c1"))
    assert word_on(judging, Extracted("topics", "billing"), Verdict.MISSING, ANN, NOON).prompt_version == ""


def test_undo_goes_back_over_added_and_passed_over_items_and_over_the_border_of_a_call() -> None:
    begun = session(CALL, judged_call("c2"))
    assert begun.undone() is None
    first = begun.calls[0]
    one = begun.after(right(first))
    added = one.after(Step(word_on(first, Extracted("topics", "billing"), Verdict.MISSING, ANN, NOON), goes_on=False))
    assert added.current is not None
    assert added.current.place == 1
    passed = added.after(Step(None)).next_call()
    back, step = passed.undone() or (begun, None)
    assert (back, step) == (added, Step(None))
    back, step = back.undone() or (begun, None)
    assert back == one
    assert step is not None
    assert step.said is not None
    assert step.said.name == "billing"


@given(st.lists(st.sampled_from("ysanu"), max_size=40))
def test_undoing_everything_leads_back_to_the_start(keys: list[str]) -> None:
    begun = now = session(CALL, judged_call("c2"))
    for key in keys:
        if (judging := now.current) is None:
            break
        if key == "u":
            now = now.undone()[0] if now.undone() else now  # type: ignore[index] # it is not None
        elif judging.item is None:
            now = now.next_call()
        else:
            now = now.after(Step(None) if key == "s" else replace(right(judging), goes_on=key != "a"))
    done = sum(len(call.steps) for call in now.calls)
    assert now.waiting == sum(len(call.waiting) for call in now.calls) - sum(
        step.goes_on and step.said is not None for call in now.calls for step in call.steps
    )
    for _ in range(done):
        now = now.undone()[0]  # type: ignore[index] # there is a step for each
    assert now.calls == begun.calls
    assert now.undone() is None
