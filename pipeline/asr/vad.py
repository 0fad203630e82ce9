"""Where someone speaks: an energy gate first, then Silero's detector only where there is energy.

The detector is asked about frames of 512 samples at 16 kHz; what becomes of its answers is plain arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.asr import silero
from pipeline.intervals import joined
from pipeline.ports import Samples
from pipeline.settings import AudioSettings

RATE_HZ: Final = 16_000
FRAME: Final = silero.FRAME
FRAME_MS: Final = FRAME * 1_000 / RATE_HZ
_FLOOR_DB: Final = -62.0  # of full scale: below it even a far voice on a telephone line is not understood
_ALWAYS_DB: Final = -45.0  # above it the detector decides, however noisy the line is
_ABOVE_NOISE_DB: Final = 6.0
LEAD_FRAMES: Final = 6
"""The detector is recurrent: it hears this much before the energy rises."""
TRAIL_FRAMES: Final = 3
"""The detector hears this much after the energy fell."""

Levels = npt.NDArray[np.float32]
Probabilities = silero.Probabilities
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of speech: samples from ``start`` up to, not including, ``end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rules:
    """How probabilities become spans.

    A pause shorter than ``hangover_ms`` belongs to the speech around it; speech shorter than ``min_speech_ms`` is
    none; ``pad_ms`` are added on both sides, because a detector is late at soft onsets. More padding does harm: on
    synthetic speech pocketsphinx made 5.3 % errors with 20 to 60 ms and 6.4 % with 100 to 200 ms.
    """

    threshold: float = 0.5
    hangover_ms: int = 400
    pad_ms: int = 60
    min_speech_ms: int = 90
    max_span_s: float = 20.0


def rules_of(settings: AudioSettings) -> Rules:
    """The rules as they are set."""
    return Rules(threshold=settings.vad_threshold, hangover_ms=settings.vad_hangover_ms, max_span_s=settings.max_span_s)


def frames_of(samples: Samples) -> Samples:
    """Mono samples as frames of shape (frames, 512); the last one is filled up with silence."""
    missing = -len(samples) % FRAME
    return (np.pad(samples, (0, missing)) if missing else samples).reshape(-1, FRAME)


def levels_db(frames: Samples) -> Levels:
    """RMS of each frame in dB of full scale."""
    power = np.einsum("ij,ij->i", frames, frames) / FRAME
    return np.asarray(10.0 * np.log10(power + 1e-12), dtype=np.float32)


def gate(levels: Levels) -> Mask:
    """Frames worth asking the detector about: above the line's own noise, with a lead and a trail."""
    if not len(levels):
        return np.zeros(0, dtype=np.bool_)
    return widen(levels > loud_above(noise_of(levels)), LEAD_FRAMES, TRAIL_FRAMES)


def noise_of(levels: Levels) -> float:
    """The line's own noise in dB: a tenth of all frames is quieter."""
    return float(np.percentile(levels, 10))


def loud_above(noise_db: float | None) -> float:
    """The level in dB above which the detector is worth asking; None where the noise is not known yet."""
    return _FLOOR_DB if noise_db is None else min(max(noise_db + _ABOVE_NOISE_DB, _FLOOR_DB), _ALWAYS_DB)


def widen(mask: Mask, before: int, after: int) -> Mask:
    """The mask with every run of true frames made longer on both sides."""
    edges = np.zeros(len(mask) + 1, dtype=np.int64)
    for start, end in runs(mask):
        edges[max(0, start - before)] += 1
        edges[min(len(mask), end + after)] -= 1
    return np.asarray(np.cumsum(edges[:-1]) > 0)


def runs(mask: Mask) -> list[tuple[int, int]]:
    """First and one past the last index of each run of true frames, in order."""
    steps = np.diff(np.concatenate(([0], mask.astype(np.int8), [0])))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


class BlockDetector:
    """What the detector says of one channel, block by block.

    How the channel is cut into blocks changes nothing, to the last bit: a run of frames that goes on in the next block
    is heard on there.
    """

    def __init__(self) -> None:
        self._detector = silero.Silero()
        self._goes_on = False

    def hear(self, frames: Samples, asked: Mask) -> Probabilities:
        """What the detector says of each frame that follows, 0 to 1; 0 where it is not asked.

        It starts afresh at each run of frames that it is asked about.
        """
        result = np.zeros(len(asked), dtype=np.float32)
        for start, end in runs(asked):
            if start or not self._goes_on:
                self._detector.reset()
            result[start:end] = self._detector.process_frames(frames[start:end])
        if len(asked):
            self._goes_on = bool(asked[-1])
        return result


def spans_of(probabilities: Probabilities, levels: Levels, total: int, rules: Rules) -> tuple[Span, ...]:
    """Spans in order, disjoint, inside ``total`` samples, none longer than the longest allowed.

    A stretch that is too long is cut where it is quietest.
    """
    speech = runs(probabilities >= rules.threshold)
    whole = joined(speech, ceil(rules.hangover_ms / FRAME_MS))
    kept = [(start, end) for start, end in whole if (end - start) * FRAME_MS >= rules.min_speech_ms]
    pad = rules.pad_ms * RATE_HZ // 1_000
    padded = [(max(0, start * FRAME - pad), min(total, end * FRAME + pad)) for start, end in kept]
    longest = max(2 * FRAME, int(rules.max_span_s * RATE_HZ))
    return tuple(piece for start, end in joined(padded) for piece in _cut(Span(start, end), levels, longest))


def _cut(span: Span, levels: Levels, longest: int) -> list[Span]:
    pieces: list[Span] = []
    start, end = span.start, span.end
    while (length := end - start) > longest:
        # Between half and all of the longest, and so that what is left is no crumb.
        first = max(longest // 2, length - longest if length <= 2 * longest else 0)
        last = min(longest, length - longest // 4)
        at = quietest(levels, start + first, start + max(first, last))
        pieces.append(Span(start, at))
        start = at
    pieces.append(Span(start, end))
    return pieces


def quietest(levels: Levels, first: int, last: int) -> int:
    """The sample, from ``first`` to ``last``, in the middle of the quietest 96 ms there; else ``last``."""
    low, high = -(-first // FRAME), (last - FRAME // 2) // FRAME
    if high <= low:
        return last
    window = np.convolve(np.pad(levels, 1, mode="edge"), np.ones(3), mode="valid")[low:high]
    return (low + int(np.argmin(window))) * FRAME + FRAME // 2
