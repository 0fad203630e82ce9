"""A model's claim is kept only if its quote really stands in the segment that it names."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.extract.findings import evidence_of
from pipeline.extract.quotes import find_quote
from schemas.insight import Evidence
from schemas.transcript import Segment


def ground(segments: Mapping[str, Segment], segment_id: str, quote: str, *, mention: bool = False) -> Evidence | None:
    """The evidence in the segment's own words, or None where the quote does not stand there.

    Args:
        segments: by the ids that the model was given.
        segment_id: the one that the claim names.
        quote: the words that it quotes.
        mention: whether they only name something, as a slot's value does: then a negation beside them is no matter.
    """
    segment = segments.get(segment_id)
    if segment is None:
        return None
    said = find_quote(quote, segment.text, mention=mention)
    return None if said is None else evidence_of(segment, said)
