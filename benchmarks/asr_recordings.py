"""Recordings to measure with: the shipped sample calls as they are, as a telephone line gives them, and on end."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
import soxr

from benchmarks import ROOT
from pipeline.asr.decode import Limits, decode
from pipeline.asr.vad import RATE_HZ
from pipeline.ports import Samples
from schemas.transcript import Segment

CALLS: Final = ROOT / "pipeline" / "samples" / "calls"
LINE_HZ: Final = 8_000
LIMITS: Final = Limits(24 * 3_600)


@dataclass(frozen=True, slots=True)
class Call:
    """A sample call: samples of shape (2, frames) at 16 kHz, and who said what when."""

    samples: Samples
    turns: Sequence[Mapping[str, Any]]

    @property
    def channel_s(self) -> float:
        """Seconds of audio, counted on each channel."""
        return self.samples.size / RATE_HZ

    def segments(self) -> tuple[Segment, ...]:
        """The turns as an engine would have heard them."""
        return tuple(
            Segment.model_validate(
                {
                    "segment_id": f"s{number}",
                    **{name: turn[name] for name in ("channel", "role", "start_ms", "end_ms", "text")},
                    "confidence": None,
                }
            )
            for number, turn in enumerate(self.turns)
        )


def sample_calls() -> tuple[Call, ...]:
    """All of them."""
    return tuple(_call(path) for path in sorted(CALLS.glob("*.ogg")))


def _call(path: Path) -> Call:
    told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return Call(decode(path, sample_rate_hz=RATE_HZ, limits=LIMITS).samples, told["turns"])


def write_line(path: Path, calls: Sequence[Call], seconds: float) -> None:
    """The calls again and again for so many seconds: 8 kHz, two channels, µ-law in WAV."""
    _write(path, calls, seconds, LINE_HZ, {"format": "WAV", "subtype": "ULAW"})


def write_flac(path: Path, calls: Sequence[Call], seconds: float) -> None:
    """The calls again and again for so many seconds: 16 kHz, two channels, FLAC."""
    _write(path, calls, seconds, RATE_HZ, {"format": "FLAC", "subtype": "PCM_16"})


def _write(path: Path, calls: Sequence[Call], seconds: float, rate_hz: int, form: Mapping[str, str]) -> None:
    left = round(seconds * rate_hz)
    with soundfile.SoundFile(path, "w", rate_hz, 2, **form) as file:
        for call in cycle(calls):
            samples = np.clip(soxr.resample(call.samples.T, RATE_HZ, rate_hz), -1.0, 1.0)[:left]
            file.write(samples)
            left -= len(samples)
            if not left:
                return


def over_the_line(samples: Samples) -> Samples:
    """Mono samples at 16 kHz as they are after 8 kHz and µ-law."""
    buffer = io.BytesIO()
    narrow = np.clip(soxr.resample(samples, RATE_HZ, LINE_HZ), -1.0, 1.0)
    soundfile.write(buffer, narrow, LINE_HZ, format="WAV", subtype="ULAW")
    buffer.seek(0)
    wide = soxr.resample(soundfile.read(buffer, dtype="float32")[0], LINE_HZ, RATE_HZ)
    return np.asarray(wide, dtype=np.float32)
