from __future__ import annotations

import json
import os
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from pipeline.asr.decode import Audio
from pipeline.errors import Poison
from pipeline.handling import Inbound
from pipeline.settings import KafkaSettings
from pipeline.stages import AUDIO
from schemas.audio import AudioChunk, Encoding
from schemas.call import CallEnded, CallHeld, CallResumed, CallStarted
from schemas.wire import CallFacts, Channel, Role
from workers.cli.publish_live import publish_live
from workers.edge import Edge
from workers.entry import LiveCall, live_records
from workers.records import NewRecord, Record, read_event

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
RATE_HZ = 16_000


@pytest.fixture
def env(kafka_settings: KafkaSettings) -> dict[str, str]:
    """The environment of an installation with its topics."""
    Edge(kafka_settings).apply_topics()
    return {
        "CONVMINE_KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "CONVMINE_KAFKA_TOPIC_PREFIX": kafka_settings.topic_prefix,
        "CONVMINE_TENANT": "acme",
    }


def samples(seconds: float, channels: int = 2) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return np.stack([0.3 * np.sin(2 * np.pi * (channel + 1) * 100 * time_s) for channel in range(channels)]).astype(
        np.float32
    )


def recording(folder: Path, seconds: float) -> Path:
    path = folder / "call.wav"
    soundfile.write(path, samples(seconds).T, RATE_HZ)
    return path


def play(path: Path, env: dict[str, str], *options: str) -> Result:
    return CliRunner().invoke(publish_live, [str(path), "--json", *options], env=env, catch_exceptions=False)


def events(settings: KafkaSettings) -> list[Inbound]:
    found = [read_event(record) for record in Edge(settings).tail(AUDIO, from_start=True, follow=False)]
    return [it for it in found if it is not None]


def test_a_file_is_played_as_a_live_call_from_its_start_to_its_end(
    env: dict[str, str], kafka_settings: KafkaSettings, tmp_path: Path
) -> None:
    options = ("--speed", "50", "--call-id", "c-9", "--channel", "0=customer", "--language", "en", "--agent", "a-1")
    result = play(recording(tmp_path, 1.5), env, *options)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["call_id"], said["events"], said["duration_ms"]) == ("c-9", 10, 1_500)

    started, *chunks, ended = (it.payload for it in events(kafka_settings))

    assert isinstance(started, CallStarted)
    assert (started.call.language, started.call.agent) == ("en", "a-1")
    assert isinstance(ended, CallEnded)
    assert ended.duration_ms == 1_500
    assert all(isinstance(it, AudioChunk) for it in chunks)
    assert [(it.sequence, it.offset_ms) for it in chunks if isinstance(it, AudioChunk)] == [
        (n, n * 200) for n in range(8)
    ]
    (first, *_) = chunks
    assert isinstance(first, AudioChunk)
    assert first.channels == (Channel(index=0, role=Role.CUSTOMER), Channel(index=1, role=Role.UNKNOWN))
    assert (first.raw.encoding, first.raw.sample_rate_hz, first.raw.channels) == (Encoding.L16, RATE_HZ, 2)
    assert {it.message.envelope.partitionkey for it in events(kafka_settings)} == {"acme:c-9"}


