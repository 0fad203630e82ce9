"""JSON Schema in the subset that the strict modes of model servers take."""

from __future__ import annotations

from typing import Any, Final

_LEFT_OUT: Final = frozenset({"default", "discriminator", "maxLength", "minLength", "title"})
"""What strict modes refuse or do not need; whoever reads the answer checks it all the same."""


def strict(schema: Any) -> Any:  # noqa: ANN401 - whatever stands in a JSON Schema
    """The schema with nothing optional and nothing additional, ``anyOf`` for ``oneOf``, and no limits of length.

    Constants come first: a strict mode tells the objects of an ``anyOf`` apart by their first property.
    """
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in _LEFT_OUT}
    given = sorted(kept.pop("properties", {}).items(), key=lambda part: "const" not in part[1])
    parts = {name: strict(part) for name, part in given}
    closed = {"properties": parts, "required": list(parts), "additionalProperties": False} if parts else {}
    return {("anyOf" if key == "oneOf" else key): strict(value) for key, value in kept.items()} | closed
