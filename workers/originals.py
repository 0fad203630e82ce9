"""The value of a dead letter's original as people can be shown it, whatever it is."""

from __future__ import annotations

import base64
import json
from typing import Any, Literal

Kind = Literal["none", "json", "text", "base64"]


def readable(value: bytes | None) -> tuple[Kind, Any]:
    """A value as it can be shown: what it is, and as JSON, as text, or in base64 where it is neither."""
    if value is None:
        return "none", None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "base64", base64.b64encode(value).decode()
    try:
        document = json.loads(text)
        json.dumps({"value": document}, ensure_ascii=False, indent=2).encode()
    except (ValueError, RecursionError):  # half a surrogate pair cannot be printed, a deep nest not be walked
        return ("base64", base64.b64encode(value).decode()) if "\0" in text else ("text", text)
    return "json", document
