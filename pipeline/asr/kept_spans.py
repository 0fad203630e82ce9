"""What was heard in a long recording so far, so that a kill repeats the spans at work and not the whole recording.

Here, and nowhere else, words are kept before they are masked: what is personal may go on in the next span.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from functools import cache
from hashlib import sha256
from typing import Final

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import Config
from pipeline.ports import KeptAnswer, Recognition, ResponseCache
from pipeline.privacy.sealing import UNSEALED, Seal

_BYTES_AS_TEXT: Final = "latin-1"
_FORM: Final = 1  # to be raised where what is done to a recognition before it is kept changes


@dataclass(frozen=True, slots=True)
class Asked:
    """One span as the engine is asked about it; positions are samples at 16 kHz of the decoded part."""

    channel: int
    start: int
    end: int
    language: str | None
    vocabulary: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeptSpans:
    """The recognitions of one recording's spans, kept in a response cache; another engine finds nothing of them.

    Args:
        cache: what keeps them.
        subject: whose words they are (``tenant:call``): an erasure finds them by it, and another call does not.
        recording: what tells the decoded audio from any other: the bytes, how they are read, which part of them.
        engine: the engine's name.
        seal: encrypts them; what it cannot open is not there.
    """

    cache: ResponseCache
    subject: str
    recording: str
    engine: str
    seal: Seal = UNSEALED

    async def get(self, asked: Asked) -> Recognition | None:
        """What was heard, or None where that is not kept."""
        kept = await self.cache.get(self._key(asked))
        return None if kept is None else self._read(kept)

    async def put(self, asked: Asked, recognition: Recognition) -> Recognition:
        """Keep what was heard, and return what is kept: that of whoever was first."""
        sealed = self.seal.seal(_adapter().dump_json(recognition)).decode(_BYTES_AS_TEXT)
        answer = KeptAnswer(sealed, self.engine, "stop")
        return self._read(await self.cache.put(self._key(asked), answer, subject=self.subject)) or recognition

    def _read(self, kept: KeptAnswer) -> Recognition | None:
        try:
            return _adapter().validate_json(self.seal.open(kept.text.encode(_BYTES_AS_TEXT)))
        except (ValidationError, UnicodeEncodeError, Config):
            return None

    def _key(self, asked: Asked) -> str:
        said = ["asr span", _FORM, self.subject, self.recording, self.engine, *astuple(asked)]
        return sha256(json.dumps(said).encode()).hexdigest()


@cache
def _adapter() -> TypeAdapter[Recognition]:
    return TypeAdapter(Recognition)
