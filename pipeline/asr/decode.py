"""An audio file, or a part of it, to samples: libsndfile where it can, ffmpeg where it cannot, block by block.

Nothing is allocated by what a header claims: blocks are read, resampled and counted until they end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import IO, Any, Final

import numpy as np

from pipeline.asr.ffmpeg import to_wave64
from pipeline.asr.formats import is_audio_file, missing_bytes
from pipeline.asr.raw_audio import open_raw
from pipeline.asr.vad import Levels, frames_of, levels_db
from pipeline.errors import Poison
from pipeline.ports import Samples
from schemas.audio import Extent, RawFormat

MAX_CHANNELS: Final = 32
_BLOCK_SAMPLES: Final = 131_072  # of all channels together
_RATES_HZ: Final = range(1_000, 384_001)
_PROBE_BYTES: Final = 1 << 20
_MISSING_BYTES: Final = 4_096  # writers miscount by a header or a block


@dataclass(frozen=True, slots=True)
class Limits:
    """What a recording may cost: seconds of audio, and seconds that a conversion by ffmpeg may take.

    ``named`` is what sets the first, for people.
    """

    max_duration_s: float
    convert_s: float = 600.0
    named: str = "CONVMINE_AUDIO_MAX_DURATION_S"


@dataclass(frozen=True, slots=True)
class Audio:
    """Decoded audio: float32 samples in -1..1 of shape (channels, frames) at ``sample_rate_hz``."""

    samples: Samples
    sample_rate_hz: int

    @property
    def channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def frames(self) -> int:
        return int(self.samples.shape[1])

    @property
    def duration_ms(self) -> int:
        return round(self.frames * 1_000 / self.sample_rate_hz)

    def piece(self, channel: int, start: int, end: int) -> Samples:
        """The samples of one channel from ``start`` up to, not including, ``end``."""
        return self.samples[channel, start:end]

    def levels(self, channel: int) -> Levels:
        """The level of each frame of one channel, as ``vad.levels_db`` tells it."""
        return levels_db(frames_of(self.samples[channel]))


@dataclass(frozen=True, slots=True)
class Decoding:
    """A recording that is being read: float32 in -1..1, in blocks of shape (frames, channels)."""

    channels: int
    blocks: Iterator[Samples]


def decode(
    path: Path, *, sample_rate_hz: int, limits: Limits, raw: RawFormat | None = None, extent: Extent | None = None
) -> Audio:
    """Read a whole recording at the asked rate into memory; blocks the thread it runs in.

    Arguments and errors are those of ``decoding``.
    """
    with decoding(path, sample_rate_hz=sample_rate_hz, limits=limits, raw=raw, extent=extent) as found:
        return Audio(np.ascontiguousarray(np.concatenate(list(found.blocks)).T), sample_rate_hz)


@contextmanager
def decoding(  # noqa: PLR0913 - what is read, how, and how much of it, each named
    path: Path,
    *,
    sample_rate_hz: int,
    limits: Limits,
    raw: RawFormat | None = None,
    extent: Extent | None = None,
    stop: Event | None = None,
) -> Iterator[Decoding]:
    """A recording at the asked rate, read while its blocks are asked for; they are there while the context is open.

    Args:
        path: the file; its name does not matter, its content does.
        sample_rate_hz: the rate that the samples are wanted at.
        limits: a longer recording, or extent of it, is refused while it is read.
        raw: what a header would say, for audio that has none.
        extent: the part to read; what lies before it is not decoded.
        stop: ends a conversion by ffmpeg when it is set; nobody wants the result any more.

    Raises:
        Poison: it is no audio, is empty, damaged, cut off or too long, or ends before the extent; or ``raw`` does not
            fit it.
    """
    with _opened(path, raw, _Wanted(limits, extent, stop)) as source:
        rate, channels = int(source.samplerate), int(source.channels)
        if rate not in _RATES_HZ or channels > MAX_CHANNELS:
            raise Poison(
                f"the recording has {channels} channels at {rate} Hz; "
                f"at most {MAX_CHANNELS} at {_RATES_HZ.start} to {_RATES_HZ.stop - 1} Hz are read"
            )
        blocks = _counted(_blocks(source, extent), rate, limits, extent)
        yield Decoding(channels, _resampled(blocks, rate, sample_rate_hz, channels))


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Mono samples at another rate (libsoxr)."""
    if from_hz == to_hz:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, from_hz, to_hz), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Wanted:
    limits: Limits
    extent: Extent | None
    stop: Event | None


