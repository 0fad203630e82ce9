from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from mined_calls import CANCEL, FACTS, TENANT, WORRIED, flow_state, inbound, insight, outcome

from pipeline.ports import Point
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.condition import parse_condition
from pipeline.questions.flows import ScenarioFlow
from pipeline.questions.question import Flow
from pipeline.store.collections import CALLS
from pipeline.store.known import Unknown
from pipeline.store.points import call_point_id
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore


def stored(*calls: dict[str, Any]) -> InMemoryStore:
    store = InMemoryStore()
    for number, fields in enumerate(calls):
        known = {"tenant_id": TENANT, "call_id": f"c-{number}", "scenario": "telecom", **fields}
        point = Point(call_point_id(known["tenant_id"], known["call_id"]), "", known)
        store.points.setdefault(CALLS, {})[point.id] = point
    return store


async def asked(store: InMemoryStore, *where: str, scenario: str = "telecom", **more: Any) -> ScenarioFlow:
    question = Flow(scenario=scenario, where=tuple(map(parse_condition, where)), **more)
    answer = await StoredAnswers(store, Asker(TENANT, more.pop("agent", None))).answer(question)
    assert isinstance(answer, ScenarioFlow)
    return answer


def labels(found: ScenarioFlow) -> Sequence[str]:
    return sorted(step.label for step in found.steps)


async def test_the_path_of_a_mined_call_is_in_it_with_the_times_of_its_steps() -> None:
    store = InMemoryStore()
    handler = build(store=store)
    for call_id in ("call-one", "call-two"):
        mined = insight(call_id, (WORRIED, CANCEL))
        for event in (mined, flow_state(mined)):
            await handler(inbound(event))
    found = await asked(store)
    assert (found.calls, found.read, found.scenario) == (2, 2, "telecom")
    times = {(one.source, one.target): one.median_ms for one in found.edges}
    assert times[WORRIED.name, CANCEL.name] == 10_000
    assert times[CANCEL.name, "(end)"] == 5_000
    assert found.notes == ("how calls ended is inferred",)


async def test_inferred_and_observed_outcomes_are_never_mixed() -> None:
    store = InMemoryStore()
    handler = build(store=store)
    for call_id in ("call-one", "call-two"):
        mined = insight(call_id, facts=FACTS)  # lost, as it seems
        for event in (mined, flow_state(mined)):
            await handler(inbound(event))
    await handler(inbound(outcome("call-two")))
    inferred = {step.label: step.ended for step in (await asked(store)).steps}
    observed = {step.label: step.ended for step in (await asked(store, outcomes="observed")).steps}
    assert (inferred[CANCEL.name].won, inferred[CANCEL.name].lost) == (0, 2)
    assert (observed[CANCEL.name].won, observed[CANCEL.name].lost, observed[CANCEL.name].rate) == (1, 0, 1.0)


async def test_calls_that_go_on_or_have_no_path_or_no_times_are_told() -> None:
    found = await asked(
        stored(
            {"path": ["a", "b"], "path_ms": [0, 2_000], "duration_ms": 3_000},
            {"path": ["a", "b"]},
            {"path": ["a"], "live": True},
            {},
        )
    )
    assert (found.calls, found.read) == (4, 2)
    assert found.notes == (
        "2 calls have no path: they go on, or were not mined",
        "times are of 1 calls; the others were stored before steps had one",
    )
    assert labels(found) == ["(end)", "(start)", "a", "b"]


async def test_conditions_narrow_and_other_tenants_and_scenarios_are_left_out() -> None:
    store = stored(
        {"path": ["a"], "agent": "ann"},
        {"path": ["b"], "agent": "bob"},
        {"path": ["c"], "scenario": "banking"},
        {"path": ["d"], "tenant_id": "umbrella"},
    )
    assert labels(await asked(store)) == ["(end)", "(start)", "a", "b"]
    assert labels(await asked(store, "agent=bob")) == ["(end)", "(start)", "b"]
    emptied = await asked(store, "agent=ann", "lane=live")
    assert (emptied.calls, emptied.emptied_by) == (0, "lane=live")
    agent = await StoredAnswers(store, Asker(TENANT, "ann")).answer(Flow(scenario="telecom"))
    assert labels(agent) == ["(end)", "(start)", "a"]


async def test_a_scenario_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(Unknown, match="no scenario named 'telecon'") as unknown:
        await asked(stored({"path": ["a"]}), scenario="telecon")
    assert "telecom" in unknown.value.in_one_line


async def test_of_very_many_calls_a_sample_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.questions.flows._MOST_READ", 3)
    monkeypatch.setattr("pipeline.questions.flows._PAGE", 2)
    found = await asked(stored(*({"path": ["a", "b"]} for _ in range(5))))
    assert (found.calls, found.read) == (5, 3)
    assert found.notes[0] == "the paths of 3 of 5 calls were read, a sample"
