"""Float samples as 16-bit PCM, bare or with a WAV header: what engines outside numpy take."""

from __future__ import annotations

import io
import wave
from typing import Final

import numpy as np

from pipeline.ports import Samples, Speech

FULL_SCALE: Final = 32_767


def pcm16(samples: Samples) -> bytes:
    """Samples in -1..1 as little-endian signed 16-bit, in the order in which they stand in the array."""
    return (np.clip(samples, -1.0, 1.0) * FULL_SCALE).round().astype("<i2").tobytes()


def wav_bytes(speech: Speech) -> bytes:
    """A mono 16-bit WAV file in memory."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(speech.sample_rate_hz)
        file.writeframes(pcm16(speech.samples))
    return buffer.getvalue()
