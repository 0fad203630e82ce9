"""The store wiped and rebuilt from real Kafka by ``convmine replay``; what was erased, and what retention removed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from kafka_node import free_port
from processes import CONVMINE, ROOT, convmine, convmine_json, environment, running, wait_until

from pipeline.blobs.folder import BlobFolder
from pipeline.errors import ConvmineError
from pipeline.handling import Outbound
from pipeline.samples.synthetic.calls import call_id_of, synthetic_calls
from pipeline.settings import KafkaSettings
from pipeline.stages import ERASURES
from schemas.envelope import message
from schemas.reference import ErasureRequested
from workers.claims import Claims
from workers.edge import Edge, Spans
from workers.kafka_clients import admin_client
from workers.records import NewRecord, write_event
from workers.replaying import INDEX, TOPICS
from workers.replaying_spans import Topics

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
TENANT = "default"
ERASED = call_id_of(2)
TRANSCRIPTS = "calls.transcripts.batch"

Points = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Installation:
    env: dict[str, str]
    kafka: KafkaSettings
    events: int
    first: Points

    def replay(self, *arguments: str) -> Any:
        return convmine_json("replay", *arguments, env=self.env)

    def wiped(self) -> None:
        for name in names(self.env["QDRANT_URL"]):
            httpx.delete(f"{self.env['QDRANT_URL']}/collections/{name}").raise_for_status()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, kafka_servers: str) -> Iterator[Installation]:
    """An index worker has stored twelve calls, some of their transcripts behind claims, and has stopped."""
    folder, port = tmp_path_factory.mktemp("replay"), free_port()
    env = environment(
        {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_servers,
            "CONVMINE_KAFKA_TOPIC_PREFIX": f"t{uuid4().hex[:10]}.",
            "CONVMINE_KAFKA_PARTITIONS": "2",
            "CONVMINE_CLAIMS_ROOT": str(folder / "claims"),
            "CONVMINE_CLAIMS_THRESHOLD_BYTES": "2500",
            "CONVMINE_STORE_EMBEDDER": "hashing",
            "CONVMINE_AUDIT_PLACE": "off",
            "QDRANT_URL": f"http://127.0.0.1:{port}",
        }
    )
    kafka = KafkaSettings(bootstrap_servers=kafka_servers, topic_prefix=env["CONVMINE_KAFKA_TOPIC_PREFIX"])
    stand_in = [sys.executable, str(ROOT / "tests" / "qdrant_stand_in.py"), "--port", str(port)]
    with ExitStack() as stack:
        stack.enter_context(running(stand_in, env, folder / "qdrant.log"))
        convmine("topics", "apply", env=env)
        sent = published(kafka, folder)
        with running([*CONVMINE, "worker", "index"], env, folder / "index.log"):
            wait_until(lambda: is_idle(kafka), seconds=120, logs=folder)
        yield Installation(env, kafka, sent, points(env["QDRANT_URL"]))


def published(kafka: KafkaSettings, folder: Path) -> int:
    """Publish twelve made-up calls, large values behind claims; how many events."""
    claims = Claims(BlobFolder(folder / "claims"), 2_500)
    made = synthetic_calls(12, tenant_id=TENANT, until=UNTIL, utterances_per_call=9)
    events = [event for call in made for event in call if event.topic in TOPICS]

    async def put_away() -> list[NewRecord]:
        return [await claims.put_away(write_event(event)) for event in events]

    records = asyncio.run(put_away())
    assert any(record.value == b"" for record in records), "no value is behind a claim"
    Edge(kafka).publish(records)
    return len(records)


def is_idle(kafka: KafkaSettings) -> bool:
    return not any(row.behind for row in Edge(kafka).lag(INDEX))


def offsets(spans: Spans) -> int:
    return sum(map(len, spans.values()))


def names(url: str) -> list[str]:
    return [one["name"] for one in httpx.get(f"{url}/collections").json()["result"]["collections"]]


def points(url: str) -> Points:
    """All that is stored, but for when it was written."""
    found: Points = {}
    for name in names(url):
        asked = {"limit": 100_000, "with_payload": True, "with_vector": True}
        rows = httpx.post(f"{url}/collections/{name}/points/scroll", json=asked).json()["result"]["points"]
        for row in rows:
            row["payload"].pop("stored_ts", None)
        found[name] = {row["id"]: row for row in rows}
    return found


def of_calls(stored: Points, *, but: str) -> Points:
    return {
        name: {id_: row for id_, row in rows.items() if row["payload"].get("call_id") != but}
        for name, rows in stored.items()
    }


@pytest.mark.timeout(300)
def test_a_wiped_store_is_rebuilt_point_by_point(installation: Installation) -> None:
    assert installation.first
    installation.wiped()
    done = installation.replay("--from", "earliest")
    assert (done["handled"], done["unhandled"]) == (installation.events, [])
    assert points(installation.env["QDRANT_URL"]) == installation.first


def test_from_a_time_there_is_only_what_was_written_since(installation: Installation) -> None:
    now = datetime.now(UTC)
    topics, every = Topics(installation.kafka), list(TOPICS)
    assert offsets(topics.spans(every, now - timedelta(days=7), None, now)) == installation.events
    assert offsets(topics.spans(every, now, None, now)) == 0
    assert offsets(topics.spans(every, "earliest", now - timedelta(days=7), now)) == 0


@pytest.mark.timeout(300)
def test_an_erased_call_stays_erased(installation: Installation) -> None:
    asked = ErasureRequested(erasure_id="e-1", call_id=ERASED, requested_by="t", requested_at=UNTIL)
    told = message(asked, id="e-1", source="/t", time=UNTIL, subject=ERASED, tenant_id=TENANT)
    Edge(installation.kafka).publish([write_event(Outbound(ERASURES, told))])
    installation.wiped()
    done = installation.replay("--from", "earliest")
    assert (done["erased_calls"], done["unhandled"], done["skipped"]) == (1, [], 0), done
    assert done["handled"] + done["erased"] == installation.events
    stored = points(installation.env["QDRANT_URL"])
    assert stored == of_calls(installation.first, but=ERASED)
    assert ERASED not in json.dumps(stored)


@pytest.mark.timeout(300)
def test_what_retention_has_removed_is_said_and_the_rest_can_be_replayed(installation: Installation) -> None:
    from kafka import TopicPartition

    span = Edge(installation.kafka).spans([TRANSCRIPTS])[TRANSCRIPTS, 0]
    assert (span.start, len(span) > 2) == (0, True)
    with admin_client(installation.kafka) as admin:
        admin.delete_records({TopicPartition(installation.kafka.topic_prefix + TRANSCRIPTS, 0): 2})
    refused = convmine("replay", "--topic", TRANSCRIPTS, "--from", "0", env=installation.env, check=False)
    assert refused.returncode == 1
    assert f"retention has removed what followed on offset 0 in {TRANSCRIPTS}:0" in refused.stderr
    assert "the oldest that is left is offset 2" in refused.stderr
    assert "--from earliest replays what is left" in refused.stderr
    now = datetime.now(UTC)
    left = Topics(installation.kafka).spans([TRANSCRIPTS], "earliest", None, now)
    assert left[TRANSCRIPTS, 0] == range(2, span.stop)
    assert Topics(installation.kafka).spans([TRANSCRIPTS], 2, None, now)[TRANSCRIPTS, 0] == left[TRANSCRIPTS, 0]
    with pytest.raises(ConvmineError, match="there is no offset 5000 yet"):
        Topics(installation.kafka).spans([TRANSCRIPTS], 5_000, None, now)
