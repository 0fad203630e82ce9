"""Live calls to measure with: the sample calls as chunks of 200 ms, sent in the time that they take."""

from __future__ import annotations

import asyncio
import heapq
import io
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import soundfile
import soxr

from benchmarks.asr_recordings import Call
from pipeline.asr.pcm import pcm16
from pipeline.asr.vad import RATE_HZ
from pipeline.handling import Outbound
from pipeline.ports import Samples
from pipeline.stages import AUDIO
from schemas.audio import AudioChunk, Encoding, RawFormat
from schemas.call import CallEnded, CallStarted
from schemas.envelope import Message, message
from schemas.wire import CallEvent, CallFacts, Channel, Role
from workers.records import NewRecord, chunk_record, write_event

CHUNK_MS: Final = 200
FORMATS: Final = {
    "mu-law 8 kHz": RawFormat(encoding=Encoding.PCMU, sample_rate_hz=8_000, channels=2),
    "L16 16 kHz": RawFormat(encoding=Encoding.L16, sample_rate_hz=16_000, channels=2),
}
_CHANNELS: Final = (Channel(index=0, role=Role.AGENT), Channel(index=1, role=Role.CUSTOMER))
_STARTED: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ENGLISH: Final = CallFacts(language="en")


@dataclass(frozen=True, slots=True)
class Due:
    """A record and when it is to be sent, in seconds from the start."""

    at_s: float
    record: NewRecord


def bodies(call: Call, raw: RawFormat) -> list[bytes]:
    """The audio of a call, chunk by chunk; what is no whole chunk at its end is left out."""
    frames = raw.sample_rate_hz * CHUNK_MS // 1_000
    samples = soxr.resample(call.samples.T, RATE_HZ, raw.sample_rate_hz).clip(-1, 1)
    whole = range(0, len(samples) - frames + 1, frames)
    return [_encoded(samples[start : start + frames], raw) for start in whole]


def dues(calls: Sequence[Sequence[bytes]], raw: RawFormat, count: int, seconds: float) -> Iterator[Due]:
    """The records of so many calls at once, rising by when they are due.

    Each plays one of the calls over and over from a place of its own; their chunks are spread over the 200 ms.
    """
    apart_s = CHUNK_MS / 1_000 / count
    return heapq.merge(
        *(
            course(Play(f"live-{number}", calls[number % len(calls)], raw, number * 37), number * apart_s, seconds)
            for number in range(count)
        ),
        key=lambda due: due.at_s,
    )


async def send(records: Iterable[Due], publish: Callable[[NewRecord], Awaitable[None]]) -> None:
    """Send each when it is due, or at once where that is over."""
    begin = time.perf_counter()
    for due in records:
        if (wait_s := begin + due.at_s - time.perf_counter()) > 0:
            await asyncio.sleep(wait_s)
        await publish(due.record)


@dataclass(frozen=True, slots=True)
class Play:
    """A call that is played from the chunk ``first`` on, over and over; with ``ends``, somebody hangs up."""

    id: str
    audio: Sequence[bytes]
    raw: RawFormat
    first: int
    facts: CallFacts = _ENGLISH
    ends: bool = False


def course(play: Play, start_s: float, seconds: float) -> Iterator[Due]:
    """The records of one call that begins so late and lasts so long."""
    id_ = play.id
    started = CallStarted(call_id=id_, call=play.facts, channels=_CHANNELS)
    yield Due(start_s, write_event(Outbound(AUDIO, _message(started, f"{id_}-s", 0))))
    for sequence in range(int(seconds * 1_000 / CHUNK_MS)):
        chunk = AudioChunk(
            call_id=id_, sequence=sequence, offset_ms=sequence * CHUNK_MS, raw=play.raw, channels=_CHANNELS
        )
        due_ms = (sequence + 1) * CHUNK_MS
        body = play.audio[(play.first + sequence) % len(play.audio)]
        yield Due(start_s + due_ms / 1_000, chunk_record(AUDIO, _message(chunk, f"{id_}-{sequence}", due_ms), body))
    if play.ends:
        over = CallEnded(call_id=id_, duration_ms=round(seconds * 1_000))
        yield Due(start_s + seconds, write_event(Outbound(AUDIO, _message(over, f"{id_}-e", round(seconds * 1_000)))))


def moment(record: NewRecord | Any) -> tuple[bytes, bytes]:  # noqa: ANN401 - kafka-python ships no types
    """Of which call a record is, and of what time in it: what follows from a chunk has the same."""
    return record.key, dict(record.headers)["ce_time"]


def is_final(value: bytes | None) -> bool:
    """Whether a record is a final segment."""
    return bool(json.loads(value or b"{}").get("final"))


def _message(payload: CallEvent, id_: str, ms: int) -> Message:
    at = _STARTED + timedelta(milliseconds=ms)
    return message(payload, id=id_, source="/benchmark", time=at, subject=payload.call_id, tenant_id="bench")


def _encoded(samples: Samples, raw: RawFormat) -> bytes:
    if raw.encoding is Encoding.L16:
        return pcm16(samples.ravel())
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, raw.sample_rate_hz, format="RAW", subtype="ULAW")
    return buffer.getvalue()
