"""A live lane to play calls to, and voices for them that cost nothing to make."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from live_calls import Delivery, Event, Hashing, Kill, Loudness, with_context
from speech import RATE_HZ

from pipeline.asr.live import LiveCalls, build
from pipeline.asr.live_state import LiveCall
from pipeline.asr.streaming_vad import Detectors
from pipeline.handling import Holding
from pipeline.ports import Samples
from pipeline.settings import AudioSettings
from schemas.audio import RawFormat

PCMU = RawFormat.model_validate({"encoding": "PCMU", "sample_rate_hz": 8_000, "channels": 2})
L16 = RawFormat.model_validate({"encoding": "L16", "sample_rate_hz": 16_000, "channels": 2})
MONO = L16.model_copy(update={"channels": 1})
FORMATS = [PCMU, L16, L16.model_copy(update={"sample_rate_hz": 48_000})]
SHORT_SPANS = AudioSettings(max_span_s=2.0)


def handler(
    engine: Any = None,
    audio: AudioSettings = SHORT_SPANS,
    detectors: Detectors | None = None,
    masked: Any = with_context,
    **more: Any,
) -> LiveCalls:
    return build(engine=engine or Hashing(), settings=audio, mask=masked, detectors=detectors or Loudness(), **more)


def delivered(
    events: Sequence[Event],
    kills: dict[int, tuple[Kill, int]] | None = None,
    make: Callable[[], Holding[LiveCall]] = handler,
) -> Delivery:
    delivery = Delivery(make)
    asyncio.run(delivery.run(events, kills))
    return delivery


def voices(
    *channels: Sequence[int], rate_hz: int = RATE_HZ, seed: int = 0, noise_db: float = -80, swell: float = 0.05
) -> Samples:
    """For each channel the lengths in ms of silence, voice, silence, voice …; the voice is a humming that swells."""
    length = max(sum(lengths) for lengths in channels) * rate_hz // 1_000
    random = np.random.default_rng(seed)
    samples = (random.standard_normal((len(channels), length)) * 10 ** (noise_db / 20)).astype(np.float32)
    for channel, lengths in enumerate(channels):
        at = 0
        for turn, ms in enumerate(lengths):
            frames = ms * rate_hz // 1_000
            if turn % 2:
                time = np.arange(frames) / rate_hz
                loudness = 0.15 + swell * np.cos(2 * np.pi * random.uniform(0.5, 4) * time)
                hum = np.sin(2 * np.pi * random.uniform(120, 300) * time)
                samples[channel, at : at + frames] += (loudness * hum).astype(np.float32)
            at += frames
    return samples
