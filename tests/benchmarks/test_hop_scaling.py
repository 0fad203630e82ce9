"""What several workers do of what so many times one would, and when a count is no measurement."""

from __future__ import annotations

import pytest

from benchmarks.hop_scaling import idle_members, rate_between, shares_of_linear


def test_twice_as_much_with_two_workers_is_all_of_linear() -> None:
    assert shares_of_linear({1: 80.0, 2: 160.0, 4: 288.0}) == pytest.approx({2: 1.0, 4: 0.9})


def test_the_smallest_number_of_workers_is_what_others_are_compared_with() -> None:
    assert shares_of_linear({4: 300.0, 2: 160.0}) == pytest.approx({4: 300 / 320})


def test_outputs_are_counted_from_the_settling_to_the_end_of_the_stretch() -> None:
    slow = range(0, 3_000, 100)
    steady = range(3_000, 20_000, 10)
    assert rate_between([*slow, *steady], settle_s=3, seconds=10) == pytest.approx(100)


def test_the_clock_begins_with_the_first_output() -> None:
    assert rate_between(range(1_700_000_000_000, 1_700_000_005_000, 10), settle_s=1, seconds=2) == pytest.approx(100)


def test_outputs_that_end_within_the_stretch_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"1\.0 s before the end"):
        rate_between(range(0, 12_001, 10), settle_s=3, seconds=10)


def test_a_member_with_too_little_left_was_not_busy_to_the_end() -> None:
    waiting = {0: 500, 1: 0, 2: 30, 3: 40}
    assert idle_members([[0, 1], [2, 3]], waiting, least=80) == [[2, 3]]
    assert idle_members([[0, 1], [2, 3]], waiting, least=69) == []
