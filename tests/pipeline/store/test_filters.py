from __future__ import annotations

from pipeline.ports import Where
from pipeline.store.filters import both, to_filter


def test_both_keeps_the_common_values_of_a_field_that_both_name() -> None:
    joined = both(Where(equal={"call_id": ["a", "b"]}), Where(equal={"call_id": "b", "role": "agent"}))
    assert joined.equal == {"call_id": ["b"], "role": "agent"}


def test_both_leaves_nothing_where_nothing_is_common() -> None:
    assert both(Where(equal={"call_id": "a"}), Where(equal={"call_id": "b"})).equal == {"call_id": []}


def test_both_takes_the_narrower_range_and_all_that_is_unwanted() -> None:
    one = Where(at_least={"n": 1, "m": 1}, below={"n": 9}, unequal={"role": "agent"})
    joined = both(one, Where(at_least={"n": 3}, below={"n": 12}, unequal={"role": "unknown"}))
    assert joined.at_least == {"n": 3, "m": 1}
    assert joined.below == {"n": 9}
    assert joined.unequal == {"role": ["agent", "unknown"]}


def test_a_range_is_one_condition() -> None:
    made = to_filter(Where(at_least={"n": 1}, below={"n": 2})).model_dump(exclude_none=True)
    assert made["must"] == [{"key": "n", "range": {"gte": 1.0, "lt": 2.0}}]
