"""A decoded recording on disk, so that one of ten hours needs no more memory than one of ten minutes.

It is 16-bit PCM at 16 kHz, channels interleaved, in a temporary file without a name, which goes away with the process
however that ends. Slices are read, not mapped: mapped pages would count as memory of the process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from threading import Event
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from pipeline.asr.channels import ChannelState, ChannelSurvey
from pipeline.asr.decode import Limits, decoding
from pipeline.asr.pcm import FULL_SCALE, pcm16
from pipeline.asr.vad import FRAME, RATE_HZ, Levels, frames_of, levels_db
from pipeline.errors import Poison, Retryable
from pipeline.ports import Samples
from schemas.audio import Extent, RawFormat

MAX_BYTES: Final = 12 << 30
"""A spool is not longer: 24 hours of four channels have 10.3 GiB. Silence packs so well that a bomb is a small file."""
_BLOCK_FRAMES: Final = 64 * FRAME
_BYTES: Final = 2


class Spool:
    """What was decoded: slices of samples, the level of each frame, and what the channels are worth.

    Closing it removes the file.
    """

    def __init__(
        self, file: IO[bytes], frames: int, levels: tuple[Levels, ...], states: tuple[ChannelState, ...]
    ) -> None:
        self._file = file
        self._levels = levels
        self.states = states
        self.channels = len(levels)
        self.frames = frames

    @property
    def duration_ms(self) -> int:
        return round(self.frames * 1_000 / RATE_HZ)

    def levels(self, channel: int) -> Levels:
        """The level of each frame of one channel, as ``vad.levels_db`` tells it."""
        return self._levels[channel]

    def piece(self, channel: int, start: int, end: int) -> Samples:
        """The samples of one channel from ``start`` up to, not including, ``end``, in -1..1."""
        found = np.empty(max(0, min(end, self.frames) - start), dtype=np.float32)
        for at in range(0, len(found), _BLOCK_FRAMES):
            some = found[at : at + _BLOCK_FRAMES]
            some[:] = self._read(start + at, len(some))[:, channel]
        found /= FULL_SCALE
        return found

    def close(self) -> None:
        self._file.close()

    def _read(self, start: int, frames: int) -> npt.NDArray[np.int16]:
        width = self.channels * _BYTES
        data = os.pread(self._file.fileno(), frames * width, start * width)
        return np.frombuffer(data, dtype="<i2").reshape(frames, self.channels)


def spool(
    path: Path,
    *,
    limits: Limits,
    raw: RawFormat | None = None,
    extent: Extent | None = None,
    stop: Event | None = None,
) -> Spool:
    """Decode a recording, or a part of it, to disk; blocks the thread it runs in, until ``stop`` is set.

    Raises:
        Poison: it cannot be decoded, or is longer than the limits or ``MAX_BYTES``.
        Retryable: the disk is full.
    """
    file = TemporaryFile(prefix="convmine-")  # noqa: SIM115 - the spool closes it
    try:
        with decoding(path, sample_rate_hz=RATE_HZ, limits=limits, raw=raw, extent=extent, stop=stop) as found:
            return _filled(file, found.channels, _whole(_until(stop, found.blocks), _BLOCK_FRAMES))
    except BaseException:
        file.close()
        raise


def _filled(file: IO[bytes], channels: int, blocks: Iterator[Samples]) -> Spool:
    survey = ChannelSurvey(channels, RATE_HZ)
    levels: list[list[Levels]] = [[] for _ in range(channels)]
    frames = 0
    for block in blocks:
        frames += len(block)
        if frames * channels * _BYTES > MAX_BYTES:
            raise Poison(f"the recording has more than the {MAX_BYTES >> 30} GiB of samples that are kept on disk")
        _write(file, block)
        survey.add(block.T)
        for channel, of_channel in enumerate(levels):
            of_channel.append(levels_db(frames_of(block[:, channel])))
    return Spool(file, frames, tuple(np.concatenate(it) for it in levels), survey.result())


def _write(file: IO[bytes], block: Samples) -> None:
    try:
        file.write(pcm16(block))
        file.flush()
    except OSError as error:
        raise Retryable(
            f"the decoded recording cannot be written to {gettempdir()}: {error.strerror or error}",
            dependency="temporary folder",
            hint="an hour of one channel takes 115 MB there; TMPDIR names another folder",
        ) from error


def _until(stop: Event | None, blocks: Iterator[Samples]) -> Iterator[Samples]:
    for block in blocks:
        if stop is not None and stop.is_set():
            raise Poison("the decoding of the recording was stopped")
        yield block


def _whole(blocks: Iterator[Samples], frames: int) -> Iterator[Samples]:
    """The same samples in blocks of exactly so many frames, but for the last."""
    waiting: list[Samples] = []
    length = 0
    for block in blocks:
        waiting.append(block)
        length += len(block)
        if length >= frames:
            joined = np.concatenate(waiting)
            whole = length // frames * frames
            yield from np.split(joined[:whole], whole // frames)
            waiting, length = [joined[whole:]], length - whole
    if length:
        yield np.concatenate(waiting)