@contextmanager
def _opened(path: Path, raw: RawFormat | None, wanted: _Wanted) -> Iterator[Any]:
    """The open file, at the start of the extent."""
    with path.open("rb") as file:
        start = file.read(_PROBE_BYTES)
        if not start:
            raise Poison("the recording is empty: 0 bytes")
        if raw is not None:
            with open_raw(file.fileno(), start, raw) as source:
                yield _at(source, wanted.extent)
            return
        _refuse_cut_off(file)
        try:
            source = _read_container(file.fileno(), start)
        except _NotReadable as reason:
            with (
                TemporaryDirectory(prefix="convmine-") as folder,
                _converted(path, Path(folder), wanted, reason) as converted,
            ):
                yield converted
            return
        with source:
            yield _at(source, wanted.extent)


def _refuse_cut_off(file: IO[bytes]) -> None:
    size = os.fstat(file.fileno()).st_size
    if (missing := missing_bytes(file, size)) > _MISSING_BYTES:
        raise Poison(
            f"the recording has {size} bytes, {missing} fewer than its header says: it was cut off, or its header lies"
        )


def _at(source: Any, extent: Extent | None) -> Any:  # noqa: ANN401 - soundfile has no types
    import soundfile

    if extent is not None:
        try:
            source.seek(extent.start_ms * source.samplerate // 1_000)
        except soundfile.LibsndfileError as error:
            raise _ends_before(extent) from error
    return source


def _ends_before(extent: Extent) -> Poison:
    return Poison(
        f"the recording ends before {extent.start_ms / 1_000:.1f} s, where the part of it begins that is asked for"
    )


class _NotReadable(Exception):
    """Libsndfile cannot read this; carries its reason."""


def _read_container(descriptor: int, start: bytes) -> Any:  # noqa: ANN401 - soundfile has no types
    import soundfile

    if not is_audio_file(start):
        raise _NotReadable("not a kind of audio file that it is trusted with")
    # By descriptor, not by name: soundfile takes the suffix .raw for a format.
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return soundfile.SoundFile(descriptor, closefd=False)
    except soundfile.LibsndfileError as error:
        raise _NotReadable(error.error_string.rstrip(".")) from error


@contextmanager
def _converted(path: Path, folder: Path, wanted: _Wanted, reason: _NotReadable) -> Iterator[Any]:
    target = folder / "audio.w64"
    to_wave64(
        path,
        target,
        start_s=wanted.extent.start_ms / 1_000 if wanted.extent else 0.0,
        max_duration_s=min(wanted.limits.max_duration_s, _length_s(wanted.extent)) + 1,
        timeout_s=wanted.limits.convert_s,
        because=str(reason),
        stop=wanted.stop,
    )
    with target.open("rb") as file:
        try:
            source = _read_container(file.fileno(), file.read(_PROBE_BYTES))
        except _NotReadable as error:
            raise Poison(f"the recording is no audio that can be read: {error}") from error
        with source:
            yield source


def _length_s(extent: Extent | None) -> float:
    return (extent.end_ms - extent.start_ms) / 1_000 if extent else inf


def _resampled(blocks: Iterator[Samples], from_hz: int, to_hz: int, channels: int) -> Iterator[Samples]:
    if from_hz == to_hz:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(from_hz, to_hz, channels, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.empty((0, channels), dtype=np.float32), last=True)


def _counted(blocks: Iterator[Samples], rate_hz: int, limits: Limits, extent: Extent | None) -> Iterator[Samples]:
    frames = 0
    for block in blocks:
        frames += len(block)
        if frames > limits.max_duration_s * rate_hz:
            raise Poison(f"the recording is longer than the {limits.max_duration_s:.0f} s of {limits.named}")
        yield block
    if frames == 0:
        raise _ends_before(extent) if extent else Poison("the recording is empty: it has a header and no samples")


def _blocks(source: Any, extent: Extent | None) -> Iterator[Samples]:  # noqa: ANN401 - soundfile has no types
    import soundfile

    rate, longest = source.samplerate, max(1, _BLOCK_SAMPLES // source.channels)
    first = extent.start_ms * rate // 1_000 if extent else 0
    wanted = extent.end_ms * rate // 1_000 - first if extent else None
    read = 0
    while wanted is None or read < wanted:
        try:
            frames = longest if wanted is None else min(longest, wanted - read)
            block: Samples = source.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            at = f"after {(first + read) / rate:.1f} s"
            raise Poison(f"the recording is damaged {at}: {error.error_string.rstrip('.')}") from error
        if not len(block):
            return
        read += len(block)
        # Files of floats can hold anything; an infinite sample would spread through filter and features.
        yield np.clip(np.nan_to_num(block, copy=False, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
