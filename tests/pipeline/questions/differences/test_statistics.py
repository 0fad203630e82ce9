from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.questions.differences.statistics import (
    SURE,
    benjamini_hochberg,
    difference,
    mean_difference,
    p_of_no_difference,
    slope,
    two_sided,
    wilson,
)

Table = tuple[int, int, int, int]


@st.composite
def tables(draw: st.DrawFn, most: int = 300) -> Table:
    n_a, n_b = draw(st.integers(1, most)), draw(st.integers(1, most))
    return draw(st.integers(0, n_a)), n_a, draw(st.integers(0, n_b)), n_b


@given(tables())
def test_the_interval_of_a_share_is_wilsons(table: Table) -> None:
    successes, n, *_ = table
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_of_no_calls_a_share_may_be_anything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@given(tables())
def test_p_is_that_of_scipys_tests(table: Table) -> None:
    a, n_a, b, n_b = table
    cells = [[a, n_a - a], [b, n_b - b]]
    if 0 in np.sum(cells, axis=0):
        assert p_of_no_difference(*table) == 1.0
        return
    exact = stats.contingency.expected_freq(cells).min() < 5
    expected = stats.fisher_exact(cells) if exact else stats.chi2_contingency(cells, correction=False)
    assert p_of_no_difference(*table) == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-14)


@given(tables())
def test_a_difference_lies_in_its_interval_and_turns_with_its_sides(table: Table) -> None:
    a, n_a, b, n_b = table
    one, other = difference(a, n_a, b, n_b), difference(b, n_b, a, n_a)
    assert -1 <= one.low <= one.points <= one.high <= 1
    assert (one.points, one.low, one.high) == pytest.approx((-other.points, -other.high, -other.low))
    assert one.odds_low < one.odds_ratio < one.odds_high
    assert one.odds_ratio * other.odds_ratio == pytest.approx(1)
    assert one.strength == pytest.approx(other.strength)


def test_the_interval_of_a_difference_is_newcombes_own_example() -> None:
    found = difference(56, 70, 48, 80)  # of his paper, table II (a), method 10
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_the_odds_ratio_is_scipys_and_finite_where_a_cell_is_empty() -> None:
    found = difference(30, 50, 10, 40)
    expected = stats.contingency.odds_ratio([[30, 20], [10, 30]], kind="sample")
    low, high = expected.confidence_interval()
    assert (found.odds_ratio, found.odds_low, found.odds_high) == pytest.approx((expected.statistic, low, high))
    assert difference(5, 5, 0, 5).odds_ratio == pytest.approx(5.5 * 5.5 / (0.5 * 0.5))


@given(st.lists(st.floats(0, 1), max_size=40))
def test_adjusted_p_are_scipys(p: list[float]) -> None:
    expected = list(stats.false_discovery_control(p)) if p else []
    assert benjamini_hochberg(p) == pytest.approx(expected)


@given(st.floats(-40, 40), st.integers(1, 400))
def test_students_t_is_scipys(score: float, freedom: int) -> None:
    # Near 0, scipy's own is off by some 1e-11.
    assert two_sided(score, freedom) == pytest.approx(2 * stats.t.sf(abs(score), freedom), abs=1e-9)
    assert two_sided(score) == pytest.approx(2 * stats.norm.sf(abs(score)))


def test_a_share_that_lies_on_a_line_has_the_slope_of_the_line() -> None:
    found = slope([10, 12, 14, 16, 18], [100] * 5, range(5))
    assert found is not None
    assert found.points == pytest.approx(0.02)
    assert found.low < found.points < found.high
    ps = np.repeat(np.arange(5), 100)
    has = np.concatenate([np.arange(100) < x for x in (10, 12, 14, 16, 18)])
    r = np.corrcoef(ps, has)[0, 1]  # Cochran and Armitage's statistic is N times the squared correlation
    assert found.p == pytest.approx(stats.chi2.sf(500 * r**2, 1))


def test_gaps_between_periods_count_and_empty_periods_do_not() -> None:
    near = slope([10, 20, 30], [100] * 3, [0, 1, 2])
    far = slope([10, 20, 0, 30], [100, 100, 0, 100], [0, 2, 3, 4])
    assert near is not None
    assert far is not None
    assert far.points == pytest.approx(near.points / 2)
    assert far.p == pytest.approx(near.p)


@pytest.mark.parametrize(("x", "n"), [([1, 2], [9, 9]), ([0, 0, 0], [9, 9, 9]), ([9, 9, 9], [9, 9, 9]), ([], [])])
def test_too_little_has_no_slope(x: list[int], n: list[int]) -> None:
    assert slope(x, n, range(len(x))) is None


@pytest.mark.parametrize("scatter", [0.0, 0.06])
def test_chance_is_seldom_taken_for_a_trend_however_calls_hang_together(scatter: float) -> None:
    drawn = np.random.default_rng(8)
    taken = 0
    for _ in range(400):
        shares = np.clip(0.3 + scatter * drawn.standard_normal(10), 0, 1)
        found = slope(drawn.binomial(200, shares).tolist(), [200] * 10, range(10))
        taken += found is not None and found.p < SURE
    assert taken <= 400 * 0.08


def test_differences_of_chance_are_seldom_taken_for_real_and_real_ones_are_found() -> None:
    drawn = random.Random(8)
    same = [[sum(drawn.random() < 0.2 for _ in range(100)) for _ in range(2)] for _ in range(200)]
    ps = [p_of_no_difference(a, 100, b, 100) for a, b in same]
    assert sum(p < SURE for p in benjamini_hochberg([*ps, p_of_no_difference(50, 100, 15, 100)])) == 1


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=20), st.lists(st.floats(-50, 50), min_size=2, max_size=20))
def test_the_difference_of_means_lies_in_welchs_interval(a: list[float], b: list[float]) -> None:
    found = mean_difference(a, b)
    assert found is not None
    assert found[1] <= found[0] <= found[2]
    if np.var(a) > 1e-6 and np.var(b) > 1e-6:
        expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
        assert found[2] - found[1] >= (expected.high - expected.low) * (1 - 1e-6)  # degrees of freedom are rounded down


def test_a_single_value_has_no_difference_of_means() -> None:
    assert mean_difference([1.0], [1.0, 2.0]) is None
    assert mean_difference([1.0, 1.0], [2.0, 2.0]) == (-1.0, -1.0, -1.0)
