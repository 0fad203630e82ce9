"""An engine against references: each recording is heard once, as the asr stage hears it, and scored by channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from itertools import groupby

from pipeline.asr.decode import Limits, decode
from pipeline.asr.transcribe import transcribe
from pipeline.asr.vad import RATE_HZ, Rules
from pipeline.errors import Poison
from pipeline.evaluate.asr_references import Reference
from pipeline.evaluate.wer import Errors, score
from pipeline.ports import AsrEngine


@dataclass(frozen=True, slots=True)
class Scored:
    """One channel of one recording: what was heard there and how far it is from the reference."""

    reference: Reference
    engine: str
    seconds: float
    text: str
    errors: Errors


async def evaluate(
    references: Iterable[Reference], engine: AsrEngine, rules: Rules, max_duration_s: float
) -> AsyncIterator[tuple[Scored, ...]]:
    """The scored channels of one recording after the other; references of one recording stand side by side.

    Raises:
        Retryable: the engine is away.
        Poison: a recording cannot be read, or has no such channel; the message names it.
    """
    for path, group in groupby(references, key=lambda reference: reference.audio):
        wanted = list(group)
        try:
            audio = await asyncio.to_thread(decode, path, sample_rate_hz=RATE_HZ, limits=Limits(max_duration_s))
        except (Poison, OSError) as error:
            raise Poison(f"{path}: {error}") from error
        if (odd := max(reference.channel for reference in wanted)) >= audio.channels:
            raise Poison(f"{path} has {audio.channels} channels, a reference names channel {odd} (the first is 0)")
        heard = await transcribe(audio, engine, rules, wanted[0].language)
        yield tuple(
            Scored(reference, engine.name, audio.duration_ms / 1_000, text, score(reference.text, text))
            for reference in wanted
            for text in [" ".join(it.recognition.text for it in heard if it.channel == reference.channel)]
        )
