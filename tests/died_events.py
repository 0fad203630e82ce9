"""Dead letters as the runtime writes them, and the commands about them as an operator types them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from mined_store import Convmine

from pipeline.errors import Poison, Retryable
from pipeline.handling import Position
from pipeline.privacy.sealing import Seal
from pipeline.settings import KafkaSettings
from pipeline.stages import FEEDBACK, REPLAYS, TOPICS, stage_named
from schemas.envelope import Headers
from schemas.wire import Lane
from workers.dead_letters import name_of
from workers.edge import Edge
from workers.outcomes import Failure, dead_letter
from workers.records import NewRecord, Record

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def original(
    call_id: str = "c1", value: bytes | None = b"{}", *, partition: int = 0, headers: Headers = (("other", b"kept"),)
) -> NewRecord:
    """An event on its way to a stage."""
    ours = (("ce_id", call_id.encode()), ("ce_tenantid", b"acme"), ("ce_subject", call_id.encode()))
    return NewRecord("calls.recordings", f"acme:{call_id}".encode(), value, (*ours, *headers), partition)


def died(
    event: NewRecord, *, error: Exception | None = None, stage: str = "asr", lane: Lane = Lane.BATCH, offset: int = 7
) -> NewRecord:
    """What the runtime writes when the stage gives up an event."""
    found = stage_named(stage, lane)
    assert found is not None
    record = Record(event.topic, event.partition or 0, offset, event.key, event.value, event.headers)
    return dead_letter(Failure(found, record, error or Poison("no such thing"), 2, AT), Seal(()))


def stands_at(letter: NewRecord, offset: int = 5) -> Record:
    """A dead letter as it is read back."""
    written = int(AT.timestamp() * 1_000)
    return Record(letter.topic, 0, offset, letter.key, letter.value, letter.headers, written)


def topics_for_letters(settings: KafkaSettings) -> Edge:
    """The topics that the letters here need, and no others: a broker that many tests share has many anyway."""
    originals = ("calls.recordings", "calls.audio", "calls.transcripts.batch")
    needed = {
        *originals,
        *(f"{topic}.{stage}.dlq" for topic in originals for stage in ("asr", "index")),
        REPLAYS,
        FEEDBACK,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workers.edge.TOPICS", tuple(topic for topic in TOPICS if topic.name in needed))
        Edge(settings).apply_topics()
    return Edge(settings)


def bury(edge: Edge, *letters: NewRecord) -> list[str]:
    """Publish dead letters; their names."""
    return [name_of(Position(*place)) for place in edge.publish(letters)]


def bury_three(edge: Edge) -> list[str]:
    """Of a recording, of a chunk of live audio, of a transcript that two stages read; their names in this order."""
    chunk = NewRecord("calls.audio", b"acme:live-1", bytes(range(256)) * 4, (("convmine-chunk", b"{}"),), 1)
    transcript = NewRecord("calls.transcripts.batch", b"acme:c2", b"{}", (("ce_subject", b"c2"),), 0)
    letters = (
        died(original("c1", b'{"call_id": "c1"}')),
        died(chunk, lane=Lane.LIVE, error=ValueError("broken chunk")),
        died(transcript, stage="index", error=Retryable("store is away", dependency="qdrant")),
    )
    return [name for letter in letters for name in bury(edge, letter)]


def on_kafka(convmine: Convmine, settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> Convmine:
    """Runs ``convmine dlq …`` on these topics."""
    monkeypatch.setenv("CONVMINE_KAFKA_BOOTSTRAP_SERVERS", settings.bootstrap_servers)
    monkeypatch.setenv("CONVMINE_KAFKA_TOPIC_PREFIX", settings.topic_prefix)
    return lambda *arguments: convmine("dlq", *arguments)


def items(dlq: Convmine, *arguments: str) -> list[dict[str, Any]]:
    """What a command answers with ``--json``."""
    done = dlq(*arguments, "--json")
    assert done.code == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    return found
