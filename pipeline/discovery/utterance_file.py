"""Utterances of a file: JSONL with an id and words; rows that cannot be used are told, the others taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.discovery.clusters import Said
from pipeline.errors import ConvmineError
from pipeline.workbench.lines import numbered_lines

_IDS: Final = ("utterance_id", "id")
_TEXTS: Final = ("utterance", "text")


class UtterancesUnreadable(ConvmineError):
    """A file of utterances cannot be read, or has none."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that was not used, and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class UtteranceFile:
    """The utterances in the order of the file, each id once, and the rows that were left out."""

    said: tuple[Said, ...]
    left_out: tuple[LeftOut, ...] = ()


def read_utterances(path: Path) -> UtteranceFile:
    """The utterances of a file in UTF-8; empty lines are passed over.

    Raises:
        UtterancesUnreadable: the file cannot be read, or no row of it is one.
    """
    said: dict[str, Said] = {}
    left_out: list[LeftOut] = []
    for number, line in numbered_lines(path, UtterancesUnreadable):
        try:
            one = _row(line)
        except _Wrong as wrong:
            left_out.append(LeftOut(number, str(wrong)))
            continue
        if said.setdefault(one.id, one) != one:
            left_out.append(LeftOut(number, f"the id {one.id!r} was there before with other words"))
    if not said:
        first = f"; line {left_out[0].line}: {left_out[0].why}" if left_out else ""
        raise UtterancesUnreadable(
            f"{path}: there is no utterance in it{first}", hint='a row is {"utterance_id": "…", "utterance": "…"}'
        )
    return UtteranceFile(tuple(said.values()), tuple(left_out))


class _Wrong(ValueError):
    """What is wrong with one row."""


def _row(line: str) -> Said:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise _Wrong("is no JSON") from None
    if not isinstance(row, dict):
        raise _Wrong("is no JSON object")
    id_ = _first(row, _IDS)
    if isinstance(id_, bool) or not isinstance(id_, str | int) or not str(id_).strip():
        raise _Wrong("has no utterance_id")
    text = _first(row, _TEXTS)
    if not isinstance(text, str) or not text.strip():
        raise _Wrong("has no words in utterance")
    return Said(str(id_), text.encode("utf-8", "replace").decode())  # half a surrogate pair cannot be printed


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> object:
    return next((row[name] for name in names if row.get(name) is not None), None)
