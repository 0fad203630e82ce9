from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.fitting import ENOUGH
from pipeline.flow.graph import END, START, empty
from pipeline.flow.guidance import Model
from pipeline.flow.tally import Tally
from schemas.call import OutcomeResult
from schemas.flow import FlowGraph, FlowPath, NextStep, Step
from schemas.wire import Role

AT = datetime(2026, 3, 1, tzinfo=UTC)
WON, LOST = OutcomeResult.WON, OutcomeResult.LOST
Call = tuple[Sequence[str], OutcomeResult | None]


def graph(calls: Sequence[Call], partition: int = 0, at: datetime = AT) -> FlowGraph:
    tally = Tally(empty("acme", "telecom", partition), 90.0)
    for offset, (labels, result) in enumerate(calls):
        steps = tuple(Step(label=label, role=Role.CUSTOMER, at_ms=0) for label in labels)
        path = FlowPath(call_id=f"c{offset}", scenario="telecom", steps=steps, duration_ms=0, result=result)
        tally.add(path, offset, at)
    return tally.graph()


def model(calls: Sequence[Call]) -> Model:
    return Model([graph(calls)], "v")


def made_up(count: int, seed: int = 1) -> list[Call]:
    """Calls of a flow with memory: what follows ``offer`` depends on what came before it; price makes calls be lost."""
    chance = random.Random(seed)
    calls: list[Call] = []
    for _ in range(count):
        reason = chance.choice(["price", "fault"])
        after = {"price": "refuse", "fault": "accept"}[reason]
        steps = ["greet", reason, "offer", after if chance.random() < 0.9 else "ask_back"]
        won = chance.random() < {"price": 0.2, "fault": 0.8}[reason]
        calls.append((steps, WON if won else LOST))
    return calls


CALLS = st.lists(
    st.tuples(st.lists(st.sampled_from("abcde"), max_size=7), st.sampled_from([None, WON, LOST])),
    min_size=1,
    max_size=25,
)


@given(CALLS, st.lists(st.sampled_from("abcdefg"), max_size=6))
def test_probabilities_are_of_seen_steps_in_order_and_add_up_to_about_one(calls: list[Call], labels: list[str]) -> None:
    found = model(calls)
    guidance, shares = found.guidance(labels), found.shares(labels)
    told = [one.probability for one in guidance.next]
    assert told == sorted(told, reverse=True)
    assert START not in shares
    assert {one.label for one in guidance.next} <= shares.keys()
    assert set(shares) == {END, *(label for steps, _ in calls for label in steps)}
    assert 0.4 < sum(shares.values()) < 2.5
    assert guidance.seen >= sum(one.seen for one in guidance.next) - 0.1
    assert guidance.odds is None or 0 < guidance.odds.won < 1


def test_longer_contexts_decide_where_shorter_ones_cannot() -> None:
    found = model(made_up(200))
    assert found.guidance(["greet", "price", "offer"]).next[0].label == "refuse"
    assert found.guidance(["greet", "fault", "offer"]).next[0].label == "accept"


def test_the_end_of_the_call_is_foretold() -> None:
    assert model(made_up(200)).guidance(["greet", "price", "offer", "refuse"]).next[0].label == END


def test_probabilities_come_true_on_calls_that_were_not_learnt_from() -> None:
    found = model(made_up(400, seed=1))
    for steps, share in ((["greet"], 0.5), (["greet", "price", "offer"], 0.9)):
        assert found.guidance(steps).next[0].probability == pytest.approx(share, abs=0.07)


def test_what_the_counts_stand_on_is_told_with_how_often_it_was_met() -> None:
    often: Call = (["a", "b"], None)
    found = model([*[often] * 20, (["x", "b"], None)])
    known = found.guidance(["a", "b"])
    assert (known.context, known.seen, known.graph) == ((START, "a", "b"), 20.0, "v")
    assert known.next[0] == NextStep(label=END, probability=known.next[0].probability, seen=20.0)
    rare = found.guidance(["x", "b"])
    assert (rare.context, rare.seen) == (("b",), 21.0)


def test_a_step_that_was_never_seen_leaves_what_is_frequent() -> None:
    guidance = model(made_up(100)).guidance(["greet", "never heard of"])
    assert (guidance.context, guidance.seen) == ((), 0.0)
    assert guidance.next


def test_odds_are_those_of_calls_that_came_this_way_and_of_each_next_step() -> None:
    found = model(made_up(600))
    price, fault = found.guidance(["greet", "price"]), found.guidance(["greet", "fault"])
    assert price.odds is not None
    assert fault.odds is not None
    assert price.odds.won == pytest.approx(0.2, abs=0.06)
    assert fault.odds.won == pytest.approx(0.8, abs=0.06)
    by_step = {one.label: one.odds for one in found.guidance(["greet"]).next}
    assert by_step["price"] == price.odds
    assert by_step["fault"] == fault.odds


def test_odds_of_a_rare_way_stay_near_those_of_a_frequent_one() -> None:
    found = model([*made_up(300), (["greet", "price", "curse"], WON)])
    odds = found.guidance(["greet", "price", "curse"]).odds
    assert odds is not None
    assert odds.won < 0.75


def test_without_decided_calls_nothing_is_said_of_outcomes() -> None:
    guidance = model([(steps, None) for steps, _ in made_up(50)]).guidance(["greet"])
    assert guidance.odds is None
    assert {one.odds for one in guidance.next} == {None}


def test_partitions_are_added_up_as_of_one_time() -> None:
    old = graph([(["a"], None)] * 64, 0, AT)
    new = graph([(["b"], None)] * 64, 1, AT + timedelta(days=180))
    seen = {one.label: one.seen for one in Model([old, new], "v").guidance([]).next}
    assert (seen["a"], seen["b"]) == (16.0, 64.0)


def test_a_model_of_one_graph_is_that_of_its_halves() -> None:
    calls = made_up(60)
    whole = Model([graph(calls)], "v")
    halves = Model([graph(calls[:30]), graph(calls[30:], 1)], "v")
    assert halves.paths == whole.paths == 60
    one, other = (found.guidance(["greet"]) for found in (whole, halves))
    assert [(step.label, step.seen) for step in one.next] == [(step.label, step.seen) for step in other.next]


def test_a_single_short_call_is_enough_to_say_something() -> None:
    assert len(["a", END]) < ENOUGH
    assert model([(["a"], WON)]).guidance([]).next[0].label in {"a", END}


def test_guidance_for_one_event_takes_a_millisecond_at_most() -> None:
    chance = random.Random(2)
    labels = [f"label-{number}" for number in range(60)]
    weights = [1 / (number + 1) for number in range(60)]
    calls: list[Call] = [(chance.choices(labels, weights, k=15), WON) for _ in range(1_000)]
    found = model(calls)
    taken = []
    for _ in range(5):
        before = time.process_time()
        for steps, _ in calls[:40]:
            found.guidance(steps[:10])
        taken.append((time.process_time() - before) / 40)
    assert min(taken) <= 0.001
