from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting_lines import average_wait_s

from pipeline.sizing.queueing import erlang_c, percentile


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
    constant, random = average_wait_s(1, 0.7, 0.1, cv=0.0), average_wait_s(1, 0.7, 0.1, cv=1.0)
    assert random == pytest.approx(0.7 * 0.1 / 0.3)  # M/M/1
    assert constant == pytest.approx(0.7 * 0.1 / (2 * 0.3))  # Pollaczek and Khinchin, M/D/1


def test_nothing_that_comes_does_not_wait() -> None:
    assert average_wait_s(3, 0.0) == 0.0


def test_who_comes_to_more_than_can_be_served_must_wait() -> None:
    assert erlang_c(2, 2.0) == erlang_c(2, 3.0) == 1.0


@given(st.integers(1, 20), st.floats(0.05, 0.95), st.integers(1, 10))
def test_one_server_more_never_waits_longer(servers: int, use: float, more: int) -> None:
    of_more = use * servers / (servers + more)
    assert average_wait_s(servers + more, of_more) <= average_wait_s(servers, use) + 1e-12


def test_a_percentile_over_parts_is_that_of_the_mixture() -> None:
    weights, offsets = np.array([1.0, 1.0]), np.array([0.0, 10.0])
    chances, means = np.array([1.0, 0.0]), np.array([2.0, 0.0])
    found = percentile(0.25, weights, offsets, chances, means)
    assert found == pytest.approx(2.0 * math.log(2), rel=0.01)  # half of the first part
    assert percentile(0.95, weights, offsets, chances, means) == pytest.approx(10.0, rel=0.01)
    assert percentile(0.95, np.zeros(2), offsets, chances, means) == 0.0
