"""How much a process has grown: medians of the first and last tenth, and a slope."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.memory import growth

EVERY_S = 10.0


def times(count: int) -> list[float]:
    return [number * EVERY_S for number in range(count)]


def test_what_stays_the_same_has_not_grown() -> None:
    found = growth(times(300), [120.0] * 300)
    assert (found.first, found.last, found.share, found.per_hour) == (120.0, 120.0, 0.0, 0.0)


def test_growth_is_from_the_first_tenth_to_the_last() -> None:
    values = [100.0] * 30 + [500.0] * 240 + [104.0] * 30
    assert growth(times(300), values).share == pytest.approx(0.04)


def test_single_peaks_are_no_growth() -> None:
    values = [100.0] * 300
    values[3] = values[290] = values[295] = 900.0
    assert growth(times(300), values).share == 0.0


def test_the_slope_is_an_hours() -> None:
    values = [100.0 + at / 3_600 * 7.0 for at in times(361)]
    assert growth(times(361), values).per_hour == pytest.approx(7.0)


def test_what_shrinks_grows_by_less_than_nothing() -> None:
    assert growth(times(2), [100.0, 90.0]).share == pytest.approx(-0.1)


def test_one_value_has_no_growth() -> None:
    with pytest.raises(ValueError, match="two values"):
        growth([0.0], [1.0])


@given(st.lists(st.floats(1.0, 1_000.0), min_size=2, max_size=100), st.floats(0.5, 4.0))
def test_a_share_does_not_depend_on_the_unit(values: list[float], factor: float) -> None:
    there = growth(times(len(values)), values).share
    assert growth(times(len(values)), [value * factor for value in values]).share == pytest.approx(there)
