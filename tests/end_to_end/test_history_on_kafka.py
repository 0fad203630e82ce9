"""Calls that real Kafka brought, mined again with another version of the prompt: compared, switched to, rolled back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka_node import free_port
from processes import CONVMINE, ROOT, convmine, convmine_json, environment, running, wait_until

from pipeline.settings import KafkaSettings
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallFacts, Role
from workers.edge import Edge
from workers.entry import entry_record

SAID = [
    (Role.CUSTOMER, "i want to cancel my contract it is too expensive"),
    (Role.AGENT, "i can offer a discount"),
    (Role.CUSTOMER, "how much is the big plan then"),
]
CHATS = ("chat-one", "chat-two", "chat-three")
OLD, NEW = "extract.v1", "extract.v2"
SINCE = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Desk:
    """A worker of all stages that mines with the first version, and a store that several processes share."""

    env: dict[str, str]
    edge: Edge

    def publish(self, *names: str) -> None:
        self.edge.publish([entry_record(transcript(name), tenant_id="default", time=SINCE) for name in names])

    def holds(self, name: str) -> bool:
        """Whether any generation in the store has this call mined."""
        url = self.env["QDRANT_URL"]
        calls = [one["name"] for one in httpx.get(f"{url}/collections").json()["result"]["collections"]]
        where = {"must": [{"key": "call_id", "match": {"value": name}}, {"key": "lane", "match": {"value": "batch"}}]}
        asked = [httpx.post(f"{url}/collections/{one}/points/count", json={"filter": where}) for one in calls
                 if one.startswith("calls-")]  # fmt: skip
        return any(answer.json()["result"]["count"] for answer in asked)

    def by_version(self) -> dict[str, int]:
        """With which version of the prompt how many calls were mined, as questions see it."""
        found = convmine_json("aggregate", "--by", "prompt", env=self.env)["groups"]
        return {row["names"][0]: row["count"] for row in found}

    def reextract(self, *arguments: str) -> Any:
        return convmine_json("reextract", *arguments, env=self.env)


def transcript(name: str) -> TranscriptCompleted:
    return TranscriptCompleted(
        call_id=name,
        call=CallFacts(scenario="telecom", language="en", agent="ann", started_at=SINCE),
        language="en",
        duration_ms=4_000 * len(SAID),
        engine="written",
        segments=tuple(
            Segment(
                segment_id=f"s{number}", role=role, start_ms=4_000 * number, end_ms=4_000 * number + 3_000, text=text
            )
            for number, (role, text) in enumerate(SAID)
        ),
    )


@pytest.fixture
def desk(tmp_path: Path, kafka_servers: str, base_url: str) -> Iterator[Desk]:
    port = free_port()
    env = environment(
        {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_servers,
            "QDRANT_URL": f"http://127.0.0.1:{port}",
            "CONVMINE_KAFKA_TOPIC_PREFIX": f"{tmp_path.name}.",
            "CONVMINE_KAFKA_PARTITIONS": "1",
            "CONVMINE_CLAIMS_ROOT": str(tmp_path / "claims"),
            "CONVMINE_ASR_ENGINE": "pocketsphinx",
            "CONVMINE_EXTRACT_EXTRACTOR": "llm",
            "CONVMINE_LLM_BASE_URL": base_url,
            "CONVMINE_LLM_CACHE_PATH": str(tmp_path / "answers.sqlite"),
            "CONVMINE_BUDGET_LEDGER_PATH": str(tmp_path / "usage.sqlite"),
            "CONVMINE_STORE_EMBEDDER": "hashing",
            "CONVMINE_WORKBENCH_PATH": str(tmp_path / "workbench.sqlite"),
            "CONVMINE_AUDIT_PLACE": "off",
        }
    )
    stand_in = [sys.executable, str(ROOT / "tests" / "qdrant_stand_in.py"), "--port", str(port)]
    with ExitStack() as stack:
        stack.enter_context(running(stand_in, env, tmp_path / "qdrant.log"))
        convmine("topics", "apply", env=env)
        convmine("prompt", "promote", OLD, "--force", "--reason", "it is the old one", env=env)
        stack.enter_context(running([*CONVMINE, "worker", "all"], env, tmp_path / "worker.log"))
        kafka = KafkaSettings(bootstrap_servers=kafka_servers, topic_prefix=env["CONVMINE_KAFKA_TOPIC_PREFIX"])
        yield Desk(env, Edge(kafka))


@pytest.mark.timeout(400)
def test_the_past_is_read_again_compared_switched_to_and_rolled_back(desk: Desk, tmp_path: Path) -> None:
    desk.publish(*CHATS)
    wait_until(lambda: all(map(desk.holds, CHATS)), seconds=120, logs=tmp_path)

    built = desk.reextract("--since", "2026-11-01", "--prompt", NEW, "--published", "--yes")
    assert (built["calls"], built["mined_again"], built["failed"], built["state"]) == (3, 3, [], "built")
    compared = desk.reextract("compare")
    assert (compared["calls"], compared["state"]) == (3, "built")
    assert "cancel_contract" in {row["name"] for row in compared["intents"]}
    assert desk.by_version() == {OLD: 3}

    assert desk.reextract("switch")["is_new"]
    assert desk.by_version() == {NEW: 3}
    # The worker that runs keeps to the version that it began with; what it writes there is taken over.
    desk.publish("chat-four")
    wait_until(lambda: desk.holds("chat-four"), seconds=60, logs=tmp_path)
    assert desk.reextract("switch")["taken_over"] > 0
    assert desk.by_version() == {NEW: 3, OLD: 1}

    assert desk.reextract("roll-back")["is_new"]
    assert desk.by_version() == {OLD: 4}
