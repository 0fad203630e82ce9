"""Playback that keeps silent where something personal was said: masked spans of a recording become silence."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.errors import Poison
from pipeline.intervals import Stretch, joined
from pipeline.ports import Samples
from pipeline.privacy.placeholders import Placeholder
from schemas.transcript import MaskedSpan, Segment

FADE_MS: Final = 5
"""So many ms before a span the sound begins to go, and so many after it it is back: a sudden step would click."""
_BLOCK_FRAMES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Muted:
    """What was written: seconds of audio, and how many of them are silent now."""

    seconds: float
    muted_s: float


def hidden(segments: Iterable[Segment], *, later_ms: int = 0) -> list[MaskedSpan]:
    """What nobody may hear of a call that begins ``later_ms`` into its recording.

    Where a placeholder stands in a segment that says no times, as those do that were stored before there were any, it
    is the whole segment.
    """
    found: list[MaskedSpan] = []
    for segment in segments:
        spans = segment.masked
        if not spans:
            kinds = [placeholder.kind for placeholder in Placeholder if placeholder in segment.text]
            spans = tuple(MaskedSpan(kind=kind, start_ms=segment.start_ms, end_ms=segment.end_ms) for kind in kinds[:1])
        found += [
            MaskedSpan(kind=one.kind, start_ms=one.start_ms + later_ms, end_ms=one.end_ms + later_ms) for one in spans
        ]
    return found


def write_muted(source: Path, target: Path, spans: Sequence[MaskedSpan]) -> Muted:
    """Write a recording anew as 16-bit WAV with all its channels silent in the spans, block by block.

    All channels, because what one side says is often heard, or said again, on the other. The target appears when it is
    whole.

    Raises:
        Poison: the source is nothing that libsndfile reads, or ends before a span begins.
        OSError: the source cannot be opened, or the target not written.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        done = _write(source, part, spans)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return done


def _write(source: Path, target: Path, spans: Sequence[MaskedSpan]) -> Muted:
    import soundfile

    try:
        with source.open("rb") as heard, target.open("wb") as muted, soundfile.SoundFile(heard) as audio:
            rate, frames = int(audio.samplerate), 0
            stretches, fade = _stretches(spans, rate), _fade(rate)
            with soundfile.SoundFile(muted, "w", rate, int(audio.channels), "PCM_16", format="WAV") as out:
                while len(block := audio.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
                    # Files of floats can hold anything, and nothing times no number is no silence.
                    block = np.nan_to_num(block, copy=False)
                    _silence(block, frames, stretches, fade)
                    out.write(block)
                    frames += len(block)
    except soundfile.LibsndfileError as error:
        raise Poison(f"{source} cannot be read: {error.error_string.rstrip('.')}") from error
    if stretches and stretches[-1][0] >= frames:
        raise Poison(
            f"{source} ends at {frames / rate:.1f} s, but something is masked at {stretches[-1][0] / rate:.1f} s",
            hint="it is not the recording of this call, or only a part of it",
        )
    return Muted(frames / rate, sum(min(end, frames) - start for start, end in stretches) / rate)


def _silence(samples: Samples, first: int, stretches: Sequence[Stretch], fade: int) -> None:
    """Silence the stretches in place; samples are of shape (frames, channels) and begin with the frame ``first``."""
    after = first + len(samples)
    reached = slice(
        bisect_right(stretches, first - fade, key=lambda one: one[1]),
        bisect_left(stretches, after + fade, key=lambda one: one[0]),
    )
    for start, end in stretches[reached]:
        low, high = max(start - fade, first), min(end + fade, after)
        frames = np.arange(low, high)
        away = np.maximum(np.maximum(start - frames, frames - end + 1), 0)
        gain = np.minimum(away / fade, 1.0).astype(np.float32)
        samples[low - first : high - first] *= gain[:, np.newaxis]


def _stretches(spans: Iterable[MaskedSpan], rate_hz: int) -> list[Stretch]:
    """The frames of the spans, in order and disjoint; a frame that a span only touches counts."""
    return joined((span.start_ms * rate_hz // 1_000, -(-span.end_ms * rate_hz // 1_000)) for span in spans)


def _fade(rate_hz: int) -> int:
    return max(1, rate_hz * FADE_MS // 1_000)
