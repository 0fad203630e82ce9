from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from workers.window import Window


@given(st.permutations(range(12)), st.integers(min_value=0, max_value=1_000), st.integers(min_value=1, max_value=5))
def test_nothing_is_acknowledged_before_all_that_came_before_it(order: list[int], first: int, step: int) -> None:
    """Offsets may have holes (compaction, transactions), so they rise by any step."""
    offsets = [first + step * number for number in range(len(order))]
    acknowledged: list[int] = []
    window = Window()
    for offset in offsets:
        window.open(offset, partial(acknowledged.append, offset))
    finished: set[int] = set()
    for number in order:
        finished.add(offsets[number])
        for acknowledge in window.finish(offsets[number]):
            acknowledge()
        prefix = [offset for offset in offsets if all(o in finished for o in offsets if o <= offset)]
        assert acknowledged == prefix
    assert acknowledged == offsets


def test_the_span_is_counted_from_the_oldest_unfinished_offset() -> None:
    window = Window()
    assert window.span(40) == 0
    window.open(40, lambda: None)
    window.open(41, lambda: None)
    assert window.span(45) == 5
    window.finish(41)
    assert window.span(45) == 5
    window.finish(40)
    assert window.span(45) == 0
