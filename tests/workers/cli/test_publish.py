from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.settings import ClaimSettings, KafkaSettings, Settings
from pipeline.stages import transcripts
from schemas.transcript import TranscriptCompleted
from schemas.wire import Lane
from workers.claims import Claims, claims_of, is_claimed
from workers.cli.publish import publish_transcript
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
