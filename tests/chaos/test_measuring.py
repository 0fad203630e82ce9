"""The chaos tests' own measures: a plan has all that it must have, and no difference between two runs goes unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from disturbance import FROZEN_S, KILLS, plan
from hypothesis import given
from hypothesis import strategies as st
from models_stand_in import PHRASES, heard, mined
from outcome import OUTPUTS, Outcome, deduped, differences

from pipeline.flow.graph import SummedGraph
from pipeline.stages import STAGES, SUGGESTIONS
from schemas.flow import FlowNode
from workers.records import Record


@given(st.integers(min_value=0, max_value=1_000_000))
def test_a_plan_hits_every_stage_and_has_two_joins_two_leaves_and_one_freeze(seed: int) -> None:
    acts = plan(seed, 90.0, 6.0)
    kinds = Counter(act.kind for act in acts)
    assert kinds == {"kill": KILLS, "start": 2, "leave": 2, "freeze": 1, "wake": 1}
    assert {(act.stage, act.lane) for act in acts if act.kind == "kill"} == {(it.name, str(it.lane)) for it in STAGES}
    freeze, wake = (next(act for act in acts if act.kind == kind) for kind in ("freeze", "wake"))
    assert wake.at_s - freeze.at_s == pytest.approx(6.0 + FROZEN_S)
    assert (freeze.stage, freeze.lane) == (wake.stage, wake.lane)
    assert plan(seed, 90.0, 6.0) == acts


def record(
    id_: str, offset: int, value: bytes = b"{}", key: bytes = b"t:c1", source: bytes = b"/convmine/suggest"
) -> Record:
    return Record(SUGGESTIONS, 0, offset, key, value, (("ce_id", id_.encode()), ("ce_source", source)))


def outcome_of(*records: Record, **changes: Any) -> Outcome:
    events = {topic: deduped(records if topic == SUGGESTIONS else ()) for topic in OUTPUTS}
    graph = SummedGraph(1, (FlowNode(label="a", count=1, calls=1),), ())
    whole = Outcome(events, {"calls": {"p": {"text": "x"}}}, {"t:s": graph}, ())
    return replace(whole, **changes)


CALM = (record("a", 0), record("b", 1), record("c", 2, key=b"t:c2"))


def test_what_comes_again_is_no_difference() -> None:
    assert differences(outcome_of(*CALM), outcome_of(*CALM, record("a", 3))) == []


def test_calls_may_overtake_each_other() -> None:
    assert differences(outcome_of(*CALM), outcome_of(CALM[2], CALM[0], CALM[1])) == []


def test_what_two_stages_write_of_one_call_comes_in_any_order() -> None:
    other = record("o", 9, source=b"/convmine/compliance")
    assert differences(outcome_of(*CALM, other), outcome_of(other, *CALM)) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (lambda: outcome_of(*CALM[1:]), "lost"),
        (lambda: outcome_of(*CALM, record("d", 3)), "too much"),
        (lambda: outcome_of(record("a", 0, b"[]"), *CALM[1:]), "differs"),
        (lambda: outcome_of(*CALM, record("a", 3, b"[]")), "came again with other bytes"),
        (lambda: outcome_of(CALM[1], CALM[0], CALM[2]), "order"),
        (lambda: outcome_of(*CALM, points={"calls": {}}), "point of calls lost"),
        (lambda: outcome_of(*CALM, points={"calls": {"p": {"text": "y"}}}), "point of calls differs"),
        (lambda: outcome_of(*CALM, points={"calls": {"p": {"text": "x"}, "q": {}}}), "point of calls too much"),
        (lambda: outcome_of(*CALM, graphs={"t:s": SummedGraph(2, (), ())}), "graph differs"),
        (lambda: outcome_of(*CALM, dead_letters=(record("a", 0),)), "dead letter"),
    ],
)
def test_each_kind_of_difference_is_seen(found: Callable[[], Outcome], said: str) -> None:
    (only,) = differences(outcome_of(*CALM), found())
    assert said in only


def test_a_record_without_an_id_is_an_error_and_not_passed_over() -> None:
    with pytest.raises(KeyError):
        deduped([Record(SUGGESTIONS, 0, 0, b"t:c1", b"{}", ())])


def test_the_stand_in_says_the_same_of_the_same_and_not_the_same_of_all() -> None:
    answers = [heard(bytes([number])) for number in range(200)]
    assert answers == [heard(bytes([number])) for number in range(200)]
    assert {answer.body["text"] for answer in answers} == set(PHRASES)
    assert 0 < sum(answer.after_s > 0 for answer in answers) < 20


def test_the_stand_in_quotes_what_stands_in_the_prompt() -> None:
    system = (
        "Intents:\n- leave (customer): Leaves. Says so.\n- offer (agent): Offers.\nOutcomes: won (Won), lost (Lost)\n"
    )
    user = "".join(f"[s{n}] customer {n}.0s: words number {n} of it\n" for n in range(20))
    request = {"model": "m", "messages": [{"content": system}, {"content": user}]}
    text = mined(request).body["choices"][0]["message"]["content"]
    assert '"leave"' in text
    assert '"offer"' not in text
    assert "words number 7 of it" in text or "words number 8 of it" in text
