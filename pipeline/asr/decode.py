"""An audio file to samples: libsndfile where it can, ffmpeg where it cannot, always block by block.

Nothing is allocated by what a header claims: blocks are read, resampled and counted until they end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from pipeline.asr.ffmpeg import to_wave64
from pipeline.errors import Poison
from pipeline.ports import Samples
from schemas.audio import Encoding, RawFormat

MAX_CHANNELS: Final = 32
_BLOCK_FRAMES: Final = 65_536
_RATES_HZ: Final = range(1_000, 384_001)
_CONTAINERS: Final = (b"RIFF", b"RF64", b"riff", b"fLaC", b"OggS", b"ID3", b".snd", b"FORM", b"caff")
_SUBTYPES: Final = {Encoding.L16: "PCM_16", Encoding.PCMU: "ULAW", Encoding.PCMA: "ALAW"}
_PROBE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a recording may cost: seconds of audio, and seconds that a conversion by ffmpeg may take."""

    max_duration_s: float
    convert_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Audio:
    """Decoded audio: float32 samples in -1..1 of shape (channels, frames) at ``sample_rate_hz``."""

    samples: Samples
    sample_rate_hz: int

    @property
    def channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def duration_ms(self) -> int:
        return round(int(self.samples.shape[1]) * 1_000 / self.sample_rate_hz)


def decode(path: Path, *, sample_rate_hz: int, limits: Limits, raw: RawFormat | None = None) -> Audio:
    """Read a whole recording at the asked rate; blocks the thread it runs in.

    Args:
        path: the file; its name does not matter, its content does.
        sample_rate_hz: the rate that the samples are wanted at.
        limits: a longer recording is refused while it is read.
        raw: what a header would say, for audio that has none.

    Raises:
        Poison: it is no audio, is empty, damaged or too long, or ``raw`` does not fit it.
    """
    with _opened(path, raw, limits) as source:
        return _drain(source, sample_rate_hz, limits)


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Mono samples at another rate (libsoxr)."""
    if from_hz == to_hz:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, from_hz, to_hz), dtype=np.float32)


@contextmanager
def _opened(path: Path, raw: RawFormat | None, limits: Limits) -> Iterator[Any]:
    with path.open("rb") as file:
        start = file.read(_PROBE_BYTES)
        if not start:
            raise Poison("the recording is empty: 0 bytes")
        if raw is not None:
            with _read_raw(file.fileno(), start, raw) as source:
                yield source
            return
        try:
            source = _read_container(file.fileno())
        except _NotReadable as reason:
            with TemporaryDirectory(prefix="convmine-") as folder, _converted(path, Path(folder), limits, reason) as it:
                yield it
            return
        with source:
            yield source


class _NotReadable(Exception):
    """Libsndfile cannot read this; carries its reason."""


def _read_container(descriptor: int) -> Any:  # noqa: ANN401 - soundfile has no types
    # By descriptor, not by name: soundfile takes the suffix .raw for a format.
    import soundfile

    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return soundfile.SoundFile(descriptor, closefd=False)
    except soundfile.LibsndfileError as error:
        raise _NotReadable(error.error_string.rstrip(".")) from error


def _read_raw(descriptor: int, start: bytes, raw: RawFormat) -> Any:  # noqa: ANN401 - soundfile has no types
    import soundfile

    if start.startswith(_CONTAINERS):
        raise Poison(f"the event declares headerless {raw.encoding}, but the file has a header of its own")
    os.lseek(descriptor, 0, os.SEEK_SET)
    return soundfile.SoundFile(
        descriptor,
        closefd=False,
        format="RAW",
        subtype=_SUBTYPES[raw.encoding],
        endian=byte_order(start) if raw.encoding is Encoding.L16 else "FILE",
        samplerate=raw.sample_rate_hz,
        channels=raw.channels,
    )


def byte_order(pcm: bytes) -> str:
    """``BIG`` or ``LITTLE``: the order in which 16-bit samples make the smoother wave.

    RFC 2586 writes L16 in network order, most telephone systems write it in their machine's; both are met, and in
    the wrong order speech turns into noise near full scale.
    """
    whole = pcm[: len(pcm) // 2 * 2]
    steps = {
        name: float(np.abs(np.diff(np.frombuffer(whole, dtype).astype(np.float64))).sum())
        for name, dtype in (("BIG", ">i2"), ("LITTLE", "<i2"))
    }
    return "BIG" if steps["BIG"] < steps["LITTLE"] else "LITTLE"


@contextmanager
def _converted(path: Path, folder: Path, limits: Limits, reason: _NotReadable) -> Iterator[Any]:
    target = folder / "audio.w64"
    to_wave64(path, target, max_duration_s=limits.max_duration_s + 1, timeout_s=limits.convert_s, because=str(reason))
    with target.open("rb") as file:
        try:
            source = _read_container(file.fileno())
        except _NotReadable as error:
            raise Poison(f"the recording is no audio that can be read: {error}") from error
        with source:
            yield source


def _drain(source: Any, sample_rate_hz: int, limits: Limits) -> Audio:  # noqa: ANN401 - soundfile has no types
    import soxr

    rate, channels = int(source.samplerate), int(source.channels)
    if rate not in _RATES_HZ or channels > MAX_CHANNELS:
        raise Poison(
            f"the recording has {channels} channels at {rate} Hz; "
            f"at most {MAX_CHANNELS} at {_RATES_HZ.start} to {_RATES_HZ.stop - 1} Hz are read"
        )
    stream = soxr.ResampleStream(rate, sample_rate_hz, channels, dtype="float32") if rate != sample_rate_hz else None
    pieces: list[Samples] = []
    frames = 0
    for block in _blocks(source):
        frames += len(block)
        if frames > limits.max_duration_s * rate:
            raise Poison(
                f"the recording is longer than the {limits.max_duration_s:.0f} s of CONVMINE_AUDIO_MAX_DURATION_S"
            )
        pieces.append(block if stream is None else stream.resample_chunk(block))
    if frames == 0:
        raise Poison("the recording is empty: it has a header and no samples")
    if stream is not None:
        pieces.append(stream.resample_chunk(np.empty((0, channels), dtype=np.float32), last=True))
    return Audio(np.ascontiguousarray(np.concatenate(pieces).T), sample_rate_hz)


def _blocks(source: Any) -> Iterator[Samples]:  # noqa: ANN401 - soundfile has no types
    import soundfile

    read = 0
    while True:
        try:
            block: Samples = source.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            at = f"after {read / source.samplerate:.1f} s"
            raise Poison(f"the recording is damaged {at}: {error.error_string.rstrip('.')}") from error
        if not len(block):
            return
        read += len(block)
        # Files of floats can hold anything; an infinite sample would spread through filter and features.
        yield np.clip(np.nan_to_num(block, copy=False, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
