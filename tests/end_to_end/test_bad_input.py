"""Bad recordings through the real asr stage and runtime: each gets a clear answer, and the next one is heard."""

from __future__ import annotations

import hashlib
import json
import wave
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.asr import stage as asr
from pipeline.asr.fetch import build_store
from pipeline.privacy.masking import mask
from pipeline.settings import AudioSettings
from pipeline.stages import FAILED, RECORDINGS, Stage, stage_named, transcripts
from pipeline.testing import ScriptedEngine
from schemas.audio import RecordingAvailable
from schemas.wire import Channel, Lane, Role
from workers.entry import entry_record
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import Limits
from workers.outcomes import RetryPolicy
from workers.records import NewRecord, Record

FOUND = stage_named("asr", Lane.BATCH)
assert FOUND is not None
STAGE: Stage = FOUND
NOW = datetime.now(UTC)


def tone(path: Path, *, seconds: float = 1.0, channels: int = 1, level: int = 0) -> Path:
    """A WAV file of silence, or of a square wave that is no speech."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(16_000)
        frame = (level.to_bytes(2, "little", signed=True) + (-level).to_bytes(2, "little", signed=True)) * channels
        file.writeframes(frame * int(seconds * 8_000))
    return path


def zero_channels(path: Path) -> Path:
    data = bytearray(tone(path).read_bytes())
    data[22:24] = b"\0\0"
    path.write_bytes(data)
    return path


def cut_header(path: Path) -> Path:
    path.write_bytes(tone(path).read_bytes()[:30])
    return path


def text_file(path: Path) -> Path:
    path.write_text("Dear customer, this is a letter and no call.")
    return path


def empty_file(path: Path) -> Path:
    path.touch()
    return path


def announced(path: Path | str, call_id: str, **changes: Any) -> NewRecord:
    uri = path if isinstance(path, str) else path.as_uri()
    time = changes.pop("time", NOW)
    return entry_record(RecordingAvailable(call_id=call_id, dataref=uri, **changes), tenant_id="t", time=time)


@dataclass
class Heard:
    """What came of some recordings."""

    transcripts: list[dict[str, Any]]
    letters: list[Record]
    failures: list[dict[str, Any]]


@asynccontextmanager
async def worker(broker: InProcessBroker, settings: AudioSettings) -> AsyncIterator[None]:
    handler = asr.build(
        engine=ScriptedEngine(), store=build_store(settings), settings=settings, now=lambda: NOW, mask=mask
    )
    limits = Limits(policy=RetryPolicy(first_s=0.01, longest_s=0.02, attempts=3))
    running = InProcessWorker(broker, STAGE, handler, limits)
    await running.start()
    yield
    await running.stop(5)


async def hear(settings: AudioSettings, records: Sequence[NewRecord]) -> Heard:
    broker = InProcessBroker(partitions=1)
    await broker.publish(records)
    async with worker(broker, settings):
        await broker.wait_idle([STAGE])
    return Heard(
        [json.loads(record.value or b"") for record in broker.records(transcripts(Lane.BATCH))],
        broker.records(STAGE.dead_letters(RECORDINGS)),
        [json.loads(record.value or b"") for record in broker.records(FAILED)],
    )


BAD_FILES: list[tuple[Callable[[Path], Path], str]] = [
    (text_file, "audio"),
    (empty_file, "empty"),
    (zero_channels, "Channel count is zero"),
    (cut_header, "cut off|header|audio"),
]


@pytest.mark.parametrize(("make", "reason"), BAD_FILES, ids=[make.__name__ for make, _ in BAD_FILES])
async def test_a_file_that_is_no_recording_is_a_dead_letter_and_the_next_one_is_heard(
    tmp_path: Path, make: Callable[[Path], Path], reason: str
) -> None:
    bad, good = announced(make(tmp_path / "bad.wav"), "bad"), announced(tone(tmp_path / "good.wav"), "good")
    heard = await hear(AudioSettings(allowed_roots=(tmp_path,)), [bad, good])
    (letter,) = heard.letters
    assert (letter.key, letter.value) == (bad.key, bad.value)
    (failure,) = heard.failures
    assert failure["call_id"] == "bad"
    assert any(word in failure["reason"] for word in reason.split("|")), failure["reason"]
    assert [transcript["call_id"] for transcript in heard.transcripts] == ["good"]


@pytest.mark.parametrize(
    ("changes", "settings", "reason"),
    [
        ({"sha256": "0" * 64}, {}, "sha256"),
        ({"channels": (Channel(index=7, role=Role.AGENT),)}, {}, "channel 7"),
        ({}, {"max_bytes": 100}, "CONVMINE_AUDIO_MAX_BYTES"),
        ({}, {"max_duration_s": 0.5}, "CONVMINE_AUDIO_MAX_DURATION_S"),
        ({}, {"allowed_roots": (Path("/nowhere"),)}, "CONVMINE_AUDIO_ALLOWED_ROOTS"),
    ],
    ids=["other sha256", "unknown channel", "too large", "too long", "outside the allowed folders"],
)
async def test_a_recording_that_may_not_be_heard_says_why_and_what_to_set(
    tmp_path: Path, changes: dict[str, Any], settings: dict[str, Any], reason: str
) -> None:
    audio = AudioSettings(**{"allowed_roots": (tmp_path,), **settings})
    heard = await hear(audio, [announced(tone(tmp_path / "a.wav"), "a", **changes)])
    (failure,) = heard.failures
    assert reason in failure["reason"]
    assert len(heard.letters) == 1


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("https://example.org/a.wav", "CONVMINE_AUDIO_ALLOWED_HOSTS"),
        ("file:///etc/passwd", "CONVMINE_AUDIO_ALLOWED_ROOTS"),
        ("ftp://example.org/a.wav", "scheme"),
    ],
)
async def test_a_uri_outside_the_allow_list_is_refused_without_being_opened(
    tmp_path: Path, uri: str, reason: str
) -> None:
    heard = await hear(AudioSettings(allowed_roots=(tmp_path,)), [announced(uri, "a")])
    (failure,) = heard.failures
    assert reason in failure["reason"]


async def test_a_recording_that_never_arrives_is_given_up_after_its_deadline_and_not_before(tmp_path: Path) -> None:
    settings = AudioSettings(allowed_roots=(tmp_path,), arrival_deadline_s=60)
    late = announced(tmp_path / "late.wav", "late", time=NOW - timedelta(seconds=61))
    heard = await hear(settings, [late])
    (failure,) = heard.failures
    assert "still not there 61 s after" in failure["reason"]

    broker = InProcessBroker(partitions=1)
    await broker.publish([announced(tmp_path / "soon.wav", "soon", time=NOW - timedelta(seconds=59))])
    async with worker(broker, settings):
        tone(tmp_path / "soon.wav")
        await broker.wait_idle([STAGE])
    assert broker.records(FAILED) == []
    assert len(broker.records(transcripts(Lane.BATCH))) == 1


async def test_silence_is_an_empty_transcript_that_says_so(tmp_path: Path) -> None:
    heard = await hear(AudioSettings(allowed_roots=(tmp_path,)), [announced(tone(tmp_path / "silent.wav"), "silent")])
    (transcript,) = heard.transcripts
    assert transcript["segments"] == []
    assert "no speech" in transcript["empty_because"]
    assert heard.failures == []


async def test_a_call_without_consent_is_never_opened(tmp_path: Path) -> None:
    record = announced(tmp_path / "secret.wav", "a", call={"consent": False})
    heard = await hear(AudioSettings(allowed_roots=(tmp_path,)), [record])
    assert (heard.transcripts, heard.letters, heard.failures) == ([], [], [])


async def test_the_same_recording_twice_gives_the_same_event_ids(tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    broker = InProcessBroker(partitions=1)
    settings = AudioSettings(allowed_roots=(tmp_path,))
    await broker.publish([announced(path, "a", sha256=sha256)] * 2)
    async with worker(broker, settings):
        await broker.wait_idle([STAGE])
    one, two = broker.records(transcripts(Lane.BATCH))
    assert (one.headers, one.value) == (two.headers, two.value)
