"""The bytes of a live chunk to samples at 16 kHz; the samples are the same however the audio is cut into chunks."""

from __future__ import annotations

from functools import cache
from math import ceil, gcd
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from pipeline.asr.vad import RATE_HZ
from pipeline.errors import Poison
from pipeline.ports import Samples
from schemas.audio import Encoding, RawFormat

ByteOrder = Literal["BIG", "LITTLE"]

RATES_HZ: Final = (8_000, 16_000, 24_000, 32_000, 48_000)
"""Rates of live audio: a millisecond is a whole number of frames, and of samples at 16 kHz."""
_CLEARLY: Final = 2.0
_CROSSINGS: Final = 16
_KAISER_BETA: Final = 8.0  # images and aliases 80 dB down
_NOTHING: Final = 1e-9  # of a weight: rounding of 0


def check_body(body: bytes, raw: RawFormat) -> int:
    """How many frames (one sample of each channel) a chunk has, at a rate that is read.

    Raises:
        Poison: the rate is none that is read live, there is no audio, or the last frame is cut through.
    """
    if raw.sample_rate_hz not in RATES_HZ:
        known = ", ".join(str(rate) for rate in RATES_HZ)
        raise Poison(f"the chunk has {raw.sample_rate_hz} Hz; live audio is read at {known} Hz")
    if not body:
        raise Poison("the chunk has no audio: 0 bytes")
    size = _frame_bytes(raw)
    if len(body) % size:
        raise Poison(
            f"the chunk has {len(body)} bytes, which is no whole number of frames: "
            f"a frame of {raw.encoding} with {raw.channels} channels has {size}"
        )
    return len(body) // size


def bytes_a_second(raw: RawFormat) -> int:
    """How many bytes a second of such audio has."""
    return _frame_bytes(raw) * raw.sample_rate_hz


def _frame_bytes(raw: RawFormat) -> int:
    return raw.channels * (2 if raw.encoding is Encoding.L16 else 1)


def samples_of(body: bytes, raw: RawFormat, order: ByteOrder | None) -> Samples:
    """Float32 samples in -1..1 of shape (channels, frames) at the chunk's own rate; ``order`` counts for L16 alone."""
    if raw.encoding is Encoding.L16:
        dtype = ">i2" if order == "BIG" else "<i2"
        flat = np.frombuffer(body, dtype).astype(np.float32) / np.float32(32_768)
    else:
        flat = _table(raw.encoding)[np.frombuffer(body, np.uint8)]
    return np.ascontiguousarray(flat.reshape(-1, raw.channels).T)


def clear_byte_order(body: bytes, channels: int) -> ByteOrder | None:
    """The order in which 16-bit samples make by far the smoother wave; None where neither does, as in silence.

    RFC 2586 writes L16 in network order, most telephone systems write it in their machine's; both are met.
    """
    steps: dict[ByteOrder, float] = {}
    for name, dtype in (("BIG", ">i2"), ("LITTLE", "<i2")):
        wave = np.frombuffer(body, dtype).astype(np.float64).reshape(-1, channels)
        steps["BIG" if name == "BIG" else "LITTLE"] = float(np.abs(np.diff(wave, axis=0)).sum())
    if steps["BIG"] * _CLEARLY < steps["LITTLE"]:
        return "BIG"
    return "LITTLE" if steps["LITTLE"] * _CLEARLY < steps["BIG"] else None


@cache
def _table(encoding: Encoding) -> Samples:
    """The sample of each byte (ITU-T G.711)."""
    code = np.arange(256)
    if encoding is Encoding.PCMU:
        bits = ~code & 0xFF
        size = (((bits & 0x0F) << 3) + 0x84 << (bits >> 4 & 7)) - 0x84
        value = np.where(bits & 0x80, -size, size)
    else:
        bits = code ^ 0x55
        segment = bits >> 4 & 7
        size = ((bits & 0x0F) << 4) + 8 + np.where(segment, 0x100, 0) << np.maximum(segment - 1, 0)
        value = np.where(bits & 0x80, size, -size)
    return np.asarray(value / 32_768, dtype=np.float32)


class Resampler:
    """Mono samples of one of ``RATES_HZ`` to 16 kHz, as they come.

    A sample of the result is a weighted sum of the input around its moment (a sinc in a Kaiser window), with silence
    before the first sample. Each sum is taken by itself over as many numbers: so it is rounded in the same way wherever
    a chunk ends, which streams of libsoxr and products by BLAS do not promise.
    """

    def __init__(self, rate_hz: int) -> None:
        shared = gcd(rate_hz, RATE_HZ)
        self._up, self._down = RATE_HZ // shared, rate_hz // shared
        self._reach = _reach(self._up, self._down)
        self._held = np.zeros(self._reach - 1, dtype=np.float32)
        self._held_from = 1 - self._reach  # which sample of the input the first one held is
        self._made = 0
        self._taken = 0

    def feed(self, samples: Samples) -> Samples:
        """What can be told of the result after these samples; it lags by 2 ms."""
        if self._up == self._down:
            return samples
        self._taken += len(samples)
        self._held = np.concatenate((self._held, samples))
        return self._make(self._outputs(self._taken - self._reach))

    def finish(self) -> Samples:
        """The rest of the result, with silence after the last sample."""
        if self._up == self._down:
            return np.zeros(0, dtype=np.float32)
        self._held = np.concatenate((self._held, np.zeros(self._reach, dtype=np.float32)))
        return self._make(self._outputs(self._taken))

    def _outputs(self, inputs: int) -> int:
        """How many samples of the result begin before this sample of the input."""
        return max(self._made, -(-inputs * self._up // self._down))

    def _make(self, upto: int) -> Samples:
        result = np.zeros(upto - self._made, dtype=np.float32)
        for first in range(self._made, min(upto, self._made + self._up)):
            at, phase = divmod(first * self._down, self._up)
            total = result[first - self._made :: self._up]
            place, weights = _weights(self._up, self._down, phase)
            start = at + 1 - self._reach - self._held_from + place
            shape, size = (len(total), len(weights)), self._held.itemsize
            seen = np.ndarray(shape, self._held.dtype, self._held, start * size, (self._down * size, size))
            np.einsum("ij,j->i", seen, weights, out=total)
        self._made = upto
        done = upto * self._down // self._up + 1 - self._reach - self._held_from
        self._held, self._held_from = self._held[done:], self._held_from + done
        return result


def _reach(up: int, down: int) -> int:
    """How many samples of the input count on either side of a moment."""
    return ceil(_CROSSINGS * max(1.0, down / up))


@cache
def _weights(up: int, down: int, phase: int) -> tuple[int, Samples]:
    """The first input, from the first in reach, that counts for a result ``phase / up`` samples after one; the weights.

    Shape (inputs,): of those that count, from the first to the last.
    """
    scale = min(1.0, up / down)
    reach = _reach(up, down)
    away: npt.NDArray[np.float64] = phase / up - np.arange(1 - reach, reach + 1, dtype=np.float64)
    window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(0.0, 1.0 - (away / reach) ** 2))) / np.i0(_KAISER_BETA)
    weights = np.where(np.abs(away) <= reach, scale * np.sinc(scale * away) * window, 0.0)
    first, *_, last = np.flatnonzero(np.abs(weights) > _NOTHING).tolist() * 2
    return first, weights[first : last + 1].astype(np.float32)
