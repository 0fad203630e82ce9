from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.settings import ClaimSettings, KafkaSettings, Settings
from pipeline.stages import RECORDINGS, transcripts
from schemas.audio import Encoding, RawFormat, RecordingAvailable, Split
from schemas.transcript import TranscriptCompleted
from schemas.wire import Lane
from workers.claims import Claims, claims_of, is_claimed
from workers.cli.publish import publish_recording, publish_transcript
from workers.edge import Edge
from workers.records import Record, read_event

TOPIC = transcripts(Lane.BATCH)
LARGEST = 100_000
"""Bytes of a record here, so that a conversation of 200 kB is too large for one."""


@pytest.fixture
def env(kafka_settings: KafkaSettings, tmp_path: Path) -> dict[str, str]:
    """The environment of an installation with its topics."""
    Edge(kafka_settings.model_copy(update={"max_message_bytes": LARGEST})).apply_topics()
    return {
        "CONVMINE_KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "CONVMINE_KAFKA_TOPIC_PREFIX": kafka_settings.topic_prefix,
        "CONVMINE_KAFKA_MAX_MESSAGE_BYTES": str(LARGEST),
        "CONVMINE_CLAIMS_THRESHOLD_BYTES": str(LARGEST // 2),
        "CONVMINE_CLAIMS_ROOT": str(tmp_path / "claims"),
    }


@pytest.fixture
def claims(tmp_path: Path) -> Claims:
    """The claims of a worker of the same installation."""
    return claims_of(Settings(claims=ClaimSettings(root=tmp_path / "claims")))


def conversation(folder: Path, messages: int) -> Path:
    """A chat whose messages have 1,000 characters; the last one holds the number of a card."""
    path = folder / "chat.json"
    texts = ["no " * 333] * (messages - 1) + ["my card is 4111 1111 1111 1111"]
    turns = [{"role": "customer", "at_ms": number * 1_000, "text": text} for number, text in enumerate(texts)]
    path.write_text(json.dumps({"call_id": "chat-1", "messages": turns}))
    return path


def publish(path: Path, env: dict[str, str]) -> Result:
    return CliRunner().invoke(publish_transcript, [str(path), "--json"], env=env, catch_exceptions=False)


def published(settings: KafkaSettings) -> list[Record]:
    return list(Edge(settings).tail(TOPIC, from_start=True, follow=False))


async def transcript(claims: Claims, record: Record) -> TranscriptCompleted:
    inbound = read_event(await claims.redeem(record))
    assert inbound is not None
    assert isinstance(inbound.payload, TranscriptCompleted)
    return inbound.payload


def test_a_conversation_larger_than_a_message_arrives_by_claim_check(
    env: dict[str, str], kafka_settings: KafkaSettings, claims: Claims, tmp_path: Path
) -> None:
    assert publish(conversation(tmp_path, 200), env).exit_code == 0
    (record,) = published(kafka_settings)
    assert is_claimed(record)
    (file,) = [path for path in (tmp_path / "claims").rglob("*") if path.is_file()]
    assert dict(record.headers)["ce_dataref"].decode() == file.as_uri()
    assert file.stat().st_size > 2 * LARGEST
    assert "4111 1111" not in file.read_text(), "what is put away is masked as what is published"
    payload = asyncio.run(transcript(claims, record))
    assert (payload.call_id, len(payload.segments)) == ("chat-1", 200)


def test_a_small_conversation_travels_in_its_message(
    env: dict[str, str], kafka_settings: KafkaSettings, tmp_path: Path
) -> None:
    assert publish(conversation(tmp_path, 2), env).exit_code == 0
    (record,) = published(kafka_settings)
    assert not is_claimed(record)
    assert json.loads(record.value or b"")["call_id"] == "chat-1"
    assert not (tmp_path / "claims").exists()


def test_a_shift_without_a_header_is_announced_with_its_format_and_its_cuts(
    env: dict[str, str], kafka_settings: KafkaSettings
) -> None:
    options = ["--call-id", "shift-7", "--raw", "PCMU:8000:2", "--marker", "1800", "--marker", "3600.5"]
    CliRunner().invoke(publish_recording, ["s3://calls/shift.raw", *options], env=env, catch_exceptions=False)
    (record,) = Edge(kafka_settings).tail(RECORDINGS, from_start=True, follow=False)
    inbound = read_event(record)
    assert inbound is not None
    assert isinstance(inbound.payload, RecordingAvailable)
    assert inbound.payload.raw == RawFormat(encoding=Encoding.PCMU, sample_rate_hz=8_000, channels=2)
    assert inbound.payload.split is Split.MARKERS
    assert inbound.payload.markers_ms == (1_800_000, 3_600_500)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--split", "markers"], "--split markers needs --marker"),
        (["--split", "silence", "--marker", "3"], "--split silence takes none"),
        (["--raw", "PCMU:8000"], "such as PCMU:8000:2"),
        (["--raw", "MP3:8000:2"], "expected L16, PCMU or PCMA"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_is_published(options: list[str], said: str) -> None:
    result = CliRunner().invoke(publish_recording, ["s3://calls/a.raw", "--call-id", "a", *options])
    assert result.exit_code == 2
    assert said in result.stderr
