from __future__ import annotations

from datetime import timedelta

import pytest
from ledger_places import TODAY, purpose, usage

from pipeline.llm.costs import BY, costs_by, unpriced_models
from pipeline.llm.distinct import sketch_of

ROWS = {
    purpose(): usage(2, calls=sketch_of(["acme:c1", "acme:c2"])),
    purpose(prompt_version="extract.v2"): usage(1, calls=sketch_of(["acme:c1"])),
    purpose(day=TODAY - timedelta(days=1), scenario="chat", model="m2"): usage(
        3, usd=0.0, unpriced=3, calls=sketch_of(["acme:c9"])
    ),
    purpose(stage="suggest", model="m2"): usage(4, usd=0.25, unpriced=3, calls=sketch_of(["acme:c1", "acme:c3"])),
}


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("scenario", ["telecom", "chat"]),
        ("prompt", ["extract.v1", "extract.v2"]),
        ("model", ["m1", "m2"]),
        ("day", ["2026-09-20", "2026-09-21"]),
        ("stage", ["extract", "suggest"]),
    ],
)
def test_rows_are_added_up_by_what_one_asks_for_the_dearest_first_and_days_in_order(by: str, names: list[str]) -> None:
    costs = costs_by(ROWS, by)
    assert [cost.name for cost in costs] == names
    assert sum(cost.requests for cost in costs) == 10
    assert sum(cost.input_tokens for cost in costs) == 1_000
    assert by in BY


def test_a_call_is_counted_once_however_many_prompts_it_was_asked_about_with() -> None:
    by_stage = {cost.name: cost for cost in costs_by({key: ROWS[key] for key in list(ROWS)[:2]}, "stage")}
    assert by_stage["extract"].calls == 2
    assert by_stage["extract"].usd == pytest.approx(0.75)
    assert by_stage["extract"].usd_per_call == pytest.approx(0.375)


def test_money_is_not_known_where_nothing_has_a_price_and_the_least_where_something_has() -> None:
    by_scenario = {cost.name: cost for cost in costs_by(ROWS, "scenario")}
    assert (by_scenario["chat"].usd, by_scenario["chat"].usd_per_call) == (None, None)
    assert (by_scenario["telecom"].usd, by_scenario["telecom"].usd_per_call) == (1.0, None)
    assert by_scenario["telecom"].unpriced == 3
    assert unpriced_models(ROWS) == ["m2"]


def test_of_nothing_there_are_no_costs() -> None:
    assert costs_by({}, "day") == []
    assert unpriced_models({}) == []
