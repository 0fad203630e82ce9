"""The contracts as JSON Schema (draft 2020-12): one document a payload, generated from the registry."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from schemas.envelope import dataschema_of
from schemas.registry import PAYLOADS
from schemas.wire import Payload

Document = dict[str, Any]

_FIRST: Final = ("$schema", "$id", "title", "description")


def file_name(model: type[Payload]) -> str:
    """The file that the schema of this payload is kept in, for example ``call.insight.v1.json``."""
    return f"{model.event_name}.v{model.version[0]}.json"


def json_schema(model: type[Payload]) -> Document:
    """The JSON Schema of one payload as readers see it: fields with a default may be left out."""
    generated = model.model_json_schema(mode="validation", schema_generator=_Contract)
    head = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": dataschema_of(model),
        "title": model.event_name,
        "description": generated["description"],
    }
    rest = {name: generated[name] for name in sorted(generated) if name not in _FIRST}
    return head | {name: _without_null_members(value) for name, value in rest.items()}


def json_schemas(models: Iterable[type[Payload]] = tuple(PAYLOADS.values())) -> dict[str, Document]:
    """All schemas by file name, in the order of the names."""
    return dict(sorted((file_name(model), json_schema(model)) for model in models))


def render(document: Document) -> str:
    """The text of a document as it is kept in a file: stable, indented, ending in a newline."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


class _Contract(GenerateJsonSchema):
    """Leaves out the titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - pydantic-core's own union of schemas
        del schema
        return False


def _without_null_members(node: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Write a default such as ``CallFacts()`` as ``{}``: fields that are not set do not travel, either."""
    if isinstance(node, list):
        return [_without_null_members(item) for item in node]
    if not isinstance(node, dict):
        return node
    default = node.get("default")
    if isinstance(default, dict):
        node = node | {"default": {name: value for name, value in default.items() if value is not None}}
    return {name: _without_null_members(value) for name, value in node.items()}
