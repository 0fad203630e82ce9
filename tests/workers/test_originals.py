"""Whatever could not be handled can be shown."""

from __future__ import annotations

import json

import pytest

from workers.originals import readable


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "none"),
        (b'{"a": 1}', "json"),
        (b"not json", "text"),
        (b"", "text"),
        (b'"\\ud800"', "text"),
        (b"[" * 5_000, "text"),
        (b"1" * 5_000, "text"),
        (b"\x00\x00", "base64"),
        (b"\xff", "base64"),
    ],
)
def test_any_value_can_be_shown_and_printed_as_json(value: bytes | None, kind: str) -> None:
    found, shown = readable(value)
    assert found == kind
    assert json.dumps({"value": shown}, ensure_ascii=False, indent=2).encode()


@pytest.mark.parametrize("depth", range(800, 1_001, 5))
def test_a_nest_that_is_too_deep_to_be_printed_is_text(depth: int) -> None:
    _, shown = readable(b"[" * depth + b"]" * depth)
    assert json.dumps({"value": shown}, ensure_ascii=False, indent=2)
