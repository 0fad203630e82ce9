"""Float samples as 16-bit PCM, bare or with a WAV header: what engines outside numpy take."""

from __future__ import annotations

import io
import wave

import numpy as np

from pipeline.ports import Samples, Speech

_FULL_SCALE = 32_767


def pcm16(samples: Samples) -> bytes:
    """Mono samples in -1..1 as little-endian signed 16-bit."""
    return (np.clip(samples, -1.0, 1.0) * _FULL_SCALE).round().astype("<i2").tobytes()


def wav_bytes(speech: Speech) -> bytes:
    """A mono 16-bit WAV file in memory."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(speech.sample_rate_hz)
        file.writeframes(pcm16(speech.samples))
    return buffer.getvalue()
