from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.distinct import distinct, merged, sketch_of

NAMES = st.lists(st.text(max_size=8), max_size=60)


@given(NAMES, NAMES)
def test_the_sketch_of_two_together_is_that_of_all_names(one: list[str], other: list[str]) -> None:
    both = merged(sketch_of(one), sketch_of(other))
    assert both == sketch_of([*other, *one]) == merged(both, sketch_of(one))


@pytest.mark.parametrize("count", [0, 1, 5, 40, 1_000, 30_000])
def test_the_count_is_near_the_truth(count: int) -> None:
    found = distinct(sketch_of(f"acme:call-{number}" for number in range(count)))
    assert abs(found - count) <= max(1 if count > 5 else 0, 0.05 * count)


def test_nobody_is_counted_of_no_sketch() -> None:
    assert distinct(b"") == distinct(merged()) == distinct(merged(b"", b"")) == 0
    assert distinct(merged(b"", sketch_of(["a"]))) == 1


def test_a_sketch_is_small_and_has_no_name_in_it() -> None:
    sketch = sketch_of(f"acme:call-{number}" for number in range(100))
    assert len(sketch) < 1_000
    assert b"call-" not in sketch
