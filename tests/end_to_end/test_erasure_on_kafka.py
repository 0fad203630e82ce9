"""Calls erased while they go on, by telephone and at a gateway, and one that was mined: then everything is replayed.

Nothing of them is anywhere, and a gateway neither shows nor takes anything of the one that came in by it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from erased_gateway import gateway
from kafka_node import free_port
from mined_calls import FACTS, transcript
from processes import CONVMINE, ROOT, convmine, convmine_json, environment, running, wait_until

from pipeline import samples
from pipeline.settings import KafkaSettings
from pipeline.stages import STAGES
from schemas.wire import Role
from workers.edge import Edge
from workers.entry import entry_record
from workers.kafka_clients import admin_client

RECORDING = samples.folder() / "calls" / "call-02-family-plan.ogg"
LIVE, CHAT, STAYS = "erased-live", "erased-chat", "staying-chat"
CAME, CAME_AND_STAYS = "erased-at-gateway", "staying-at-gateway"
WORD, LIVE_WORD, STAYING_WORD = "quetzalcoatl", "family", "tortoise"
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Installation:
    """A broker, a store and everything else that an installation keeps, in one folder."""

    env: dict[str, str]
    folder: Path
    edge: Edge

    def workers(self) -> ExitStack:
        """The workers of all stages, a process each lane, until the stack is left."""
        stack = ExitStack()
        for lane in ("batch", "live"):
            log = self.folder / f"{lane}-{len(list(self.folder.glob(f'{lane}-*.log')))}.log"
            stack.enter_context(running([*CONVMINE, "worker", "all", "--lane", lane], self.env, log))
        return stack

    def idle(self) -> bool:
        return not any(row.behind for row in self.edge.lag())

    def points(self) -> dict[str, str]:
        """All that Qdrant holds, as JSON, by collection."""
        url = self.env["QDRANT_URL"]
        names = [one["name"] for one in httpx.get(f"{url}/collections").json()["result"]["collections"]]
        asked = {"limit": 10_000, "with_payload": True}
        return {name: httpx.post(f"{url}/collections/{name}/points/scroll", json=asked).text for name in names}

    def files(self) -> dict[str, bytes]:
        """What lies in files, but for logs; of Parquet its rows."""
        found = {}
        for path in self.folder.rglob("*"):
            if path.is_file() and path.suffix != ".log":
                data = str(pq.read_table(path).to_pylist()).encode() if path.suffix == ".parquet" else path.read_bytes()
                found[str(path.relative_to(self.folder))] = str(path).encode() + data
        return found

    def stored(self) -> set[str]:
        """Which of the calls here Qdrant has."""
        found = self.points().get("calls-1", "")
        return {call for call in (LIVE, CHAT, STAYS, CAME, CAME_AND_STAYS) if call in found}

    def holding(self, *words: str) -> set[str]:
        """Where one of these words stands, but for the record of erasures."""
        points = {name for name, text in self.points().items() if any(word in text for word in words)}
        return (points - {"erasures"}) | {
            name for name, data in self.files().items() if any(word.encode() in data for word in words)
        }

    def forget_offsets(self, kafka: KafkaSettings) -> None:
        """Every stage begins at the beginning."""
        with admin_client(kafka) as admin:
            admin.delete_groups([kafka.topic_prefix + stage.group for stage in STAGES])


@pytest.fixture
def installation(tmp_path: Path, kafka_settings: KafkaSettings) -> Iterator[Installation]:
    port, folder = free_port(), tmp_path / "kept"
    folder.mkdir()
    env = environment(
        {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
            "CONVMINE_KAFKA_TOPIC_PREFIX": kafka_settings.topic_prefix,
            "CONVMINE_KAFKA_PARTITIONS": "2",
            "CONVMINE_ASR_ENGINE": "pocketsphinx",
            "CONVMINE_AUDIO_ALLOWED_ROOTS": str(RECORDING.parent),
            "CONVMINE_CLAIMS_ROOT": str(folder / "claims"),
            "CONVMINE_CLAIMS_THRESHOLD_BYTES": "500",
            "CONVMINE_LLM_CACHE_PATH": str(folder / "answers.sqlite"),
            "CONVMINE_BUDGET_LEDGER_PATH": str(folder / "usage.sqlite"),
            "CONVMINE_WORKBENCH_PATH": str(folder / "workbench.sqlite"),
            "CONVMINE_PRIVACY_VAULT_PATH": str(folder / "vault.sqlite"),
            "CONVMINE_GATEWAY_KEYS": str(tmp_path / "keys.json"),
            "CONVMINE_GATEWAY_UPLOADS": str(folder / "uploads"),
            "CONVMINE_ANALYTICS_PATH": str(folder / "analytics"),
            "CONVMINE_AUDIT_PATH": str(tmp_path / "audit.sqlite"),
            "CONVMINE_STORE_EMBEDDER": "hashing",
            "QDRANT_URL": f"http://127.0.0.1:{port}",
        }
    )
    stand_in = [sys.executable, str(ROOT / "tests" / "qdrant_stand_in.py"), "--port", str(port)]
    with running(stand_in, env, folder / "qdrant.log"):
        edge = Edge(kafka_settings)
        edge.apply_topics()
        wait_until(lambda: _answers(env["QDRANT_URL"]), seconds=60, logs=folder)
        yield Installation(env, folder, edge)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def publish_chat(on: Installation, call_id: str, word: str) -> None:
    said = ((Role.CUSTOMER, f"i want to cancel my contract {word} it is too expensive"), (Role.AGENT, "i see"))
    at = datetime.now(UTC)
    told = transcript(call_id, said, facts=FACTS.model_copy(update={"started_at": at}))
    on.edge.publish([entry_record(told, tenant_id="default", time=at)])


def play(on: Installation) -> subprocess.Popen[bytes]:
    """The recording as a call that goes on."""
    roles = ["--channel", "0=customer", "--channel", "1=agent"]
    facts = ["--call-id", LIVE, "--language", "en", "--scenario", "telecom", "--speed", "1"]
    return subprocess.Popen(
        [*CONVMINE, "publish", "live", str(RECORDING), *facts, *roles], env=on.env, stdout=subprocess.DEVNULL
    )


@pytest.mark.timeout(600)
def test_what_is_erased_while_it_goes_on_stays_erased_when_everything_is_replayed(
    installation: Installation, kafka_settings: KafkaSettings
) -> None:
    it = installation
    publish_chat(it, CHAT, WORD)
    publish_chat(it, STAYS, STAYING_WORD)
    with it.workers(), gateway(it.env, it.folder) as door:
        door.begin(CAME_AND_STAYS, STAYING_WORD)
        mark, _ = door.told(STAYING_WORD)
        door.begin(CAME, WORD)
        wait_until(lambda: {STAYS, CAME} <= it.stored(), seconds=120, logs=it.folder)
        convmine("sql", "SELECT count(*) FROM calls", env=it.env)
        with play(it) as playing:
            wait_until(lambda: LIVE in it.points()["utterances-1"], seconds=120, logs=it.folder)
            assert playing.poll() is None, "the call goes on"
            assert {Path(name).parts[0] for name in it.holding(WORD)} >= {
                "utterances-1",
                "claims",
                "analytics",
                "uploads",
            }
            assert CAME in door.told(WORD, mark)[1]
            receipt = convmine_json("calls", "erase", LIVE, CHAT, CAME, "--yes", "--reason", "asked", env=it.env)
            playing.terminate()  # it went on all that time
        check(receipt)
        wait_until(lambda: CAME not in door.live() and not (door.uploads / CAME).exists(), seconds=60, logs=it.folder)
        door.check_forgotten(CAME, WORD, CAME_AND_STAYS, mark)
        wait_until(it.idle, seconds=120, logs=it.folder)
        wait_until(lambda: not it.holding(WORD, CHAT, LIVE, CAME), seconds=60, logs=it.folder)
    it.forget_offsets(kafka_settings)
    with it.workers():
        wait_until(it.idle, seconds=120, logs=it.folder)
        assert it.holding(WORD, CHAT, LIVE, CAME) == set()
        assert LIVE_WORD not in it.points()["utterances-1"]
        assert it.holding(STAYING_WORD)
    (kept,) = convmine_json("calls", "erasures", env=it.env)["items"]
    assert kept["receipt_id"] == receipt["receipt_id"]


def check(receipt: dict[str, Any]) -> None:
    """It agrees with what was there, and with the broker."""
    assert receipt["whole"]
    assert receipt["published"]
    assert {one["call_id"]: (one["was_stored"], one["was_live"]) for one in receipt["calls"]} == {
        LIVE: (True, True),
        CHAT: (True, False),
        CAME: (True, True),
    }
    removed = {one["place"].split(" in /")[0]: one["removed"] for one in receipt["removed"]}
    assert removed["Qdrant collection utterances-1"] >= 2 + 1, "both turns of the chat, and what was heard so far"
    assert removed["claimed values"] >= 1
    assert removed["Parquet copy"] == 2
    held = {one["topic"]: one for one in receipt["still_held"]}
    assert {topic: held[topic]["retention_ms"] for topic in ("calls.audio", "calls.recordings.asr.dlq")} == {
        "calls.audio": DAY_MS,
        "calls.recordings.asr.dlq": 30 * DAY_MS,
    }
    assert all(one["from_broker"] for one in held.values())
    until = datetime.fromisoformat(held["calls.audio"]["until"])
    assert until > datetime.now(UTC) + timedelta(hours=23)
