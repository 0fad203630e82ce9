"""The page of events: each with its fields and an example, from the JSON Schema files that readers check against."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.stages import TOPICS
from reference_pages.markdown import MADE, listed, page, prose, table
from schemas.registry import PAYLOADS

SCHEMAS: Final = Path(__file__).resolve().parents[2] / "schemas"
Json = Mapping[str, Any]


def events_page() -> str:
    """Every event with its fields and an example, from the JSON Schema files that readers check against."""
    carriers = {name: [topic.name for topic in TOPICS if name in topic.events] for name in PAYLOADS}
    parts = [
        "# Events",
        MADE.format(source="schemas/"),
        (
            "CloudEvents 1.0 in Kafka's binary mode: the headers say what an event is, the value is JSON "
            "([messages](../architecture.md#messages)). `call.audio.chunk` alone has audio behind its JSON. "
            "A field in *italics* may be missing."
        ),
    ]
    for name in sorted(PAYLOADS):
        [path] = (SCHEMAS / "json").glob(f"{name}.v*.json")
        schema = json.loads(path.read_text(encoding="utf-8"))
        example = json.loads((SCHEMAS / "examples" / f"{name}.json").read_text(encoding="utf-8"))
        parts += [
            f"## {name}",
            prose(schema["description"]),
            f"Version {schema['$id'].rpartition(':')[2]}, on {listed(carriers[name])}.",
            _fields(schema, kinds := schema.get("$defs", {})),
        ]
        for kind, inner in sorted(kinds.items()):
            if "properties" in inner and kind != "CallFacts":
                parts += [f"*{kind}*: {prose(inner.get('description', ''))}", _fields(inner, kinds)]
        parts.append(f"```json\n{json.dumps(example, ensure_ascii=False, indent=2)}\n```")
    facts = json.loads((SCHEMAS / "json" / "call.started.v1.json").read_text(encoding="utf-8"))["$defs"]
    parts += ["## CallFacts", prose(facts["CallFacts"]["description"]), _fields(facts["CallFacts"], facts)]
    return page(parts)


def _fields(schema: Json, kinds: Json) -> str:
    required = set(schema.get("required", ()))
    rows = [
        (f"`{name}`" if name in required else f"*`{name}`*", _kind(field, kinds), _limits(field))
        for name, field in schema.get("properties", {}).items()
    ]
    return table(("Field", "Kind", "Bounds"), rows)


def _kind(field: Json, kinds: Json) -> str:
    """A field's type in words; of a named type its values, where it is a list of them."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        known = "[CallFacts](#callfacts)" if name == "CallFacts" else name
        return known if "properties" in kinds[name] else _kind(kinds[name], kinds)
    if options := field.get("anyOf"):
        return " or ".join(dict.fromkeys(_kind(option, kinds) for option in options if option.get("type") != "null"))
    if values := field.get("enum"):
        return ", ".join(f"`{value}`" for value in values)
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}), kinds)}"
    if isinstance(inner := field.get("additionalProperties"), dict):
        return f"object of {_kind(inner, kinds)}"
    return " ".join(filter(None, (field.get("format", ""), field.get("type", "anything"))))


def _limits(field: Json) -> str:
    options = [field, *(option for option in field.get("anyOf", ()) if option.get("type") != "null")]
    words = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = [f"{sign} {option[key]}" for option in options for key, sign in words.items() if key in option]
    found += [f"at most {option['maxLength']} characters" for option in options if "maxLength" in option]
    found += [f"`{option['pattern']}`" for option in options if "pattern" in option]
    return ", ".join(found)