def test_the_audio_arrives_as_it_was(env: dict[str, str], kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    assert play(recording(tmp_path, 1.0), env, "--speed", "100").exit_code == 0
    chunks = [it for it in events(kafka_settings) if isinstance(it.payload, AudioChunk)]
    assert {it.message.envelope.datacontenttype for it in chunks} == {"application/octet-stream"}
    heard = np.frombuffer(b"".join(it.body for it in chunks), "<i2").reshape(-1, 2).T / 32_768
    assert np.abs(heard - samples(1.0)).max() < 1e-3


def test_it_takes_as_long_as_the_call_at_the_speed_that_is_asked_for(env: dict[str, str], tmp_path: Path) -> None:
    path = recording(tmp_path, 4.0)
    before = time.monotonic()
    assert play(path, env, "--speed", "4").exit_code == 0
    assert time.monotonic() - before >= 1.0


def test_a_channel_that_the_file_does_not_have_is_refused(env: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(Poison, match="channel 2"):
        play(recording(tmp_path, 0.5), env, "--channel", "2=agent")


def test_each_record_is_due_when_its_last_sample_was_heard_and_has_an_id_of_its_own() -> None:
    call = LiveCall("c-1", Audio(samples(1.1), RATE_HZ), facts=CallFacts(agent="a-1"))
    due, records = zip(*live_records(call, tenant_id="acme", started_at=NOON), strict=True)
    assert due == (0, 200, 400, 600, 800, 1_000, 1_100, 1_100)
    again = [record for _, record in live_records(call, tenant_id="acme", started_at=NOON)]
    assert again == list(records)
    assert len({dict(record.headers)["ce_id"] for record in records}) == len(records)


def test_several_files_are_played_at_the_same_time(
    env: dict[str, str], kafka_settings: KafkaSettings, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{name}.wav" for name in "abc"]
    for path in paths:
        soundfile.write(path, samples(2.0).T, RATE_HZ)
    result = CliRunner().invoke(
        publish_live, [*map(str, paths), "--json", "--speed", "2"], env=env, catch_exceptions=False
    )
    items = json.loads(result.stdout)["items"]
    assert [Path(item["file"]).name for item in items] == ["a.wav", "b.wav", "c.wav"]
    assert len({item["call_id"] for item in items}) == 3
    found = events(kafka_settings)
    for item in items:
        mine = [it.payload for it in found if it.message.envelope.subject == item["call_id"]]
        assert [type(it) for it in mine] == [CallStarted, *[AudioChunk] * 10, CallEnded]
    came: dict[bytes, list[int]] = {}
    for record in Edge(kafka_settings).tail(AUDIO, from_start=True, follow=False):
        came.setdefault(record.key or b"", []).append(record.timestamp_ms or 0)
    assert max(map(min, came.values())) < min(map(max, came.values())), "the last began before the first ended"


def test_as_fast_as_it_can_be_published_takes_no_time(env: dict[str, str], tmp_path: Path) -> None:
    before = time.monotonic()
    result = play(recording(tmp_path, 60.0), env, "--speed", "0", "--chunk-ms", "500")
    assert json.loads(result.stdout)["events"] == 122
    assert time.monotonic() - before < 20


def test_while_a_call_is_on_hold_no_audio_is_sent() -> None:
    call = LiveCall("c-1", Audio(samples(2.0), RATE_HZ), holds=((500, 1_300),))
    course = [
        (due, read_event(_arrived(record))) for due, record in live_records(call, tenant_id="acme", started_at=NOON)
    ]
    told = [(due, it.payload) for due, it in course if it is not None]
    breaks = [(due, it.at_ms) for due, it in told if isinstance(it, CallHeld | CallResumed)]
    assert breaks == [(500, 500), (1_300, 1_300)]
    heard = [(due, it.sequence, it.offset_ms) for due, it in told if isinstance(it, AudioChunk)]
    assert heard == [
        (200, 0, 0),
        (400, 1, 200),
        (500, 2, 400),
        (1_500, 3, 1_300),
        (1_700, 4, 1_500),
        (1_900, 5, 1_700),
        (2_000, 6, 1_900),
    ]
    assert [due for due, _ in told] == sorted(due for due, _ in told)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--hold", "3-2"), "expected seconds of the call"),
        (("--hold", "a-b"), "expected seconds of the call"),
        (("--hold", "0.1-9"), "a hold ends after the end of a call of 0.5 s"),
        (("--call-id", "a", "--call-id", "b"), "--call-id once for each file"),
        (("--speed", "-1"), "--speed"),
    ],
)
def test_wrong_use_is_said_before_anything_is_published(tmp_path: Path, options: tuple[str, ...], reason: str) -> None:
    result = CliRunner().invoke(publish_live, [str(recording(tmp_path, 0.5)), *options])
    assert result.exit_code == 2
    assert reason in result.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_call_that_is_stopped_is_ended_where_it_was(
    env: dict[str, str], kafka_settings: KafkaSettings, tmp_path: Path, number: signal.Signals
) -> None:
    def stop_when_it_is_heard() -> None:
        while sum(map(len, Edge(kafka_settings).spans([AUDIO]).values())) < 3:
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    threading.Thread(target=stop_when_it_is_heard, daemon=True).start()
    result = play(recording(tmp_path, 60.0), env, "--call-id", "c-1")
    assert result.exit_code == 130
    said = json.loads(result.stdout)
    assert said["stopped"]
    *_, last, ended = (it.payload for it in events(kafka_settings))
    assert isinstance(last, AudioChunk)
    assert isinstance(ended, CallEnded)
    assert ended.duration_ms == last.offset_ms + 200 == said["duration_ms"]
    assert ended.duration_ms < 30_000


def _arrived(record: NewRecord) -> Record:
    return Record(record.topic, 0, 0, record.key, record.value, record.headers, 0)
