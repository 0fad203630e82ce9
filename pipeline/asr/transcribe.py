"""Audio to words: voice activity on each channel, then all spans of a recording to the engine as one batch."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from pipeline.asr.decode import Audio, resample
from pipeline.asr.vad import RATE_HZ, Rules, Span, find_speech
from pipeline.ports import AsrEngine, Recognition, Samples, Speech


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


async def transcribe(audio: Audio, engine: AsrEngine, rules: Rules, language: str | None = None) -> tuple[Heard, ...]:
    """What was said, in order of start and then channel; spans in which the engine heard no words are among them.

    Args:
        audio: decoded at 16 kHz.
        engine: hears every span once.
        rules: how speech is cut into spans.
        language: of the whole recording, where it is known.

    Raises:
        Retryable: the engine is away.
        Poison: the engine refuses this audio.
    """
    found = await asyncio.to_thread(_spans, audio, rules)
    if not found:
        return ()
    speeches = await asyncio.to_thread(_speeches, audio, found, engine.sample_rate_hz, language)
    recognitions = await _recognise(speeches, engine)
    return tuple(Heard(channel, span, it) for (channel, span), it in zip(found, recognitions, strict=True))


async def _recognise(speeches: list[Speech], engine: AsrEngine) -> list[Recognition]:
    """One language for the whole recording: where it is not known, the longest span tells it to the others."""
    longest = max(range(len(speeches)), key=lambda index: len(speeches[index].samples))
    if len(speeches) == 1 or speeches[longest].language is not None:
        return await engine.recognise(speeches)
    (first,) = await engine.recognise([speeches[longest]])
    others = [replace(it, language=first.language) for index, it in enumerate(speeches) if index != longest]
    results = await engine.recognise(others)
    return [*results[:longest], first, *results[longest:]]


def _spans(audio: Audio, rules: Rules) -> list[tuple[int, Span]]:
    found = [(channel, span) for channel, samples in enumerate(audio.samples) for span in find_speech(samples, rules)]
    return sorted(found, key=lambda pair: (pair[1].start, pair[0]))


def _speeches(audio: Audio, found: list[tuple[int, Span]], rate_hz: int, language: str | None) -> list[Speech]:
    return [Speech(_piece(audio, channel, span, rate_hz), rate_hz, language) for channel, span in found]


def _piece(audio: Audio, channel: int, span: Span, rate_hz: int) -> Samples:
    return resample(audio.samples[channel, span.start : span.end], audio.sample_rate_hz, rate_hz)
