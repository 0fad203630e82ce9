from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Config
from pipeline.sizing.costs import Costs, name_of, read_costs, shipped
from pipeline.sizing.demand import CALL_CENTRE, DAY_S, Demand, read_curve, with_peak
from pipeline.sizing.fleet import FEEDS, REQUESTS, TOKENS, Choice, fleet_of
from pipeline.sizing.plan import Plan, outages_of, plan_of
from pipeline.sizing.storing import storage_of
from pipeline.stages import DAY, STAGES, TOPICS

GOALS = {"live": 2.0, "batch": 900.0}


@pytest.fixture(scope="module")
def costs() -> Costs:
    return read_costs()


def choice(costs: Costs, calls: float, model: str = "gpt-4-1-mini", **rest: object) -> Choice:
    demand = Demand(calls, 6.0, 0.3, with_peak(CALL_CENTRE, 2.5))
    made = Choice(demand, costs, costs.engines["faster-whisper-gpu"], costs.models.get(model))
    return replace(made, **rest)  # type: ignore[arg-type]


def plan(costs: Costs, calls: float, model: str = "gpt-4-1-mini", **rest: object) -> Plan:
    return plan_of(choice(costs, calls, model, **rest), goals_s=GOALS)


@pytest.fixture(scope="module")
def usual(costs: Costs) -> Plan:
    return plan(costs, 1e5)


def test_every_stage_is_planned_for(usual: Plan) -> None:
    names = {name_of(stage) for stage in STAGES}
    assert set(FEEDS) == names
    assert {one.name for one in usual.day} == names


def test_every_part_of_the_shipped_costs_says_where_it_comes_from() -> None:
    data = shipped()
    parts = [*data["stages"].values(), *data["talk"].values(), *data["engines"].values(), *data["models"].values()]
    for part in [*parts, data["prices"], data["bounds"]]:
        assert part["source"].startswith(("measured", "assumed", "hop"))
    assert set(data["topics"]) <= {topic.name for topic in TOPICS}


def test_the_plan_carries_what_it_was_made_for(usual: Plan) -> None:
    found = usual
    assert found.fits
    assert found.broken is not None
    assert found.broken.times > 1.2
    assert all(one.left < 0.001 * one.events + 1 for one in found.day)
    live = [one for one in found.day if one.name.endswith(".live")]
    assert max(one.p95_s for one in live) < 3


def test_workers_grow_with_the_calls_and_bounds_stay(costs: Costs) -> None:
    small, large = (sum(one.line.most for one in fleet_of(choice(costs, calls)).stations) for calls in (1e5, 1e6))
    assert 5 < large / small < 11


def test_no_calls_need_nothing(costs: Costs) -> None:
    found = plan(costs, 0.0)
    assert found.day == ()
    assert found.asr_gpus == 0
    assert found.broken is None
    assert found.storage.kafka_bytes == 0


def test_a_limit_of_the_model_that_is_too_low_is_what_breaks(costs: Costs) -> None:
    model = costs.models["gpt-4-1-mini"].model_copy(update={"requests_per_minute": 60.0})
    found = plan_of(replace(choice(costs, 1e5), model=model), goals_s=GOALS)
    assert not found.fits
    assert found.bounds[0].what == REQUESTS
    assert found.broken is not None
    assert found.broken.times < 0.5
    assert found.broken.why == REQUESTS
    assert max(one.left for one in found.day if one.name.startswith("extract")) > 100_000


@pytest.mark.parametrize("too_small", [partial(plan, partitions=4), partial(plan, gpus=4)])
def test_what_is_given_too_small_breaks_now(costs: Costs, too_small: Callable[..., Plan]) -> None:
    found = too_small(costs, 1e6)
    assert not found.fits
    assert found.bounds[0].times < 0.2
    assert found.broken is not None
    assert found.broken.times < 0.2


def test_gpus_of_a_model_of_ones_own_follow_its_tokens(costs: Costs) -> None:
    found = plan(costs, 1e6, "own-8b")
    per_s = (found.tokens.input + found.tokens.output) / DAY_S * 2.5
    assert found.fleet.model_gpus == pytest.approx(per_s / 8_000 / 0.7, rel=0.02)
    assert "LLM tokens" not in found.money
    assert TOKENS in found.fleet.limits


