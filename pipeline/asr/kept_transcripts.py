"""Transcripts of recordings, so that one which is uploaded again is not transcribed again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from pydantic import BaseModel, ValidationError

from pipeline.ports import KeptAnswer, ResponseCache
from schemas.transcript import TranscriptCompleted

_FORM: Final = 1  # to be raised where what a transcript is made of changes


class _Kept(BaseModel):
    """A masked transcript, and the event that it was made for."""

    event_id: str
    transcript: TranscriptCompleted


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload of a recording.

    Args:
        event_id: of the event that announced it.
        subject: the call (``tenant:call``); an erasure finds what is kept by it.
        made_of: all that the transcript depends on: the bytes and how they are read and heard, the call's revision.
    """

    event_id: str
    subject: str
    made_of: str

    @property
    def key(self) -> str:
        """The same for every upload of the same bytes for the same revision of a call."""
        return sha256(json.dumps(["asr transcript", _FORM, self.subject, self.made_of]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class KeptTranscripts:
    """Transcripts, masked as they were published, in a response cache.

    What was made for an event is not given to that event again: whoever replays one wants it done anew.
    """

    cache: ResponseCache

    async def of_earlier(self, upload: Upload) -> TranscriptCompleted | None:
        """The transcript that was made for an earlier upload of the same, by another event."""
        answer = await self.cache.get(upload.key)
        if answer is None:
            return None
        try:
            kept = _Kept.model_validate_json(answer.text)
        except ValidationError:
            return None
        return None if kept.event_id == upload.event_id else kept.transcript

    async def keep(self, upload: Upload, transcript: TranscriptCompleted) -> None:
        text = _Kept(event_id=upload.event_id, transcript=transcript).model_dump_json(exclude_none=True)
        await self.cache.put(upload.key, KeptAnswer(text, transcript.engine, "stop"), subject=upload.subject)
