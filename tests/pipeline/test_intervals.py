from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.intervals import joined

STRETCHES = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 40)).map(lambda it: (it[0], it[0] + it[1])))


def covered(stretches: list[tuple[int, int]]) -> set[int]:
    return {at for start, end in stretches for at in range(start, end)}


@given(STRETCHES, st.integers(1, 50))
def test_what_is_joined_is_in_order_at_least_a_gap_apart_and_covers_all(
    stretches: list[tuple[int, int]], gap: int
) -> None:
    found = joined(stretches, gap)
    assert all(later[0] - earlier[1] >= gap for earlier, later in pairwise(found))
    assert covered(stretches) <= covered(found)
    assert {start for start, _ in found} <= {start for start, _ in stretches}
    assert {end for _, end in found} <= {end for _, end in stretches}


@given(STRETCHES)
def test_with_a_gap_of_one_nothing_is_covered_that_was_not(stretches: list[tuple[int, int]]) -> None:
    assert covered(joined(stretches)) == covered(stretches)


def test_what_lies_a_gap_apart_stays_apart() -> None:
    assert joined([(50, 60), (0, 10), (13, 20)], 3) == [(0, 10), (13, 20), (50, 60)]
    assert joined([(50, 60), (0, 10), (13, 20)], 4) == [(0, 20), (50, 60)]
