"""What each step from a recording to its transcript costs, without the engine: CPU time of all threads, a channel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import soundfile

from benchmarks.asr_recordings import LIMITS, LINE_HZ, Call
from pipeline.asr.decode import decode, decoding
from pipeline.asr.live_channel import LiveChannel, Piece
from pipeline.asr.live_state import ChannelCut, Mark
from pipeline.asr.spans import speech_of
from pipeline.asr.spool import Spool, spool
from pipeline.asr.streaming_vad import Detectors
from pipeline.asr.transcribe import transcribe
from pipeline.asr.vad import RATE_HZ, Rules
from pipeline.ports import Recognition, Samples, Speech
from pipeline.privacy.masking import mask

CHUNK_MS: Final = 200
_RULES: Final = Rules()


class Instant:
    """An engine that hears "yes" at once, and keeps nothing."""

    name = "instant"
    sample_rate_hz = RATE_HZ

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        return [Recognition("yes", language="en") for _ in speeches]

    async def close(self) -> None:
        """Nothing is held open."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Shares of a channel's duration that one core is busy with each step; 0.01 is 36 s an hour.

    ``spool`` is writing what was decoded to disk, with its levels and the survey of its channels; ``cut`` is cutting
    the spans out of it and handing them to an engine that takes no time.
    """

    decode: float
    resample: float
    spool: float
    vad: float
    cut: float
    mask: float

    @property
    def whole(self) -> float:
        return self.decode + self.resample + self.spool + self.vad + self.cut + self.mask


def costs(path: Path, calls: Sequence[Call], rounds: int) -> Costs:
    """What a recording costs; the text that is masked is that of these calls. The least of so many rounds each."""
    info = soundfile.info(path)
    channel_s = info.duration * info.channels
    read = _least(lambda: _read(path, info.samplerate), rounds)
    resampled = read if info.samplerate == RATE_HZ else _least(lambda: _read(path, RATE_HZ), rounds)
    spooled = _least(lambda: spool(path, limits=LIMITS).close(), rounds)
    with closing(spool(path, limits=LIMITS)) as audio:
        found = _least(lambda: _find(audio), rounds)
        whole = _least(lambda: asyncio.run(transcribe(audio, Instant(), _RULES, "en")), rounds)
    texts = [call.segments() for call in calls]
    masked = _least(lambda: [mask(segments, "en") for segments in texts], rounds)
    return Costs(
        decode=read / channel_s,
        resample=(resampled - read) / channel_s,
        spool=(spooled - resampled) / channel_s,
        vad=found / channel_s,
        cut=(whole - found) / channel_s,
        mask=masked / sum(call.channel_s for call in calls),
    )


def live_cost(path: Path, rounds: int) -> float:
    """The share of a channel's duration that listening to it live takes, at 8 kHz in chunks of 200 ms."""
    audio = decode(path, sample_rate_hz=LINE_HZ, limits=LIMITS)
    detectors = Detectors()
    taken = _least(lambda: _listen(audio.samples, detectors), rounds)
    return taken / (audio.samples.size / LINE_HZ)


def _read(path: Path, rate_hz: int) -> None:
    with decoding(path, sample_rate_hz=rate_hz, limits=LIMITS) as found:
        for _ in found.blocks:
            pass


def _find(audio: Spool) -> None:
    for channel in range(audio.channels):
        speech_of(audio, channel, _RULES)


def _listen(channels: Samples, detectors: Detectors) -> None:
    step = LINE_HZ * CHUNK_MS // 1_000
    for index, samples in enumerate(channels):
        channel = LiveChannel(index, ChannelCut(mark=Mark(sequence=0, ms=0)), LINE_HZ, _RULES, detectors)
        for sequence, at in enumerate(range(0, len(samples), step)):
            channel.feed(Piece(sequence, sequence, sequence * CHUNK_MS, 0, samples[at : at + step]))
        channel.finish()


def _least(work: Callable[[], object], rounds: int) -> float:
    """The CPU time of the fastest round: others that share the machine make a round slower, never faster."""
    taken: list[float] = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)
