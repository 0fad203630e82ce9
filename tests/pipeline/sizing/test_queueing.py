from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sizing.queueing import erlang_c, percentile, waiting


@pytest.mark.parametrize(
    ("servers", "offered", "chance"),
    [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9), (10, 8.0, 0.409180), (100, 90.0, 0.216979)],
)
def test_erlang_c_is_that_of_the_tables(servers: int, offered: float, chance: float) -> None:
    assert erlang_c(servers, offered) == pytest.approx(chance, rel=2e-3)


@given(st.integers(1, 12), st.floats(0.01, 0.99))
def test_erlang_c_is_the_sum_that_defines_it(servers: int, use: float) -> None:
    offered = servers * use
    terms = [offered**number / math.factorial(number) for number in range(servers)]
    last = offered**servers / math.factorial(servers) / (1 - use)
    assert erlang_c(servers, offered) == pytest.approx(last / (sum(terms) + last), rel=1e-9)


def test_one_server_with_constant_service_waits_half_as_long_as_with_random_service() -> None:
    constant, random = waiting(1, 7.0, 0.1, cv=0.0), waiting(1, 7.0, 0.1, cv=1.0)
    assert random.average_s == pytest.approx(0.7 * 0.1 / 0.3)  # M/M/1
    assert constant.average_s == pytest.approx(0.7 * 0.1 / (2 * 0.3))  # Pollaczek and Khinchin, M/D/1


def test_nothing_that_comes_does_not_wait() -> None:
    assert waiting(3, 0.0, 1.0).average_s == 0.0
    assert waiting(3, 0.0, 1.0).percentile_s(0.95) == 0.0


def test_more_than_can_be_served_is_refused() -> None:
    with pytest.raises(ValueError, match="without end"):
        waiting(2, 2.0, 1.0)


@given(st.integers(1, 20), st.floats(0.05, 0.95), st.integers(1, 10))
def test_one_server_more_never_waits_longer(servers: int, use: float, more: int) -> None:
    rate = servers * use
    assert waiting(servers + more, rate, 1.0).average_s <= waiting(servers, rate, 1.0).average_s + 1e-12


def test_a_percentile_over_parts_is_that_of_the_mixture() -> None:
    weights, offsets = np.array([1.0, 1.0]), np.array([0.0, 10.0])
    chances, means = np.array([1.0, 0.0]), np.array([2.0, 0.0])
    found = percentile(0.25, weights, offsets, chances, means)
    assert found == pytest.approx(2.0 * math.log(2), rel=0.01)  # half of the first part
    assert percentile(0.95, weights, offsets, chances, means) == pytest.approx(10.0, rel=0.01)
    assert percentile(0.95, np.zeros(2), offsets, chances, means) == 0.0
