"""Speech for tests: the shipped sample calls, cut; and sounds that are none."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.asr.decode import Limits, decode
from pipeline.asr.vad import BlockDetector, Rules, Span, frames_of, gate, levels_db, spans_of
from pipeline.ports import Samples, Speech

SAMPLE = Path(__file__).parents[3] / "pipeline" / "samples" / "calls" / "call-01-price-saved.ogg"
RATE_HZ = 16_000


@cache
def sample_call() -> Samples:
    """The first sample call: float32 of shape (2, frames) at 16 kHz; the agent is on channel 0."""
    return decode(SAMPLE, sample_rate_hz=RATE_HZ, limits=Limits(600)).samples


def find_speech(samples: Samples, rules: Rules) -> tuple[Span, ...]:
    """The spans of speech in mono samples, all of them heard at once: what pieces and live chunks must find, too."""
    frames = frames_of(samples)
    levels = levels_db(frames)
    return spans_of(BlockDetector().hear(frames, gate(levels)), levels, len(samples), rules)


def turns() -> list[dict[str, Any]]:
    """The turns of the first sample call: role, channel, text, and from when to when in ms."""
    found: list[dict[str, Any]] = json.loads(SAMPLE.with_suffix(".json").read_text(encoding="utf-8"))["turns"]
    return found


def greeting() -> Speech:
    """The first turn, in which the agent wishes a good morning."""
    first = turns()[0]
    piece = slice((first["start_ms"] - 50) * RATE_HZ // 1_000, (first["end_ms"] + 50) * RATE_HZ // 1_000)
    return Speech(sample_call()[first["channel"], piece], RATE_HZ, "en")


def noise(seconds: float, level_db: float, seed: int = 0) -> Samples:
    """White noise at so many dB of full scale."""
    random = np.random.default_rng(seed)
    return (random.standard_normal(int(seconds * RATE_HZ)) * 10 ** (level_db / 20)).astype(np.float32)
