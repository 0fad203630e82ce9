"""Recognition of what was said in a live call: what the engine makes of it, phantoms left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from pipeline.asr.decode import resample
from pipeline.asr.guards import without_phantoms
from pipeline.asr.live_channel import Spoken
from pipeline.asr.live_state import LiveCall
from pipeline.asr.vad import RATE_HZ
from pipeline.asr.vocabulary import Vocabulary
from pipeline.errors import Poison
from pipeline.ports import AsrEngine, Recognition, Speech

_SURE_MS: Final = 5_000
"""After so much speech the language that most of it was in is told to the engine, which need not guess any more."""
_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that was said, and what the engine made of it; None where it refuses it."""

    spoken: Spoken
    words: Recognition | None

    @property
    def has_words(self) -> bool:
        return self.words is not None and bool(self.words.text.strip())


@dataclass(frozen=True, slots=True)
class Ear:
    """Hears what was said.

    Args:
        engine: recognises all that one event brought at once.
        vocabulary: what it is told of the call's words.
        default_scenario: for calls that name none.
    """

    engine: AsrEngine
    vocabulary: Vocabulary
    default_scenario: str | None

    async def hear(self, spoken: Sequence[Spoken], call: LiveCall, *, hurried: bool = True) -> list[Heard]:
        """What the engine makes of each; what is not ``hurried`` lets others go before.

        Raises:
            Retryable: the engine is away.
        """
        if not spoken:
            return []
        language = call.facts.language or language_of(call.spoken_ms, at_least_ms=_SURE_MS)
        vocabulary = self.vocabulary(call.facts.scenario or self.default_scenario, language)
        rate_hz = self.engine.sample_rate_hz
        speeches = [
            Speech(resample(it.samples, RATE_HZ, rate_hz), rate_hz, language, vocabulary, hurried) for it in spoken
        ]
        found = await self._recognise(speeches)
        return [
            Heard(it, None if words is None else without_phantoms(words, speech))
            for it, speech, words in zip(spoken, speeches, found, strict=True)
        ]

    async def _recognise(self, speeches: Sequence[Speech]) -> list[Recognition | None]:
        try:
            return list(await self.engine.recognise(speeches))
        except Poison as refusal:
            if len(speeches) > 1:
                return [words for one in speeches for words in await self._recognise([one])]
            seconds = round(len(speeches[0].samples) / speeches[0].sample_rate_hz, 3)
            _log.error("speech.refused", seconds=seconds, reason=refusal.message)
            return [None]


def language_of(spoken_ms: Mapping[str, int], at_least_ms: int = 0) -> str | None:
    """The language that most of the speech was in, once there was so much."""
    if sum(spoken_ms.values()) < at_least_ms:
        return None
    return max(spoken_ms, key=lambda language: (spoken_ms[language], language), default=None)
