from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.compatibility import added_properties, incompatible_changes
from schemas.export import json_schemas

CONTRACTS = json_schemas()
OPEN: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 200},
        "lane": {"type": "string", "enum": ["live", "batch"]},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "at": {"type": "string", "format": "date-time"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}},
        "step": {"$ref": "#/$defs/Step"},
    },
    "$defs": {
        "Step": {
            "type": "object",
            "required": ["label"],
            "properties": {
                "label": {"type": "string"},
                "next": {"anyOf": [{"$ref": "#/$defs/Step"}, {"type": "null"}]},
            },
        }
    },
}


def changed(**properties: Any) -> dict[str, Any]:
    """The schema with some properties replaced; None takes one out."""
    schema = copy.deepcopy(OPEN)
    for name, value in properties.items():
        if value is None:
            del schema["properties"][name]
        else:
            schema["properties"][name] = value
    return schema


@pytest.mark.parametrize(
    ("new", "finding"),
    [
        (changed(lane=None), "$.lane: property removed"),
        (changed(id={"type": "integer"}), "$.id: type changed from string to integer"),
        (changed(lane={"type": "string", "enum": ["live"]}), "$.lane: value 'batch' removed"),
        (changed(lane={"type": "string", "enum": ["live", "batch", "bulk"]}), "$.lane: value 'bulk' added"),
        (changed(lane={"type": "string"}), "$.lane: not limited to a list of values any more"),
        (changed(at={"type": "string", "format": "date-time", "enum": ["x"]}), "$.at: limited to a list of values"),
        (changed(at={"type": "string", "format": "date"}), "$.at: format changed from 'date-time' to 'date'"),
        (changed(at={"type": "string"}), "$.at: format 'date-time' dropped"),
        (changed(tags={"type": "array", "items": {"type": "string"}}), "$.tags[]: pattern '^[a-z]+$' dropped"),
        (changed(note={"type": "string", "default": None}), "$.note: null is not accepted any more"),
        (
            changed(note={**OPEN["properties"]["note"], "default": "none"}),
            "$.note: default changed from None to 'none'",
        ),
        (changed(id={"anyOf": [OPEN["properties"]["id"], {"type": "null"}]}), "$.id: null is accepted now"),
        (changed(step={"type": "string"}), "$.step: type changed from object to string"),
        (OPEN | {"required": ["id", "lane"]}, "$.lane: required now"),
        (OPEN | {"required": []}, "$.id: not required any more"),
        (OPEN | {"additionalProperties": False}, "$: closed to further properties"),
        (OPEN | {"additionalProperties": {"type": "string"}}, "$: the rule for further properties changed"),
    ],
)
def test_a_change_that_breaks_one_side_is_named(new: dict[str, Any], finding: str) -> None:
    found = incompatible_changes(OPEN, new)
    assert any(line.startswith(finding) for line in found), found


@pytest.mark.parametrize(
    ("keyword", "value", "tighter"),
    [
        ("minimum", 0.5, True),
        ("minimum", -1, False),
        ("maximum", 0.5, True),
        ("maximum", 2, False),
        ("exclusiveMaximum", 1, True),
    ],
)
def test_a_limit_that_moves_says_which_side_refuses(keyword: str, value: float, *, tighter: bool) -> None:
    new = changed(score=OPEN["properties"]["score"] | {keyword: value})
    (finding,) = incompatible_changes(OPEN, new)
    assert finding.startswith(f"$.score: {keyword}")
    assert finding.endswith("events already written may be refused" if tighter else "older readers refuse such events")


def test_a_limit_that_is_dropped_is_refused_by_older_readers() -> None:
    (finding,) = incompatible_changes(OPEN, changed(score={"type": "number", "minimum": 0}))
    assert finding == "$.score: maximum 1 dropped: older readers refuse such events"


def test_a_new_optional_property_is_compatible_and_counted_once() -> None:
    new = changed(party={"type": "object", "properties": {"name": {"type": "string"}}})
    assert incompatible_changes(OPEN, new) == []
    assert added_properties(OPEN, new) == ["$.party"]


def test_a_new_required_property_is_not_compatible() -> None:
    new = changed(party={"type": "string"}) | {"required": ["id", "party"]}
    assert incompatible_changes(OPEN, new) == ["$.party: new and required: events already written may be refused"]


def test_a_new_property_of_a_closed_object_is_not_compatible() -> None:
    closed = OPEN | {"additionalProperties": False}
    new = changed(party={"type": "string"}) | {"additionalProperties": False}
    (finding,) = incompatible_changes(closed, new)
    assert finding.startswith("$.party: new, but the object was closed")


def test_a_change_behind_a_reference_is_found_and_recursion_ends() -> None:
    new = copy.deepcopy(OPEN)
    new["$defs"]["Step"]["required"] = ["label", "next"]
    assert incompatible_changes(OPEN, new) == ["$.step.next: required now: events already written may be refused"]


def test_a_definition_that_only_changes_its_name_is_compatible() -> None:
    renamed = copy.deepcopy(OPEN)
    renamed["$defs"]["Move"] = renamed["$defs"].pop("Step")
    renamed["$defs"]["Move"]["properties"]["next"] = {"anyOf": [{"$ref": "#/$defs/Move"}, {"type": "null"}]}
    renamed["properties"]["step"] = {"$ref": "#/$defs/Move"}
    assert incompatible_changes(OPEN, renamed) == []


def test_words_may_change() -> None:
    assert incompatible_changes(OPEN, OPEN | {"title": "Other", "description": "Better said."}) == []


@given(st.sampled_from(sorted(CONTRACTS)), st.data())
def test_taking_any_property_out_of_any_contract_is_found(file: str, data: st.DataObject) -> None:
    schema = CONTRACTS[file]
    shorter = copy.deepcopy(schema)
    name = data.draw(st.sampled_from(sorted(shorter["properties"])))
    del shorter["properties"][name]
    assert f"$.{name}: property removed" in incompatible_changes(schema, shorter)


@pytest.mark.parametrize("file", sorted(CONTRACTS))
def test_every_contract_is_compatible_with_itself(file: str) -> None:
    schema = CONTRACTS[file]
    assert incompatible_changes(schema, copy.deepcopy(schema)) == []
    assert added_properties(schema, copy.deepcopy(schema)) == []
