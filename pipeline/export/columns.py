"""A column of a flat table: its type, what it means, and how it is read from what is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal

Payload = Mapping[str, Any]
Cell = str | int | float | bool | list[str] | None
"""A value as JSON has it; an instant is text in UTC (``2026-03-31T09:30:00.000000Z``), a day ``2026-03-31``."""
Row = tuple[Cell, ...]
"""The values of a table's columns, in their order."""
ColumnType = Literal["text", "integer", "number", "boolean", "time", "day", "names", "json"]
"""``names`` is a list of text; ``json`` is text that holds JSON."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``fields`` are those of a payload that ``read`` needs; it takes many, as one call a cell is slow."""

    name: str
    type: ColumnType
    meaning: str
    fields: tuple[str, ...]
    read: Callable[[Sequence[Payload]], list[Cell]]


def column(name: str, type_: ColumnType, meaning: str, field: str = "") -> Column:
    """A column that is a field of the payload: the one of the same name, if no other is given."""
    field = field or name
    convert = _CONVERT[type_]

    def read(payloads: Sequence[Payload]) -> list[Cell]:
        values = [payload.get(field) for payload in payloads]
        return [None if value is None else convert(value) for value in values]

    return Column(name, type_, meaning, (field,), read)


def _text(value: Any) -> str:  # noqa: ANN401 - what the store holds
    """Text that can be written as UTF-8: half of a surrogate pair becomes the character for what cannot be shown."""
    text = value if type(value) is str else str(value)
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@lru_cache(maxsize=4_096)
def _time(value: str) -> str:
    """The rows of a call share its start, so that most are worked out once."""
    at = datetime.fromisoformat(value)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


def _json(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    return _ENCODER.encode(value)


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_CONVERT: Final[Mapping[ColumnType, Callable[[Any], Cell]]] = {
    "text": _text,
    "integer": int,
    "number": float,
    "boolean": bool,
    "time": _time,
    "day": _text,
    "names": lambda value: [_text(one) for one in value],
    "json": _json,
}
