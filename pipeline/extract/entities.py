"""Slots by the taxonomy's patterns, with spoken numbers as digits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from pipeline.extract.findings import FoundEntity, evidence_of
from pipeline.extract.numbers import digits
from pipeline.scenarios.model import EntityDefinition
from schemas.transcript import Segment


def find_entities(segments: Iterable[Segment], definitions: Sequence[EntityDefinition]) -> list[FoundEntity]:
    """Every slot in order of time; a place that a slot has taken is not given to the same slot again."""
    sought = [(definition, _joined(definition.patterns)) for definition in definitions]
    return [found for segment in segments for found in _in_segment(segment, sought)]


def normalised_value(said: str, definition: EntityDefinition | None = None) -> str:
    """One spelling of a value: numbers as digits, single spaces, lower case, one width; the right name of a thing."""
    value = _one_spelling(said)
    known = definition.values if definition else ()
    return next((one.value for one in known if value in one.said), value)


@lru_cache(maxsize=4_096)
def _one_spelling(said: str) -> str:
    return " ".join(digits(unicodedata.normalize("NFKC", said)).lower().split())


def _in_segment(
    segment: Segment, sought: Iterable[tuple[EntityDefinition, re.Pattern[str] | None]]
) -> list[FoundEntity]:
    placed = [
        (start, FoundEntity(definition.name, said, evidence_of(segment, said)))
        for definition, any_of in sought
        if any_of is None or any_of.search(segment.text)  # most slots are in most turns not at all
        for start, said in _places(segment.text, definition.patterns)
    ]
    return [found for _, found in sorted(placed, key=lambda pair: pair[0])]


def _places(text: str, patterns: Iterable[str]) -> Iterator[tuple[int, str]]:
    taken: list[tuple[int, int]] = []
    for pattern in patterns:
        for match in _compiled(pattern).finditer(text):
            start, end = match.span()
            if not match[0].strip() or any(start < other_end and other_start < end for other_start, other_end in taken):
                continue
            taken.append((start, end))
            yield start, match[0].strip()


@lru_cache(maxsize=1_000)
def _joined(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    """One pattern for several, None where that may be another: with groups, which have numbers, or flags of its own."""
    if any(_compiled(pattern).groups for pattern in patterns):
        return None
    try:
        return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)
    except re.error:
        return None


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
