from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.workbench.matrix import Values, each_once, expanded, left_out, size

VALUES = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.lists(st.integers(0, 30) | st.booleans() | st.text(max_size=3), min_size=1, max_size=6).map(each_once),
    min_size=1,
    max_size=5,
)


def keys(rows: list[tuple[object, ...]]) -> set[tuple[object, ...]]:
    return {tuple((type(value), value) for value in row) for row in rows}


def rows_of(values: Values, limit: int | None = None, seed: int = 1) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in values) for row in expanded(values, limit=limit, seed=seed)]


@given(VALUES)
def test_the_product_has_every_combination_once(values: Values) -> None:
    rows = rows_of(values)
    assert len(rows) == len(keys(rows)) == size(values)


def test_the_last_parameter_changes_with_each_combination() -> None:
    assert [dict(row) for row in expanded({"plan": ["a", "b"], "tone": ["x", "y"]})] == [
        {"plan": "a", "tone": "x"},
        {"plan": "a", "tone": "y"},
        {"plan": "b", "tone": "x"},
        {"plan": "b", "tone": "y"},
    ]


@given(VALUES, st.integers(1, 40), st.integers())
def test_a_sample_repeats_nothing_keeps_the_order_and_shows_every_value_where_it_can(
    values: Values, limit: int, seed: int
) -> None:
    rows = rows_of(values, limit, seed)
    assert len(rows) == len(keys(rows)) == min(limit, size(values))
    product = [tuple((type(one), one) for one in row) for row in rows_of(values)]
    places = [product.index(tuple((type(one), one) for one in row)) for row in rows]
    assert places == sorted(places)
    missing = left_out(values, list(expanded(values, limit=limit, seed=seed)))
    assert {name: len(given) for name, given in missing.items()} == {
        name: len(given) - limit for name, given in values.items() if len(given) > limit
    }


@given(VALUES, st.integers(1, 20), st.integers())
def test_the_same_seed_draws_the_same(values: Values, limit: int, seed: int) -> None:
    assert rows_of(values, limit, seed) == rows_of(values, limit, seed)


def test_another_seed_draws_others() -> None:
    values = {name: tuple(range(10)) for name in "abcd"}
    assert rows_of(values, 20, seed=1) != rows_of(values, 20, seed=2)


def test_a_sample_of_more_combinations_than_could_be_counted_out_is_drawn_at_once() -> None:
    values = {f"p{number}": (True, False) for number in range(100)}
    assert len(rows_of(values, 50)) == 50


def test_a_number_and_a_truth_that_are_equal_are_two_values() -> None:
    assert each_once([1, True, 1.0, 1, "1"]) == (1, True, 1.0, "1")
    assert [type(one) for one in each_once([1, True, 1.0, 1, "1"])] == [int, bool, float, str]
