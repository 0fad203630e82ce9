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
    return [found for segment in segments for found in _in_segment(segment, definitions)]


def normalised_value(said: str, definition: EntityDefinition | None = None) -> str:
    """One spelling of a value: numbers as digits, single spaces, lower case, one width; the right name of a thing."""
    value = " ".join(digits(unicodedata.normalize("NFKC", said)).lower().split())
    known = definition.values if definition else ()
    return next((one.value for one in known if value in one.said), value)


def _in_segment(segment: Segment, definitions: Sequence[EntityDefinition]) -> list[FoundEntity]:
    placed = [
        (start, FoundEntity(definition.name, said, evidence_of(segment, said)))
        for definition in definitions
        for start, said in _places(segment.text, definition.patterns)
    ]
    return [found for _, found in sorted(placed, key=lambda pair: pair[0])]


def _places(text: str, patterns: Sequence[str]) -> Iterator[tuple[int, str]]:
    taken: list[tuple[int, int]] = []
    for pattern in patterns:
        for match in _compiled(pattern).finditer(text):
            start, end = match.span()
            if not match[0].strip() or any(start < other_end and other_start < end for other_start, other_end in taken):
                continue
            taken.append((start, end))
            yield start, match[0].strip()


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
