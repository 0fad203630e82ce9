"""Audio of which it is known, frame by frame, where somebody speaks: the sample calls, telephone calls, and sounds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.asr_recordings import LIMITS, Call, over_the_line
from pipeline.asr.decode import decode
from pipeline.asr.vad import FRAME_MS, RATE_HZ, Levels, Mask, frames_of, levels_db
from pipeline.ports import Samples

_SPEECH_DB: Final = -50.0  # of full scale; what is softer within a turn is a pause in it
_ABOVE_NOISE_DB: Final = 15.0
_MARGIN_MS: Final = 250
_SOUND_S: Final = 30
_SPEECH_RMS: Final = 0.08  # of the sample calls, as scripts/make-samples makes them


@dataclass(frozen=True, slots=True)
class Material:
    """One channel at 16 kHz. A frame that is in neither mask, as at the edge of a turn, does not count."""

    samples: Samples
    speech: Mask
    silent: Mask


def of_calls(calls: Sequence[Call], noise_db: float | None = None) -> list[Material]:
    """The sample calls over a telephone line, with white noise so many dB below the speech.

    Where they speak is known from the turns' times and the levels before: their only noise is at -74 dB.
    """
    found: list[Material] = []
    for number, (call, channel) in enumerate((call, channel) for call in calls for channel in (0, 1)):
        clean = call.samples[channel]
        turns = [(turn["start_ms"], turn["end_ms"]) for turn in call.turns if turn["channel"] == channel]
        noise = 0.0 if noise_db is None else _white(len(clean), _SPEECH_RMS * 10 ** (-noise_db / 20), number)
        heard = over_the_line(np.asarray(clean + noise, dtype=np.float32))[: len(clean)]
        found.append(_judged(heard, levels_db(frames_of(clean)), turns, _SPEECH_DB))
    return found


def of_telephone(data: Path) -> list[Material]:
    """HarperValleyBank's sides of calls, with the times of their segments; the noise of the line is taken as it is."""
    found: list[Material] = []
    for path in sorted((data / "phone" / "hvb").glob("*.wav")):
        role, call = path.stem.split("_")
        told = json.loads((path.parent / f"{call}.json").read_text(encoding="utf-8"))["segs"]
        turns = [(it["start_ms"], it["start_ms"] + it["dur_ms"]) for it in told if it["role"] == role]
        samples = decode(path, sample_rate_hz=RATE_HZ, limits=LIMITS).samples[0]
        levels = levels_db(frames_of(samples))
        least = max(_SPEECH_DB, float(np.percentile(levels, 10)) + _ABOVE_NOISE_DB)
        found.append(_judged(samples, levels, turns, least))
    return found


def of_sounds() -> list[Material]:
    """What a telephone line has besides speech: noise of two kinds, a ringing tone, keys, clicks, bursts of noise."""
    length = _SOUND_S * RATE_HZ
    time_s = np.arange(length) / RATE_HZ
    ringing = _tones(time_s, 440, 480) * (time_s % 6 < 2)  # noqa: PLR2004 - two seconds of six, as in North America
    keys = _tones(time_s, 770, 1_336) * (time_s % 0.3 < 0.15)  # noqa: PLR2004 - a key held half of the time
    clicks = _white(length, 2e-4, 1)
    clicks[:: RATE_HZ // 2] += 0.5
    bursts = _white(length, 0.03, 2) * (time_s % 1 < 0.3)  # noqa: PLR2004 - a third of each second
    spectrum = np.fft.rfft(_white(length, 1.0, 3)) / np.sqrt(np.arange(1, length // 2 + 2))
    pink = np.fft.irfft(spectrum, length)
    pink *= 0.03 / pink.std()
    sounds = (_white(length, 0.02, 4), _white(length, 0.003, 5), pink, ringing, keys, clicks, bursts)
    lines = [over_the_line(np.asarray(sound, dtype=np.float32)) for sound in sounds]
    frames = [len(frames_of(line)) for line in lines]
    return [Material(line, np.zeros(n, np.bool_), np.ones(n, np.bool_)) for line, n in zip(lines, frames, strict=True)]


def _judged(samples: Samples, levels: Levels, turns: Iterable[tuple[int, int]], least_db: float) -> Material:
    edges = np.arange(len(levels) + 1) * FRAME_MS
    inside, near = np.zeros(len(levels), np.bool_), np.zeros(len(levels), np.bool_)
    for start, end in turns:
        inside |= (edges[:-1] >= start) & (edges[1:] <= end)
        near |= (edges[1:] > start - _MARGIN_MS) & (edges[:-1] < end + _MARGIN_MS)
    return Material(samples, inside & (levels > least_db), ~near)


def _white(length: int, rms: float, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).standard_normal(length) * rms


def _tones(time_s: np.ndarray[tuple[int], np.dtype[np.float64]], *pitches_hz: float) -> Samples:
    return np.asarray(sum(0.1 * np.sin(2 * np.pi * pitch * time_s) for pitch in pitches_hz), dtype=np.float32)
