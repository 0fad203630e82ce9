"""The door that every transcript passes, wherever it was written: no consent, no mining; and only masked text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from pipeline.handling import Handler, Inbound, Outbound
from pipeline.privacy.masking import mask
from schemas.transcript import TranscriptCompleted

log = structlog.get_logger()


def guarded(handler: Handler) -> Handler:
    """The same handler behind the door; what is no transcript passes as it is.

    Our own asr stage masks before it publishes. Others may publish transcripts, too, and masking twice changes nothing.
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
