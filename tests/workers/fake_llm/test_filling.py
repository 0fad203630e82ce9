from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from workers.fake_llm.filling import fill

NAMES = st.sampled_from(["name", "quote", "segment", "kind", "count"])
PLAIN: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.just({"const": "fixed"}),
    st.builds(
        lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more}, *[st.integers(0, 9)] * 2
    ),
    st.builds(
        lambda least, more: {"type": "number", "minimum": least, "maximum": least + more},
        st.integers(-9, 9),
        st.integers(0, 5),
    ),
    st.builds(lambda least: {"type": "integer", "exclusiveMinimum": least}, st.integers(-9, 9)),
    st.builds(lambda values: {"enum": values}, st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, unique=True)),
)


def nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)),
        st.builds(
            lambda parts: {
                "type": "object",
                "properties": parts,
                "required": sorted(parts),
                "additionalProperties": False,
            },
            st.dictionaries(NAMES, inner, max_size=4),
        ),
        st.builds(lambda part: {"anyOf": [part, {"type": "null"}]}, inner),
    )


SCHEMAS = st.recursive(PLAIN, nested, max_leaves=12)
KNOWN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)


@given(schema=SCHEMAS, known=KNOWN)
def test_whatever_is_known_the_value_is_one_that_the_schema_allows(schema: dict[str, Any], known: object) -> None:
    Draft202012Validator(schema).validate(fill(schema, known))
    Draft202012Validator(schema).validate(fill(schema))


CLAIM = {
    "type": "object",
    "properties": {
        "segment": {"type": "string"},
        "kind": {"enum": ["promise", "next_step"]},
        "due": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "new": {"type": "string"},
    },
}


def test_what_is_known_stands_where_it_fits_and_new_fields_are_filled() -> None:
    schema = {"type": "array", "items": CLAIM}
    known = [{"segment": "s1", "kind": "next_step", "due": "monday", "other": 1}]
    assert fill(schema, known) == [{"segment": "s1", "kind": "next_step", "due": "monday", "new": ""}]


def test_a_claim_under_a_name_that_is_not_allowed_is_left_out_and_not_renamed() -> None:
    assert fill({"type": "array", "items": CLAIM}, [{"segment": "s1", "kind": "wish"}]) == []


@pytest.mark.parametrize(("known", "filled"), [("monday", "monday"), (None, None), ({"a": 1}, "")])
def test_null_stands_for_nothing_and_never_for_something(known: object, filled: str | None) -> None:
    assert fill(CLAIM["properties"]["due"], known) == filled  # type: ignore[index]  # of a literal


def test_definitions_are_followed_also_where_they_hold_themselves() -> None:
    tree = {
        "$defs": {
            "Node": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}}}
        },
        "$ref": "#/$defs/Node",
    }
    assert fill(tree) == {"next": None}
