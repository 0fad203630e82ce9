from __future__ import annotations

from pipeline.ports import Where
from pipeline.store.filters import both, to_filter


def test_both_asks_a_value_of_each_of_a_field_that_both_name() -> None:
    joined = both(Where(equal={"intents": ["a", "b"]}), Where(equal={"intents": "c", "role": "agent"}))
    assert keys(joined) == [("intents", ["a", "b"]), ("role", "agent"), ("intents", "c")]
    assert keys(both(joined, Where(equal={"role": "agent"}))) == keys(joined)


def test_both_keeps_what_each_asks_besides() -> None:
    one = both(Where(equal={"n": "a"}), Where(equal={"n": "b"}))
    assert keys(both(one, both(Where(), one))) == [("n", "a"), ("n", "b"), ("n", "b")]


def test_both_takes_the_narrower_range_and_all_that_is_unwanted() -> None:
    one = Where(at_least={"n": 1, "m": 1}, below={"n": 9}, unequal={"role": "agent"})
    joined = both(one, Where(at_least={"n": 3}, below={"n": 12}, unequal={"role": "unknown"}))
    assert joined.at_least == {"n": 3, "m": 1}
    assert joined.below == {"n": 9}
    assert joined.unequal == {"role": ["agent", "unknown"]}


def test_a_range_is_one_condition() -> None:
    made = to_filter(Where(at_least={"n": 1}, below={"n": 2})).model_dump(exclude_none=True)
    assert made["must"] == [{"key": "n", "range": {"gte": 1.0, "lt": 2.0}}]


def keys(where: Where) -> list[tuple[str, object]]:
    """What must hold, as Qdrant is asked."""
    made = to_filter(where).model_dump(exclude_none=True)
    return [(one["key"], one["match"].get("any", one["match"].get("value"))) for one in made["must"]]
