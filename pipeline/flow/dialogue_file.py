"""Dialogues of a file: JSONL with an id and the labels of the steps in order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ConvmineError
from pipeline.flow.graph import END, START
from pipeline.flow.mining import Walk
from pipeline.workbench.lines import numbered_lines
from schemas.call import OutcomeResult

_ROW: Final = 'a row is {"id": "…", "steps": ["…", "…"]}, with "result": "won", "lost" or "open" where it is known'
_LONGEST: Final = 200
"""Characters of a label; a longer one is a sentence and no step."""


class DialoguesUnreadable(ConvmineError):
    """A file of dialogues cannot be read, or a row of it is none."""


def read_dialogues(path: Path) -> list[Walk]:
    """The dialogues of a file in UTF-8, in its order; empty lines are passed over.

    Raises:
        DialoguesUnreadable: the file cannot be read, a row is no dialogue, two have one id, or there is none.
    """
    found: dict[str, Walk] = {}
    lines: dict[str, int] = {}
    for number, line in numbered_lines(path, DialoguesUnreadable):
        try:
            id_, walk = _row(line, lines)
        except _Wrong as wrong:
            raise DialoguesUnreadable(f"{path}: line {number}: {wrong}", hint=_ROW) from None
        found[id_], lines[id_] = walk, number
    if not found:
        raise DialoguesUnreadable(f"{path}: there is no dialogue in it", hint=_ROW)
    return list(found.values())


class _Wrong(ValueError):
    """What is wrong with one row."""


def _row(line: str, lines: Mapping[str, int]) -> tuple[str, Walk]:
    """The dialogue of a line, after those whose ids stand in these lines."""
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise _Wrong("is no JSON") from None
    if not isinstance(row, dict):
        raise _Wrong("is no JSON object")
    id_, steps, result = row.get("id"), row.get("steps"), row.get("result")
    if isinstance(id_, bool) or not isinstance(id_, str | int) or not str(id_).strip():
        raise _Wrong("has no id")
    if str(id_) in lines:
        raise _Wrong(f"the id {str(id_)!r} is that of line {lines[str(id_)]}, too")
    if not isinstance(steps, list):
        raise _Wrong("steps is no list")
    if result is not None and (not isinstance(result, str) or result not in set(OutcomeResult)):
        raise _Wrong("result is neither won, lost nor open")
    return str(id_), Walk(tuple(_label(step, at) for at, step in enumerate(steps, 1)), result=result)


def _label(step: object, at: int) -> str:
    if not isinstance(step, str) or not step.strip():
        raise _Wrong(f"step {at} is no label")
    if len(step) > _LONGEST:
        raise _Wrong(f"step {at} is longer than {_LONGEST} characters")
    if step in {START, END}:
        raise _Wrong(f"step {at} has the name of the mark {step}")
    return step.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be printed
