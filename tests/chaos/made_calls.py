"""Calls that were never made: short recordings, live audio and chats, each with bytes of its own."""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from models_stand_in import PHRASES

from pipeline.asr.decode import Audio, Limits, decode
from pipeline.samples import folder as samples_folder
from schemas.audio import RecordingAvailable
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallFacts, Channel, Lane, Role
from workers.entry import LiveCall, entry_record, live_records
from workers.records import NewRecord

TENANT = "chaos"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RATE_HZ = 8_000
CHANNELS = (Channel(index=0, role=Role.AGENT), Channel(index=1, role=Role.CUSTOMER))
_SPOKEN_S = 0.7
_PAUSE_S = 0.5

Stereo = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Due:
    """A record, and when it is published in seconds from the start of the run."""

    at_s: float
    record: NewRecord


def recordings(folder: Path, count: int, *, seconds: float) -> Iterator[Due]:
    """Announcements of so many recordings that lie in ``folder``, spread evenly over a time."""
    for number in range(count):
        announced = _announced(folder / f"recorded-{number:04}.wav", _talk(number, turns=2), number)
        yield Due(number * seconds / count, announced)


def silences(folder: Path, count: int, *, seconds: float) -> Iterator[Due]:
    """The same of recordings in which nobody speaks: no model is ever asked about them."""
    for number in range(count):
        announced = _announced(folder / f"silent-{number:04}.wav", np.zeros_like(_talk(number, turns=2)), number)
        yield Due(number * seconds / count, announced)


def _announced(path: Path, samples: Stereo, number: int) -> NewRecord:
    path.parent.mkdir(exist_ok=True)
    data = _wav(samples)
    path.write_bytes(data)
    event = RecordingAvailable(
        call_id=path.stem,
        call=_facts(number),
        dataref=path.as_uri(),
        sha256=hashlib.sha256(data).hexdigest(),
        channels=CHANNELS,
    )
    return entry_record(event, tenant_id=TENANT, time=_started(number))


def live_calls(count: int, *, seconds: float, turns: int = 6) -> Iterator[Due]:
    """So many calls that are heard while they go on, begun evenly over a time: start, chunks as fast as speech, end."""
    for number in range(count):
        audio = Audio(_talk(number, turns=turns).T.astype(np.float32) / np.float32(32_768), RATE_HZ)
        call = LiveCall(f"live-{number:02}", audio, CHANNELS, _facts(number))
        for at_ms, record in live_records(call, tenant_id=TENANT, started_at=_started(number)):
            yield Due(number * seconds / count + at_ms / 1_000, record)


def chat(call_id: str, number: int, *, revision: int = 1, texts: tuple[str, ...] | None = None) -> TranscriptCompleted:
    """A conversation in two messages, written elsewhere."""
    said = texts or (PHRASES[number % len(PHRASES)], PHRASES[number * 5 % 7 + 2])
    roles = (Role.AGENT, Role.CUSTOMER)
    return TranscriptCompleted(
        call_id=call_id,
        call=_facts(number),
        revision=revision,
        lane=Lane.BATCH,
        language="en",
        duration_ms=len(said) * 4_000,
        engine="chat",
        segments=tuple(_message(call_id, turn, roles[turn % 2], text) for turn, text in enumerate(said)),
    )


def wordless(count: int, *, seconds: float) -> Iterator[Due]:
    """So many conversations, spread evenly over a time, in which nothing was written."""
    for number in range(count):
        nothing = {"segments": (), "empty_because": "nothing was written"}
        empty = chat(f"wordless-{number:04}", number).model_copy(update=nothing)
        yield Due(number * seconds / count, chat_record(empty))


def chat_record(conversation: TranscriptCompleted) -> NewRecord:
    """The record that brings it in."""
    return entry_record(conversation, tenant_id=TENANT, time=conversation.call.started_at or START)


def _message(call_id: str, turn: int, role: Role, text: str) -> Segment:
    start_ms = turn * 4_000
    return Segment(segment_id=f"{call_id}-{turn}", role=role, start_ms=start_ms, end_ms=start_ms + 3_000, text=text)


def _facts(number: int) -> CallFacts:
    return CallFacts(scenario="telecom", language="en", agent=f"agent-{number % 7}", started_at=_started(number))


def _started(number: int) -> datetime:
    return START + timedelta(seconds=number)


def _talk(number: int, *, turns: int) -> Stereo:
    """Agent and customer by turns: one voice with a loudness and a hiss of this call's own."""
    random = np.random.default_rng(number)
    voice, pause = _voice() * random.uniform(0.5, 0.9), np.zeros(int(_PAUSE_S * RATE_HZ), dtype=np.float32)
    silence = np.zeros(len(voice) + len(pause), dtype=np.float32)
    spoken = np.concatenate([voice, pause])
    sides = [np.concatenate([spoken if turn % 2 == side else silence for turn in range(turns)]) for side in (0, 1)]
    hiss = random.standard_normal((2, len(sides[0]))) * 1e-4
    return np.asarray(np.clip((np.stack(sides) + hiss).T * 32_767, -32_768, 32_767), dtype=np.int16)


@cache
def _voice() -> npt.NDArray[np.float32]:
    """The first words of a sample call, mono."""
    path = samples_folder() / "calls" / "call-01-price-saved.ogg"
    audio = decode(path, sample_rate_hz=16_000, limits=Limits(600)).samples
    first = int(np.argmax(np.abs(audio[0]) > 0.1))
    return np.ascontiguousarray(audio[0, first : first + int(_SPOKEN_S * 16_000) : 2], dtype=np.float32)


def _wav(samples: Stereo) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return data.getvalue()
