"""Generated contracts against released ones: what may be written over, what needs a new minor or major version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.compatibility import added_properties, incompatible_changes
from schemas.export import Document

_FILE: Final = re.compile(r"^(?P<name>[a-z_.]+)\.v(?P<major>\d+)\.json$")
EXPORT: Final = "convmine schema export"


class Problem(StrEnum):
    """Why a contract does not pass; only what is stale or missing is put right by exporting again."""

    INCOMPATIBLE = "incompatible"
    MINOR_NOT_RAISED = "minor_not_raised"
    VERSION_LOWERED = "version_lowered"
    EVENT_REMOVED = "event_removed"
    MISSING = "missing"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Finding:
    """One contract that does not pass: what changed, one line each, and what to do about it."""

    file: str
    problem: Problem
    changes: tuple[str, ...]
    fix: str

    @property
    def breaks_a_release(self) -> bool:
        return self.problem not in {Problem.MISSING, Problem.STALE}


def findings(released: Mapping[str, Document], generated: Mapping[str, Document]) -> list[Finding]:
    """Compare the released documents with those that the code makes now; both by file name.

    A file of an older major version stands beside its successor and is not compared.
    """
    return [*_gone(released, generated), *_changed(released, generated)]


def _gone(released: Mapping[str, Document], generated: Mapping[str, Document]) -> Iterator[Finding]:
    current = dict(map(_name_and_major, generated))
    for file in sorted(set(released) - set(generated)):
        name, major = _name_and_major(file)
        if name not in current:
            fix = f"put {name} back into schemas/registry.py; programs that are out there still use it"
            yield Finding(file, Problem.EVENT_REMOVED, (), fix)
        elif current[name] < major:
            fix = f"raise the version of {name} to at least ({major}, 0)"
            yield Finding(file, Problem.VERSION_LOWERED, (), fix)


def _changed(released: Mapping[str, Document], generated: Mapping[str, Document]) -> Iterator[Finding]:
    for file, new in generated.items():
        old = released.get(file)
        if old is None:
            yield Finding(file, Problem.MISSING, (), f"run {EXPORT}")
        elif old != new:
            yield _judge(file, old, new)


def _judge(file: str, old: Document, new: Document) -> Finding:
    name, major = _name_and_major(file)
    minor_before, minor_after = _minor(old), _minor(new)
    if changes := incompatible_changes(old, new):
        fix = f"undo it, or raise the version of {name} to ({major + 1}, 0) and run {EXPORT}"
        return Finding(file, Problem.INCOMPATIBLE, tuple(changes), fix)
    if minor_after < minor_before:
        fix = f"raise the version of {name} to at least ({major}, {minor_before})"
        return Finding(file, Problem.VERSION_LOWERED, (), fix)
    added = tuple(f"{path}: new optional property" for path in added_properties(old, new))
    if added and minor_after == minor_before:
        fix = f"raise the version of {name} to ({major}, {minor_before + 1}) and run {EXPORT}"
        return Finding(file, Problem.MINOR_NOT_RAISED, added, fix)
    return Finding(file, Problem.STALE, added, f"run {EXPORT}")


def _name_and_major(file: str) -> tuple[str, int]:
    match = _FILE.match(file)
    if match is None:
        msg = f"{file} is not named like a contract, for example call.insight.v1.json"
        raise ValueError(msg)
    return match["name"], int(match["major"])


def _minor(document: Document) -> int:
    return int(str(document.get("$id", "")).rpartition(".")[2] or 0)
