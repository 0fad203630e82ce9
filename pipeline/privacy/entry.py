"""The door that every transcript passes, wherever it was written: no consent, no mining; and only masked text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from pipeline.handling import Handler, Inbound, Outbound
from pipeline.privacy.masking import mask
from schemas.transcript import Segment, TranscriptCompleted

log = structlog.get_logger()

REACH_MS: Final = 60_000
"""How far around a segment of a live call the others are looked at: as far as the words for a code reach, and further
than a number that is said in four pieces, each after the longest pause that a number goes on across.
"""


def guarded(handler: Handler) -> Handler:
    """The same handler behind the door; what is no transcript passes as it is.

    Our own asr stage masks before it publishes. Others may publish transcripts, too, and masking twice changes nothing.
    Segments and messages of live calls pass as well: what a number is shows in the words around it, which only the
    stage has that remembers them (``masked_among``).
    """

    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        transcript = inbound.payload
        if not isinstance(transcript, TranscriptCompleted):
            return await handler(inbound)
        if transcript.call.consent is False:
            log.info("not mined: the customer has not consented")
            return ()
        return await handler(replace(inbound, message=replace(inbound.message, payload=masked(transcript))))

    return handle


def masked(transcript: TranscriptCompleted) -> TranscriptCompleted:
    """The transcript with personal numbers and addresses replaced in every segment."""
    segments = mask(transcript.segments, transcript.language or transcript.call.language)
    return transcript.model_copy(update={"segments": segments})


def masked_among(new: Segment, others: Iterable[Segment], language: str | None) -> tuple[Segment, ...]:
    """A segment of a live call as it may be kept, and those of the others that it showed to hold a part of a number.

    Args:
        new: the segment that came.
        others: masked segments of the same call, at least those within ``REACH_MS`` before and after it.
        language: BCP 47, None if unknown.

    Returns:
        the new one, and of the others those that changed; in order of time.
    """
    near = [one for one in others if one.start_ms <= new.end_ms + REACH_MS and one.end_ms >= new.start_ms - REACH_MS]
    before = sorted((new, *near), key=lambda one: (one.start_ms, one.segment_id))
    pairs = zip(before, mask(before, language), strict=True)
    return tuple(after for was, after in pairs if was is new or after != was)
