"""An engine against references: each recording is heard once, as the asr stage hears it, and scored by channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.asr.decode import Audio, Limits, decode
from pipeline.asr.transcribe import Listening, transcribe
from pipeline.asr.transcript import hearing_of, segments_of
from pipeline.asr.vad import RATE_HZ, Rules
from pipeline.errors import Poison
from pipeline.evaluate.asr_references import Reference
from pipeline.evaluate.wer import Errors, score
from pipeline.ports import AsrEngine
from pipeline.privacy.masking import mask
from schemas.transcript import Hearing


@dataclass(frozen=True, slots=True)
class Scored:
    """One channel of one recording: what was heard there, how far it is from the reference, what became of its audio.

    The words are scored before anything is masked.
    """

    reference: Reference
    engine: str
    seconds: float
    text: str
    errors: Errors
    hearing: Hearing


async def evaluate(
    references: Iterable[Reference], engine: AsrEngine, rules: Rules, max_duration_s: float
) -> AsyncIterator[tuple[Scored, ...]]:
    """The scored channels of one recording after the other; references of one recording stand side by side.

    Raises:
        Retryable: the engine is away.
        Poison: a recording cannot be read, or has no such channel, or the engine refuses it; the message names it.
    """
    for path, group in groupby(references, key=lambda reference: reference.audio):
        wanted = list(group)
        try:
            audio = await asyncio.to_thread(decode, path, sample_rate_hz=RATE_HZ, limits=Limits(max_duration_s))
            scored = await _scored(wanted, audio, engine, rules)
        except (Poison, OSError) as error:
            raise Poison(f"{path}: {error}", hint=getattr(error, "hint", None)) from error
        yield scored


async def _scored(wanted: Sequence[Reference], audio: Audio, engine: AsrEngine, rules: Rules) -> tuple[Scored, ...]:
    channels = tuple(sorted({reference.channel for reference in wanted}))
    if channels[-1] >= audio.channels:
        raise Poison(f"it has {audio.channels} channels, a reference names channel {channels[-1]} (the first is 0)")
    heard = await transcribe(audio, engine, rules, wanted[0].language, Listening(channels=channels))

    def of_channel(reference: Reference) -> Scored:
        mine = [it for it in heard if it.channel == reference.channel]
        text = " ".join(it.recognition.text for it in mine if it.recognition.text)
        segments = segments_of(mine, {reference.channel: reference.role}, (reference.call_id,))
        return Scored(
            reference,
            engine.name,
            audio.duration_ms / 1_000,
            text,
            score(reference.text, text),
            hearing_of(audio.duration_ms, mine, mask(segments, reference.language)),
        )

    return tuple([await asyncio.to_thread(of_channel, reference) for reference in wanted])
