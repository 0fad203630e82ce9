"""The day by time slots, the events one by one, and the formulas: each says the same where each may be asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waiting_lines import average_wait_s

from pipeline.sizing.exact import Exact, Simulation
from pipeline.sizing.line import Line, Outage, Scaling, ordered
from pipeline.sizing.queueing import Array
from pipeline.sizing.slots import gamma_tenths, simulate

LINE = Line("a", {"batch": 1.0}, 0.1, partitions=12)
QUIET = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def coming(rate: float, seconds: float, seed: int = 1) -> Array:
    chance = np.random.default_rng(seed)
    return np.sort(chance.uniform(0, seconds, chance.poisson(rate * seconds)))


def exact(line: Line, rate: float, seconds: float, seed: int = 1) -> Exact:
    return Simulation([line], seed=seed).run({"batch": [float(at) for at in coming(rate, seconds, seed)]})


@pytest.mark.parametrize(
    ("servers", "use", "cv"), [(1, 0.7, 1.0), (1, 0.7, 0.0), (4, 0.8, 1.0), (4, 0.8, 0.0), (16, 0.85, 1.0)]
)
def test_events_wait_as_long_as_the_formulas_say(servers: int, use: float, cv: float) -> None:
    line = replace(LINE, at_once=servers, partitions=1, cv=cv)
    rate = use * servers / line.service_s
    found = exact(line, rate, 12_000 / rate).stages[0]
    expected = average_wait_s(servers, use, line.service_s, cv) + line.service_s
    assert found.mean_s == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("use", [0.3, 0.8])
def test_littles_law_holds(use: float) -> None:
    line = replace(LINE, workers=3, at_once=2, cv=1.0)
    found = exact(line, use * 60, 100)
    rate = found.stages[0].events / found.end
    assert found.mean_in_line["a"] == pytest.approx(rate * found.stages[0].mean_s, rel=1e-6)


@pytest.mark.parametrize(("workers", "use", "cv"), [(1, 0.5, 0.0), (2, 0.7, 1.0), (4, 0.8, 1.0), (6, 0.6, 0.8)])
def test_slots_are_as_quick_as_events_one_by_one(workers: int, use: float, cv: float) -> None:
    line = replace(LINE, workers=workers, at_once=4, partitions=workers, cv=cv)
    rate = use * workers * 4 / line.service_s
    events = exact(line, rate, 10_000 / rate).stages[0]
    (slots,) = simulate([line], {"batch": np.full(60, rate * 30)}, slot_s=30)
    assert slots.mean_s == pytest.approx(events.mean_s, rel=0.1)
    assert slots.p95_s == pytest.approx(events.p95_s, rel=0.15)


def test_slots_follow_an_hour_of_overload_as_events_do() -> None:
    line = replace(LINE, service_s=1.0, workers=4, partitions=4)
    rates = [2.0] * 30 + [6.0] * 30 + [1.0] * 120  # minutes; four a second is what the workers do
    times = np.concatenate([60 * minute + coming(rate, 60, seed=minute) for minute, rate in enumerate(rates)])
    events = Simulation([line]).run({"batch": list(times)}).stages[0]
    (slots,) = simulate([line], {"batch": np.repeat(rates, 2) * 30.0}, slot_s=30)
    assert slots.p95_s == pytest.approx(events.p95_s, rel=0.15)
    assert slots.most_lag == pytest.approx(events.most_lag, rel=0.15)


def test_a_shared_limit_holds_both_back_alike() -> None:
    lines = [replace(LINE, at_once=16, workers=2, uses={"LLM": 1.0}, partitions=2)]
    times = coming(20.0, 300)
    events = Simulation(lines, {"LLM": 10.0}).run({"batch": list(times)})
    counts, _ = np.histogram(times, bins=np.arange(0, 901, 5))
    (slots,) = simulate(lines, {"batch": counts.astype(float)}, slot_s=5, limits={"LLM": 10.0})
    assert events.end == pytest.approx(600, rel=0.05)
    assert slots.p95_s == pytest.approx(events.stages[0].p95_s, rel=0.1)


def test_workers_that_are_added_on_lag_clear_it_in_both() -> None:
    line = replace(LINE, service_s=2.0, workers=1, most_workers=8, partitions=8, start_s=20.0)
    scaling = Scaling(poll_s=10.0, target_s=20.0, cool_s=120.0)
    times = coming(2.0, 1_200)
    events = Simulation([line], scaling=scaling).run({"batch": list(times)}).stages[0]
    alone = Simulation([line]).run({"batch": list(times)}).stages[0]
    counts, _ = np.histogram(times, bins=np.arange(0, 1_501, 10))
    (slots,) = simulate([line], {"batch": counts.astype(float)}, slot_s=10, scaling=scaling)
    assert events.p95_s < alone.p95_s / 10
    assert 0.8 * events.p95_s < slots.p95_s < 2.5 * events.p95_s  # on the slow side, and docs/sizing.md says so
    assert slots.left == 0


def test_each_event_is_done_once_where_a_worker_dies_while_others_are_added() -> None:
    line = replace(LINE, service_s=1.0, workers=1, most_workers=6, partitions=6, start_s=5.0)
    scaling = Scaling(poll_s=5.0, target_s=5.0, cool_s=20.0)
    times = coming(2.5, 100)
    found = Simulation([line], scaling=scaling).run({"batch": list(times)}, [Outage("a", 20.0, 8.0)])
    assert found.stages[0].events == len(found.whole_s) == len(times)


def test_a_worker_that_dies_costs_its_partitions_the_time_out_in_both() -> None:
    line = replace(LINE, workers=2, partitions=2, at_once=1)
    outage = Outage("a", 100.0, 60.0)
    times = coming(6.0, 400)
    with_it = Simulation([line]).run({"batch": list(times)}, [outage]).stages[0]
    counts, _ = np.histogram(times, bins=np.arange(0, 601, 10))
    (slots,) = simulate([line], {"batch": counts.astype(float)}, slot_s=10, outages=[outage])
    (without,) = simulate([line], {"batch": counts.astype(float)}, slot_s=10)
    assert with_it.events == len(times)
    assert with_it.most_lag > 60
    assert slots.left == 0
    assert slots.mean_s > without.mean_s


@QUIET
@given(st.integers(1, 6), st.floats(0.2, 1.5), st.integers(0, 5))
def test_more_workers_are_never_slower(workers: int, use: float, seed: int) -> None:
    line = replace(LINE, workers=workers, partitions=12)
    rate = use * line.even(workers) / line.service_s
    fewer = exact(line, rate, 600 / rate, seed).stages[0].p95_s
    more = exact(replace(line, workers=12), rate, 600 / rate, seed).stages[0].p95_s
    assert more <= fewer * 1.01 + 1e-9
    flat = {"batch": np.full(40, rate * 30)}
    (few,), (many,) = (simulate([replace(line, workers=n)], flat, slot_s=30) for n in (workers, 12))
    assert many.p95_s <= few.p95_s * 1.01 + 1e-9


@QUIET
@given(st.integers(0, 100))
def test_one_seed_gives_one_day(seed: int) -> None:
    line = replace(LINE, cv=1.0, workers=2)
    assert exact(line, 10.0, 20, seed) == exact(line, 10.0, 20, seed)


def test_nothing_comes_and_nothing_waits() -> None:
    (slots,) = simulate([LINE], {"batch": np.zeros(100)}, slot_s=30)
    assert (slots.events, slots.p95_s, slots.most_lag, slots.left) == (0, 0, 0, 0)
    assert Simulation([LINE]).run({"batch": []}).stages[0].events == 0


def test_far_too_much_is_left_at_the_end() -> None:
    (slots,) = simulate([LINE], {"batch": np.full(100, 1e12)}, slot_s=30)
    assert slots.left > 9e13
    assert slots.busiest > 1e9
    assert slots.p95_s > 1_000


def test_events_of_one_call_are_handled_one_after_the_other() -> None:
    line = replace(LINE, sources={"batch": 3.0}, at_once=16, partitions=1)
    found = Simulation([line]).run({"batch": [0.0]})
    assert found.done_at == pytest.approx((0.1, 0.2, 0.3))


def test_a_stage_waits_for_the_one_that_feeds_it() -> None:
    second = Line("b", {"a": 1.0}, 0.2)
    found = Simulation([second, LINE]).run({"batch": [0.0]})
    assert found.whole_s == pytest.approx((0.3,))
    with pytest.raises(ValueError, match="no order: b"):
        ordered([second])


def test_workers_beyond_the_partitions_and_uneven_shares_do_not_count() -> None:
    line = replace(LINE, partitions=12)
    assert [line.even(workers) for workers in (1, 4, 6, 8, 12, 40)] == [1, 4, 6, 6, 12, 12]


@given(st.floats(0.1, 1.5))
def test_ten_service_times_have_about_the_mean(cv: float) -> None:
    assert sum(gamma_tenths(2.0, cv)) / 10 == pytest.approx(2.0, rel=0.12)
