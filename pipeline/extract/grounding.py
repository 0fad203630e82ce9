"""A model's claim is kept only if its quote really stands in the segment that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipeline.extract.findings import evidence_of
from pipeline.extract.phrases import find_phrase
from schemas.insight import Evidence
from schemas.transcript import Segment

# Of 100. A model that copies drops a comma or mends a misheard letter; it does not exchange words.
_COPIED: Final = 90.0


def ground(segments: Mapping[str, Segment], segment_id: str, quote: str) -> Evidence | None:
    """The evidence in the segment's own words, or None where the quote does not stand there."""
    segment = segments.get(segment_id)
    if segment is None:
        return None
    said = find_phrase(quote, segment.text, at_least=_COPIED)
    return None if said is None else evidence_of(segment, said)
