import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluate.bootstrap import Sums, interval, interval_of

RECORDINGS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=2, max_size=20)


@given(RECORDINGS)
def test_the_interval_lies_between_the_best_and_the_worst_recording(recordings: list[tuple[int, int]]) -> None:
    found = interval([wrong for wrong, _ in recordings], [words for _, words in recordings], rounds=50, seed=1)
    assert found is not None
    rates = [wrong / words for wrong, words in recordings]
    assert min(rates) - 1e-9 <= found[0] <= found[1] <= max(rates) + 1e-9


def test_the_same_seed_gives_the_same_interval_and_more_recordings_a_narrower_one() -> None:
    few = interval([1, 9] * 4, [20] * 8, rounds=500, seed=3)
    many = interval([1, 9] * 100, [20] * 200, rounds=500, seed=3)
    assert few == interval([1, 9] * 4, [20] * 8, rounds=500, seed=3)
    assert many != interval([1, 9] * 100, [20] * 200, rounds=500, seed=4)
    assert few is not None
    assert many is not None
    assert few[0] < many[0] < 0.25 < many[1] < few[1]


def test_the_interval_is_that_of_the_normal_approximation_where_that_holds() -> None:
    # 1,000 recordings of 10 words, half of them with 4 errors: the rate 0.2 has a standard error of 0.2 / sqrt(1000).
    found = interval([0, 4] * 500, [10] * 1_000, rounds=4_000, seed=0)
    assert found == pytest.approx((0.2 - 1.96 * 0.2 / 1_000**0.5, 0.2 + 1.96 * 0.2 / 1_000**0.5), abs=0.001)


@pytest.mark.parametrize(("edits", "rounds"), [([], 100), ([3], 100), ([3, 4], 0)])
def test_one_recording_says_nothing_about_others(edits: list[int], rounds: int) -> None:
    assert interval(edits, [10] * len(edits), rounds=rounds, seed=0) is None


def test_draws_without_a_figure_are_left_out() -> None:
    def where_there_is_any(sums: Sums) -> Sums:
        return np.where(sums[:, 1] > 0, sums[:, 0] / np.maximum(sums[:, 1], 1), np.nan)

    one_has_any, none_has = [[0, 0], [0, 0], [1, 2]], [[0, 0], [0, 0]]
    assert interval_of(one_has_any, where_there_is_any, rounds=200, seed=0) == (0.5, 0.5)
    assert interval_of(none_has, where_there_is_any, rounds=200, seed=0) is None
