"""Audio to words: voice activity on each channel, then the spans of a recording to the engine, a portion at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.asr.decode import resample
from pipeline.asr.guards import without_phantoms
from pipeline.asr.kept_spans import Asked, KeptSpans
from pipeline.asr.spans import Recorded, parted, speech_of
from pipeline.asr.vad import RATE_HZ, Rules, Span
from pipeline.ports import AsrEngine, Diariser, Recognition, Speech

PORTION_SPANS: Final = 32
_PORTION_SAMPLES: Final = 300 * RATE_HZ
"""A portion holds so much audio (5 minutes, 19 MB) at most, or one span."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One span of one channel and what the engine made of it; positions are samples at 16 kHz."""

    channel: int
    span: Span
    recognition: Recognition

    @property
    def start_ms(self) -> int:
        return self.span.start * 1_000 // RATE_HZ

    @property
    def end_ms(self) -> int:
        return self.span.end * 1_000 // RATE_HZ


def _no_words(language: str | None) -> tuple[str, ...]:
    del language
    return ()


@dataclass(frozen=True, slots=True)
class Listening:
    """How a recording is listened to.

    Args:
        channels: which of its channels; None for all.
        vocabulary: words that are likely in it, by the language that is spoken.
        diariser: tells several speakers on each of these channels apart.
        kept: what was heard in it before is not heard again.
        portion_spans: spans that the engine is given at once.
    """

    channels: tuple[int, ...] | None = None
    vocabulary: Callable[[str | None], tuple[str, ...]] = _no_words
    diariser: Diariser | None = None
    kept: KeptSpans | None = None
    portion_spans: int = PORTION_SPANS


@dataclass(frozen=True, slots=True)
class _Place:
    channel: int
    span: Span


async def transcribe(
    audio: Recorded, engine: AsrEngine, rules: Rules, language: str | None = None, how: Listening | None = None
) -> tuple[Heard, ...]:
    """What was said, in order of start and then channel; spans in which the engine heard no words are among them.

    Where the language is not known, the longest span tells it to all others.

    Args:
        audio: decoded at 16 kHz.
        engine: hears every span once.
        rules: how speech is cut into spans.
        language: of the whole recording, where it is known.
        how: what else there is to say; all channels, and nothing else, if not given.

    Raises:
        Retryable: the engine is away.
        Poison: the engine refuses this audio.
    """
    recognising = _Recognising(audio, engine, how or Listening())
    places = await _places(audio, rules, recognising.how)
    if not places:
        return ()
    if language is not None or len(places) == 1:
        return await recognising.all_of(places, language)
    longest = max(range(len(places)), key=lambda index: places[index].span.end - places[index].span.start)
    (first,) = await recognising.all_of([places[longest]], None)
    others = [*places[:longest], *places[longest + 1 :]]
    heard = await recognising.all_of(others, first.recognition.language)
    return (*heard[:longest], first, *heard[longest:])


async def _places(audio: Recorded, rules: Rules, how: Listening) -> list[_Place]:
    found: list[_Place] = []
    for channel in range(audio.channels) if how.channels is None else how.channels:
        spans = await asyncio.to_thread(speech_of, audio, channel, rules)
        if how.diariser is not None:
            spans = await parted(audio, channel, spans, how.diariser)
        found += (_Place(channel, span) for span in spans)
    return sorted(found, key=lambda it: (it.span.start, it.channel))


@dataclass(frozen=True, slots=True)
class _Recognising:
    audio: Recorded
    engine: AsrEngine
    how: Listening

    async def all_of(self, places: Sequence[_Place], language: str | None) -> tuple[Heard, ...]:
        heard: list[Heard] = []
        words = self.how.vocabulary(language)
        for portion in portions(places, self.how.portion_spans):
            asked = [Asked(it.channel, it.span.start, it.span.end, language, words) for it in portion]
            recognitions = await self._recognise(asked)
            heard += (Heard(at.channel, at.span, it) for at, it in zip(portion, recognitions, strict=True))
        return tuple(heard)

    async def _recognise(self, portion: Sequence[Asked]) -> list[Recognition]:
        known = await self._kept(portion)
        if missing := [asked for asked in portion if asked not in known]:
            speeches = await asyncio.to_thread(self._speeches, missing)
            recognised = await self.engine.recognise(speeches)
            for asked, speech, raw in zip(missing, speeches, recognised, strict=True):
                heard = without_phantoms(raw, speech)
                known[asked] = heard if self.how.kept is None else await self.how.kept.put(asked, heard)
        return [known[asked] for asked in portion]

    async def _kept(self, portion: Sequence[Asked]) -> dict[Asked, Recognition]:
        if self.how.kept is None:
            return {}
        found = await asyncio.gather(*(self.how.kept.get(asked) for asked in portion))
        return {asked: it for asked, it in zip(portion, found, strict=True) if it is not None}

    def _speeches(self, portion: Sequence[Asked]) -> list[Speech]:
        rate_hz = self.engine.sample_rate_hz
        return [
            Speech(
                resample(self.audio.piece(it.channel, it.start, it.end), RATE_HZ, rate_hz),
                rate_hz,
                it.language,
                it.vocabulary,
            )
            for it in portion
        ]


def portions(places: Sequence[_Place], spans: int) -> Iterator[list[_Place]]:
    """The places in order, so many spans and so much audio at a time."""
    portion: list[_Place] = []
    samples = 0
    for place in places:
        length = place.span.end - place.span.start
        if portion and (len(portion) >= spans or samples + length > _PORTION_SAMPLES):
            yield portion
            portion, samples = [], 0
        portion.append(place)
        samples += length
    if portion:
        yield portion
