"""What tenants have on Kafka, which they share: each command reads and changes what is of its own tenant."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from desk_folder import desk_folder
from died_events import bury, died, original
from mined_store import Convmine

from pipeline import samples
from pipeline.settings import KafkaSettings, Settings
from pipeline.stages import (
    AUDIO,
    CARDS,
    FEEDBACK,
    PROMPTS,
    RECORDINGS,
    REPLAYS,
    RUNNING,
    SCENARIOS,
    TOPICS,
    transcripts,
)
from schemas.wire import Lane
from workers.changing import scenarios
from workers.config_changes import exclusive
from workers.edge import Edge
from workers.published import Published
from workers.records import NewRecord, read_event

WORDS = {"acme": "quetzalcoatl", "umbrella": "tortoise"}
"""The word of each tenant, which stands in all that is published for it."""
ENTERING = (RECORDINGS, AUDIO, transcripts(Lane.BATCH), transcripts(Lane.LIVE))
Run = Callable[..., str]


@pytest.fixture(scope="module")
def kafka(kafka_servers: str) -> KafkaSettings:
    """The topics that these commands read and write, and no others."""
    settings = KafkaSettings(bootstrap_servers=kafka_servers, topic_prefix=f"t{uuid4().hex[:10]}.", partitions=1)
    needed = {*ENTERING, SCENARIOS, PROMPTS, CARDS, RUNNING, REPLAYS, FEEDBACK, f"{RECORDINGS}.asr.dlq"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workers.edge.TOPICS", tuple(topic for topic in TOPICS if topic.name in needed))
        Edge(settings).apply_topics()
    return settings


@pytest.fixture
def run(convmine: Convmine, kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command of somebody of a tenant, and gives what it says where it ends as it should."""
    monkeypatch.setenv("CONVMINE_KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap_servers)
    monkeypatch.setenv("CONVMINE_KAFKA_TOPIC_PREFIX", kafka.topic_prefix)
    monkeypatch.setenv("CONVMINE_CLAIMS_ROOT", str(tmp_path / "claims"))
    monkeypatch.setenv("CONVMINE_SCENARIOS_PATH", str(tmp_path))
    monkeypatch.setenv("CONVMINE_EXTRACT_SCENARIO", "desk")
    monkeypatch.setenv("CONVMINE_WORKBENCH_PATH", str(tmp_path / "workbench.sqlite"))
    # Whether a scenario is sound is not asked here: it takes seconds, as classifiers are fitted to tell.
    monkeypatch.setattr(scenarios, "refuse_unsound", lambda _: None)

    def said(tenant: str, *arguments: str, code: int = 0) -> str:
        monkeypatch.setenv("CONVMINE_TENANT", tenant)
        done = convmine(*arguments)
        assert done.code == code, (arguments, done.stderr)
        (other,) = (word for name, word in WORDS.items() if name != tenant)
        told = done.stdout + done.stderr
        assert other not in told, arguments
        return told

    return said


def published(kafka: KafkaSettings, tenant: str) -> Published:
    with exclusive(Settings(tenant=tenant, kafka=kafka), (SCENARIOS, PROMPTS, CARDS)) as begun:
        return begun.published


def test_what_is_published_for_one_tenant_is_not_listed_or_changed_by_another(
    run: Run, kafka: KafkaSettings, tmp_path: Path
) -> None:
    folder = desk_folder(tmp_path)

    def all_of(tenant: str) -> None:
        word = WORDS[tenant]
        title, text = ("--title", word), ("--text", f"{word} first.")
        run(tenant, "cards", "edit", "their-card", *title, *text, "--trigger", "intent=price_objection", "--by", "ann")
        run(tenant, "cards", "approve", "their-card", "--version", "1", "--by", word)
        run(tenant, "scenario", "push", str(folder), "--by", word)
        run(tenant, "prompt", "promote", "greet.v2", "--force", "--reason", word, "--by", word)

    all_of("acme")
    before = published(kafka, "acme")
    assert WORDS["acme"] in run("acme", "cards", "list", "--card", "their-card")
    assert "their-card" not in run("umbrella", "cards", "list", "--json")
    assert "is not shown" in run("umbrella", "cards", "withdraw", "their-card", code=1)
    all_of("umbrella")
    run("umbrella", "cards", "withdraw", "their-card")
    run("umbrella", "prompt", "split", "greet.v2", "greet.v3", "--share", "10%")
    run("umbrella", "prompt", "rollback", "greet")
    assert published(kafka, "acme") == before
    assert WORDS["umbrella"] in run("umbrella", "cards", "list", "--card", "their-card")


def test_what_is_published_is_of_the_tenant_of_the_settings(run: Run, kafka: KafkaSettings) -> None:
    recording = str(samples.folder() / "calls" / "call-02-family-plan.ogg")
    edge = Edge(kafka)
    before = sum(1 for topic in ENTERING for _ in edge.tail(topic, from_start=True, follow=False))
    run("acme", "publish", "recording", recording, "--call-id", "umbrella:call-1")
    run("acme", "publish", "live", recording, "--speed", "0", "--chunk-ms", "5000", "--call-id", "live")
    run("acme", "publish", "samples")
    records = [one for topic in ENTERING for one in edge.tail(topic, from_start=True, follow=False)]
    events = [read_event(one) for one in records]
    assert len(records) > before + 10
    assert {one.tenant_id for one in events if one} == {"acme"}
    assert all((one.key or b"").startswith(b"acme:") for one in records)


def test_dead_letters_of_a_tenant_are_those_of_no_other(run: Run, kafka: KafkaSettings) -> None:
    edge = Edge(kafka)
    for tenant, word in WORDS.items():
        ours = original(f"{word}-call", json.dumps({"text": word}).encode())
        key = f"{tenant}:{word}-call".encode()
        headers = tuple((name, tenant.encode() if name == "ce_tenantid" else value) for name, value in ours.headers)
        bury(edge, died(NewRecord(ours.topic, key, ours.value, headers, 0)))
    for tenant, word in WORDS.items():
        listed = json.loads(run(tenant, "dlq", "list", "--tenant", tenant, "--json"))
        assert [one["call_id"] for one in listed["items"]] == [f"{word}-call"]
    before = {tenant: _records_of(edge, tenant) for tenant in WORDS}
    assert "1 replayed" in run("acme", "dlq", "replay", "--tenant", "acme")
    assert _records_of(edge, "acme") == before["acme"] + 1
    assert _records_of(edge, "umbrella") == before["umbrella"]


def _records_of(edge: Edge, tenant: str) -> int:
    found = edge.tail(RECORDINGS, from_start=True, follow=False)
    return sum((one.key or b"").startswith(f"{tenant}:".encode()) for one in found)
