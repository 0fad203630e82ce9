"""Labelled texts from the files that people keep them in: JSONL, CSV or TSV with a header."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ConvmineError

TEXT_FIELDS: Final = ("text", "utterance", "sentence", "query", "message")
LABEL_FIELDS: Final = ("intent", "label", "category", "class")
_DELIMITERS: Final[Mapping[str, str]] = {".csv": ",", ".tsv": "\t"}


class LabelledTextsUnreadable(ConvmineError):
    """A file of labelled texts cannot be read; the message names it and what is wrong."""


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Texts and their labels side by side; ``skipped`` rows had no text or no label.

    ``groups`` are the values of the field that was named for them, a text each; else empty.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    skipped: int = 0
    groups: tuple[str, ...] = ()

    def only(self, places: Iterable[int]) -> LabelledTexts:
        """The texts at these places, in this order."""
        chosen = list(places)
        return LabelledTexts(
            tuple(self.texts[place] for place in chosen),
            tuple(self.labels[place] for place in chosen),
            groups=tuple(self.groups[place] for place in chosen) if self.groups else (),
        )


def read_labelled(
    path: Path, *, text_field: str | None = None, label_field: str | None = None, group_field: str | None = None
) -> LabelledTexts:
    """Read a file; fields of text and label that are not named are looked for under their usual names.

    Raises:
        LabelledTextsUnreadable: the file, a line or a field cannot be read, or nothing is left.
    """
    try:
        rows = list(_rows(path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelledTextsUnreadable(f"{path} cannot be read: {error}") from error
    known = dict.fromkeys(name for row in rows for name in row)
    text_name = _field(path, known, text_field, TEXT_FIELDS, "--text-field")
    label_name = _field(path, known, label_field, LABEL_FIELDS, "--label-field")
    group_name = None if group_field is None else _field(path, known, group_field, (), "--group-field")
    kept = [row for row in rows if _value(row, text_name) and _value(row, label_name)]
    if not kept:
        raise LabelledTextsUnreadable(f"{path} holds no row with {text_name!r} and {label_name!r}")
    return LabelledTexts(
        tuple(_value(row, text_name) for row in kept),
        tuple(_value(row, label_name) for row in kept),
        skipped=len(rows) - len(kept),
        groups=() if group_name is None else tuple(_value(row, group_name) for row in kept),
    )


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    delimiter = _DELIMITERS.get(path.suffix.lower())
    with path.open(encoding="utf-8-sig", newline="") as file:
        if delimiter is not None:
            yield from csv.DictReader(file, delimiter=delimiter, restkey="(more)")
            return
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _json_row(path, number, line)


def _json_row(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise LabelledTextsUnreadable(
            f"{path}: line {number} is no JSON: {error}", hint="CSV files end in .csv, TSV files in .tsv"
        ) from error
    if not isinstance(row, dict):
        raise LabelledTextsUnreadable(f"{path}: line {number} is no JSON object")
    return row


def _field(path: Path, known: Collection[str], wanted: str | None, usual: Collection[str], option: str) -> str:
    for name in usual if wanted is None else (wanted,):
        if name in known:
            return name
    found = f"it has {', '.join(known)}" if known else "it is empty"
    named = repr(wanted) if wanted is not None else f"any of {', '.join(usual)}"
    raise LabelledTextsUnreadable(f"{path} has no field {named}: {found}", hint=f"name it with {option}")


def _value(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()
