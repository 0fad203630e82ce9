"""What is wrong with a question, in one line, from pydantic's list of errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError

_MOST: Final = 3


def refusal(error: ValidationError) -> str:
    """Each thing that is wrong with where it stands, the first three: ``where[2].field: …; text: …``."""
    wrong = error.errors(include_url=False, include_input=False)
    said = [f"{_place(each['loc'])}{each['msg'][:1].lower()}{each['msg'][1:]}" for each in wrong[:_MOST]]
    return "; ".join([*said, *([f"and {len(wrong) - _MOST} more"] if len(wrong) > _MOST else [])])


def _place(parts: Iterable[str | int]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return f"{path.removeprefix('.')}: " if path else ""
