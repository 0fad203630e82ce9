from __future__ import annotations

import json
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
from schemas.call import CallEnded, CallStarted
from schemas.wire import CallFacts, Channel, Role
from workers.cli.publish_live import publish_live
from workers.edge import Edge
from workers.entry import LiveCall, live_records
from workers.records import read_event

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