def test_kafka_holds_what_its_retention_says(costs: Costs) -> None:
    demand = Demand(1_000.0, 5.0, 1.0)
    found = {one.name: one for one in storage_of(demand, costs).topics}
    audio = found["calls.audio"]
    assert audio.kept_bytes == pytest.approx(costs.topics["calls.audio"].live * 5_000 * audio.days)
    days = {topic.name: topic.retention_ms / DAY for topic in TOPICS if topic.retention_ms}
    assert {name: one.days for name, one in found.items()} == {name: days[name] for name in found}
    assert "flow.graph" not in found  # compacted for good: it does not grow with the calls


def test_workers_fail_by_the_seed(costs: Costs) -> None:
    fleet = fleet_of(choice(costs, 1e6))
    one, again, other = (outages_of(fleet, costs, seed) for seed in (1, 1, 2))
    assert one == again
    assert one != other
    workers = sum(line.most for line in fleet.lines)
    assert len(one) == pytest.approx(workers * costs.bounds.failures_per_worker_day, abs=15)


def test_a_hundred_million_calls_are_planned_in_seconds(costs: Costs) -> None:
    began = time.process_time()
    found = plan(costs, 1e8, "own-8b")
    assert time.process_time() - began < 10
    assert found.bounds[0].what == "partitions of one Kafka cluster"


@settings(max_examples=25, deadline=None)
@given(st.floats(1.05, 12.0))
def test_a_curve_gets_the_peak_that_is_asked_for(peak: float) -> None:
    demand = Demand(1e5, 6.0, 0.3, with_peak(CALL_CENTRE, peak))
    assert demand.peak == pytest.approx(peak, rel=0.01)
    slots = demand.slots("batch", 30.0)
    assert slots.sum() == pytest.approx(70_000)
    assert slots.max() / slots.mean() == pytest.approx(peak, rel=0.02)


def test_live_calls_at_once_are_those_of_littles_law() -> None:
    assert Demand(86_400.0, 5.0, 0.5, (1.0,) * 24).live_at_once == pytest.approx(0.5 * 300)


def test_a_flat_day_has_no_peak_to_be_made() -> None:
    with pytest.raises(Config, match="too alike"):
        with_peak((1.0,) * 24, 2.0)


def test_a_curve_is_read_from_a_csv(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("hour,calls\n" + "".join(f"{hour},{hour * 10}\n" for hour in range(24)))
    assert read_curve(path)[3] == 30
    path.write_text("0,1\n0,2\n")
    with pytest.raises(Config, match="hour 0 is twice"):
        read_curve(path)
    path.write_text("0,1\n1,2\n")
    with pytest.raises(Config, match="a row for each hour"):
        read_curve(path)


def test_given_costs_replace_the_shipped_ones_figure_by_figure(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"stages": {"flow.batch": {"cpu_s_per_minute": 5.0}}}))
    found, before = read_costs(path), read_costs()
    assert found.stages["flow.batch"].cpu_s_per_minute == 5.0
    assert found.stages["flow.batch"].events_per_call == before.stages["flow.batch"].events_per_call
    assert found.stages["asr.live"] == before.stages["asr.live"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('stages."flow.batch".cpu_s = -1', "greater than or equal to 0"),
        ('stages."flaw.batch".cpu_s = 1', "no such stage: flaw.batch"),
        ("engines.mine.cpu_s_per_minute = 1", "Field required"),
        ("= 3", "Invalid"),
        ("bounds.use = 1.5", "less than 1"),
    ],
)
def test_wrong_costs_are_refused(tmp_path: Path, said: str, why: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(said)
    with pytest.raises(Config, match=why):
        read_costs(path)


def test_the_shipped_costs_are_toml_that_is_whole() -> None:
    path = Path(__file__).parents[3] / "pipeline" / "sizing" / "shipped.toml"
    assert read_costs(path) == read_costs()
    assert tomllib.loads(path.read_text())["prices"]["cpu_hour"] > 0
