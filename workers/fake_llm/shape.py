"""The shape of an answer where no schema is sent: the example object that the instructions show."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_SHAPE: Final = re.compile(r"^\{\n.*?^\}", re.MULTILINE | re.DOTALL)
_OBJECT_OR_NULL: Final = re.compile(r"\} ?(?:or|或) ?null")
_TEXT_OR_NULL: Final = re.compile(r"\" ?(?:or|或) ?null")
_OR_TEXT: Final = re.compile(r"\" ?(?:or|或) ?\"")
_NULL: Final = "(null)"
"""Marks a part of an example that may be null."""
_OR: Final = "(or)"
"""Parts the texts of an example that are all that may stand there."""
_KINDS: Final[Mapping[str, str]] = {"intent": "intents", "entity": "entities", "name": "outcomes", "topics": "topics"}
"""What the fields of an example name."""


def schema_of_shape(instructions: str, names: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
    """The JSON Schema of the first example object; ``names`` are those allowed, by what is listed."""
    for found in _SHAPE.finditer(instructions):
        marked = _OBJECT_OR_NULL.sub(f', "{_NULL}": 0}}', found[0])
        marked = _OR_TEXT.sub(_OR, _TEXT_OR_NULL.sub(f'{_NULL}"', marked))
        try:
            return _like(json.loads(marked), names)
        except json.JSONDecodeError:
            continue
    return None


def _like(example: object, names: Mapping[str, Sequence[str]], field: str = "") -> dict[str, Any]:
    match example:
        case dict():
            parts = {str(name): _like(part, names, str(name)) for name, part in example.items() if name != _NULL}
            shape: dict[str, Any] = {"type": "object", "properties": parts, "required": list(parts)}
            return _or_null(shape) if _NULL in example else shape
        case list():
            return {"type": "array", "items": _like(example[0], names, field) if example else {}}
        case bool():
            return {"type": "boolean"}
        case int() | float():
            return {"type": "number"}
    return _text(str(example), names.get(_KINDS.get(field, ""), ()))


def _text(example: str, names: Sequence[str]) -> dict[str, Any]:
    choices = example.removesuffix(_NULL).split(_OR)
    allowed = list(names) or (choices if len(choices) > 1 else [])
    text: dict[str, Any] = {"type": "string", "enum": allowed} if allowed else {"type": "string"}
    return _or_null(text) if example.endswith(_NULL) else text


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}
