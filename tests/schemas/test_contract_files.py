from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import schemas
from schemas.export import file_name, json_schemas, render
from schemas.registry import PAYLOADS

HOME = Path(schemas.__file__).parent
CONTRACTS = json_schemas()


@pytest.mark.parametrize("file", sorted(CONTRACTS))
def test_every_committed_contract_is_what_the_code_generates(file: str) -> None:
    assert (HOME / "json" / file).read_text(encoding="utf-8") == render(CONTRACTS[file])


@pytest.mark.parametrize("file", sorted(CONTRACTS))
def test_every_contract_is_valid_json_schema(file: str) -> None:
    Draft202012Validator.check_schema(CONTRACTS[file])


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_a_contract_carries_its_name_and_version(name: str) -> None:
    model = PAYLOADS[name]
    document: dict[str, Any] = CONTRACTS[file_name(model)]
    major, minor = model.version
    assert document["$id"] == f"urn:convmine:schema:{name}:{major}.{minor}"
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["title"] == name
    assert document["description"]


def test_generating_twice_gives_the_same_bytes() -> None:
    assert [render(one) for one in json_schemas().values()] == [render(one) for one in json_schemas().values()]


def test_a_default_writes_no_members_that_do_not_travel() -> None:
    document = json.loads((HOME / "json" / "call.started.v1.json").read_text(encoding="utf-8"))
    assert document["properties"]["call"]["default"] == {}


def test_fields_of_the_future_are_accepted() -> None:
    document = CONTRACTS["call.held.v1.json"]
    Draft202012Validator(document).validate({"call_id": "c-1", "at_ms": 5, "why": "lunch"})
