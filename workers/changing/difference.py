"""What differs between two contents, as lines of text."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any], names: tuple[str, str]) -> list[str]:
    """The lines in which two contents differ, as a unified diff of their YAML; they may hold control characters."""
    return list(difflib.unified_diff(as_text(before or {}), as_text(after), *names, n=1, lineterm=""))


def as_text(content: Mapping[str, Any]) -> list[str]:
    """A content as lines of YAML."""
    import yaml

    if not content:
        return []
    return yaml.safe_dump(dict(content), allow_unicode=True, sort_keys=False, width=100).splitlines()
