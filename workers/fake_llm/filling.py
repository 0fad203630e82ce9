"""A value that a JSON Schema allows, with what is known in the fields where it fits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

UNKNOWN: Final = object()
"""Nothing is known of this field."""
_DEEPEST: Final = 24
_DATES: Final = {"date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z", "time": "00:00:00Z"}


def fill(schema: Schema, known: object = UNKNOWN) -> Any:  # noqa: ANN401 - whatever the schema is about
    """The value: known parts where the schema takes them, else the plainest that it takes (null, nothing, zero).

    It knows the keywords that strict modes take, and length, range and ``format`` of dates; no ``pattern``.
    """
    return _fill(schema, known, schema, 0)


def _fill(schema: Schema, known: object, root: Schema, depth: int) -> Any:  # noqa: ANN401 - as in fill
    schema = _resolved(schema, root)
    if depth > _DEEPEST:
        return None
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return known if known in schema["enum"] else schema["enum"][0]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return _fill(_option(options, known, root), known, root, depth + 1)
    return _plain(schema, known, root, depth)


def _plain(schema: Schema, known: object, root: Schema, depth: int) -> Any:  # noqa: ANN401 - as in fill
    match _kind(schema, known):
        case "object":
            return _object(schema, known, root, depth)
        case "array":
            return _array(schema, known, root, depth)
        case "string":
            return _text(schema, known)
        case "integer" | "number" as kind:
            return math.ceil(_number(schema, known)) if kind == "integer" else _number(schema, known)
        case "boolean":
            return known is True
    return None


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    if len(schema.get("allOf", ())) == 1:
        return _resolved(schema["allOf"][0], root)
    return schema


def _kind(schema: Schema, known: object) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "null")
    if isinstance(kind, list):  # several: null where nothing is known
        others = [one for one in kind if one != "null"]
        return "null" if "null" in kind and known in (None, UNKNOWN) else str(others[0])
    return str(kind)


def _option(options: list[Schema], known: object, root: Schema) -> Schema:
    """The option for what is known; null, where that is one, for what is not."""
    nothing = known is None or known is UNKNOWN
    kinds = [_resolved(option, root) for option in options]
    wanted = (kind for kind in kinds if (kind.get("type") == "null") == nothing and (nothing or _takes(kind, known)))
    return next(wanted, kinds[0])


def _takes(schema: Schema, known: object) -> bool:
    kinds: dict[type, tuple[str, ...]] = {
        dict: ("object",),
        list: ("array",),
        str: ("string",),
        bool: ("boolean",),
        int: ("integer", "number"),
        float: ("number",),
    }
    if isinstance(known, dict) and any(
        part.get("const", known.get(name)) != known.get(name) for name, part in schema.get("properties", {}).items()
    ):
        return False
    return "enum" in schema or _kind(schema, known) in kinds.get(type(known), ())


def _object(schema: Schema, known: object, root: Schema, depth: int) -> dict[str, Any]:
    parts = known if isinstance(known, dict) else {}
    return {
        name: _fill(part, parts.get(name, UNKNOWN), root, depth + 1)
        for name, part in schema.get("properties", {}).items()
    }


def _array(schema: Schema, known: object, root: Schema, depth: int) -> list[Any]:
    items = schema.get("items", {})
    given = [one for one in known if _allowed(items, one, root)] if isinstance(known, list) else []
    filled = [_fill(items, one, root, depth + 1) for one in given[: schema.get("maxItems", len(given))]]
    missing = schema.get("minItems", 0) - len(filled)
    return filled + [_fill(items, UNKNOWN, root, depth + 1) for _ in range(missing)]


def _allowed(schema: Schema, known: object, root: Schema) -> bool:
    """Whether no enumeration forbids what is known: a claim under another name would be another claim."""
    schema = _resolved(schema, root)
    if "enum" in schema and known is not None:
        return known in schema["enum"]
    if isinstance(known, dict):
        parts = schema.get("properties", {})
        return all(_allowed(part, known[name], root) for name, part in parts.items() if name in known)
    return True


def _text(schema: Schema, known: object) -> str:
    if schema.get("format") in _DATES:
        return _DATES[str(schema["format"])]
    text = known if isinstance(known, str) else ""
    return text[: schema.get("maxLength", len(text))].ljust(int(schema.get("minLength", 0)), "-")


def _number(schema: Schema, known: object) -> float:
    least: float = schema.get("minimum", schema.get("exclusiveMinimum", -math.inf))
    most: float = schema.get("maximum", schema.get("exclusiveMaximum", math.inf))
    number: float = known if isinstance(known, int | float) else 0
    if "exclusiveMinimum" in schema and number <= least:
        return least + (1 if math.isinf(most) else (most - least) / 2)
    if "exclusiveMaximum" in schema and number >= most:
        return most - (1 if math.isinf(least) else (most - least) / 2)
    return max(least, min(most, number))
