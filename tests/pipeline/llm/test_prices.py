from __future__ import annotations

import pytest

from pipeline.llm.prices import Prices

TABLE = Prices(["gpt-4.1=2:8:0.5", "gpt-4.1-mini=0.4:1.6", "local/*=0:0", "llama3:8b=0.05:0.08"])


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("gpt-4.1", 10.0),
        ("gpt-4.1-2025-04-14", 10.0),
        ("gpt-4.1-mini", 2.0),
        ("gpt-4.1-mini-2025-04-14", 2.0),
        ("gpt-4.1-mini@20250414", 2.0),
        ("llama3:8b", 0.13),
        ("local/anything", 0.0),
    ],
)
def test_a_model_costs_what_its_own_entry_says(model: str, usd: float) -> None:
    assert TABLE.cost_usd(model, 1_000_000, 1_000_000) == pytest.approx(usd)


@pytest.mark.parametrize("model", ["gpt-4.1-nano", "gpt-4", "gpt-4.10", "loca", ""])
def test_a_model_without_an_entry_has_no_cost_and_not_the_one_of_a_similar_name(model: str) -> None:
    assert TABLE.cost_usd(model, 1_000, 1_000) is None


def test_input_that_the_server_had_at_hand_costs_what_the_table_says_and_else_the_same() -> None:
    assert TABLE.cost_usd("gpt-4.1", 1_000_000, 0, cached_tokens=400_000) == pytest.approx(0.6 * 2 + 0.4 * 0.5)
    assert TABLE.cost_usd("gpt-4.1-mini", 1_000_000, 0, cached_tokens=400_000) == pytest.approx(0.4)
    assert TABLE.cost_usd("gpt-4.1", 10, 0, cached_tokens=400_000) == pytest.approx(10 * 0.5 / 1e6)


def test_a_deployment_is_priced_by_the_model_that_answers_or_else_by_its_own_name() -> None:
    table = Prices(["gpt-4.1=2:8", "my-deployment=3:9"])
    assert table.cost_usd("gpt-4.1-2025-04-14", 1_000_000, 0, asked_as="my-deployment") == pytest.approx(2)
    assert table.cost_usd("gpt-x", 1_000_000, 0, asked_as="my-deployment") == pytest.approx(3)


def test_without_a_table_nothing_is_known() -> None:
    assert Prices().cost_usd("gpt-4.1", 1, 1) is None
