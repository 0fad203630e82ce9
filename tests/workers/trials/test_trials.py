"""What ``convmine doctor --deep`` finds out by trying."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipeline.errors import ConvmineError
from pipeline.settings import AsrSettings, ClaimSettings, KafkaSettings, LlmSettings, Settings, StoreSettings
from pipeline.stages import STAGES, TOPICS
from workers.diagnosis import Finding
from workers.edge import Edge, Lag
from workers.kafka_clients import admin_client
from workers.trials.folders import try_folders
from workers.trials.kafka import stage_finding, try_kafka, unlike
from workers.trials.models import try_models
from workers.trials.store import try_store
from workers.trials.trial import tried

OFFLINE = AsrSettings(engine="pocketsphinx")
EXTRACT = next(stage for stage in STAGES if stage.name == "extract")


def behind(events: int) -> list[Lag]:
    return [Lag("extract", str(EXTRACT.lane), EXTRACT.group, EXTRACT.reads[0], 0, 0, events, events)]


def by_part(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.part: finding for finding in findings}


def test_what_fails_is_broken_with_the_errors_own_hint() -> None:
    def fails() -> str:
        raise ConvmineError("no such key", hint="set it")

    found = tried("model", ("extract",), fails)
    assert (found.state, found.detail, found.fix) == ("broken", "no such key", "set it")


def test_what_works_says_what_it_did_and_how_long_that_took() -> None:
    found = tried("model", ("extract",), lambda: "answered")
    assert found.state == "ok"
    assert found.detail.startswith("answered (0.0")


def test_a_stage_without_a_worker_is_broken_only_where_events_wait_for_it() -> None:
    assert stage_finding(EXTRACT, behind(3), members=0).state == "broken"
    assert stage_finding(EXTRACT, behind(0), members=0).state == "unused"
    found = stage_finding(EXTRACT, behind(3), members=1)
    assert (found.state, found.detail) == ("ok", "1 worker, 3 events wait")


def test_a_stage_without_a_worker_names_the_command_that_starts_one() -> None:
    assert stage_finding(EXTRACT, behind(3), members=0).fix == f"convmine worker extract --lane {EXTRACT.lane}"


def test_a_topic_that_forgets_what_must_be_kept_is_told() -> None:
    wanted = {"state": True, "calls": False, "new": True}
    assert unlike(wanted, {"state": "compact,delete", "calls": "delete"}) == []
    assert unlike(wanted, {"state": "delete", "calls": "compact"}) == ["state", "calls"]


async def test_a_broker_in_order_takes_a_record_and_keeps_its_topics(kafka_settings: KafkaSettings) -> None:
    settings = Settings(kafka=kafka_settings)
    await asyncio.to_thread(Edge(kafka_settings).apply_topics)
    found = by_part(await asyncio.to_thread(lambda: list(try_kafka(settings))))
    assert found["kafka record"].state == "ok", found["kafka record"]
    assert "workers" not in found, found["workers"].detail
    assert found["kafka topics"].detail.startswith(f"{len(TOPICS)} topics kept as they must be")
    assert found["extract batch"].state == "unused", found.get("workers")
    assert found["dead letters"].detail.startswith("none")
    await asyncio.to_thread(_keep_everything_of, kafka_settings, "config.cards", "delete")
    broken = by_part(await asyncio.to_thread(lambda: list(try_kafka(settings))))["kafka topics"]
    assert broken.state == "broken"
    assert "config.cards has delete" in broken.detail


def test_a_broker_that_is_away_is_one_finding_and_no_further_questions() -> None:
    settings = Settings(kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    (found,) = try_kafka(settings)
    assert (found.part, found.state) == ("kafka record", "broken")


def test_a_broker_that_nobody_set_need_not_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Edge) -> dict[str, int]:
        raise ConvmineError("does not answer", hint="set KAFKA_BOOTSTRAP_SERVERS")

    monkeypatch.setattr(Edge, "topics", away)
    (found,) = try_kafka(Settings())
    assert (found.part, found.state, found.fix) == ("kafka record", "unused", "set KAFKA_BOOTSTRAP_SERVERS")


def test_the_store_finds_what_it_was_given_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    settings = Settings(store=StoreSettings(path=tmp_path / "qdrant", embedder="hashing"))
    for _ in range(2):
        (found,) = try_store(settings)
        assert found.state == "ok", found
    assert "embedded by hashing" in found.detail


def test_a_store_whose_embedder_is_chosen_by_itself_names_the_one_that_it_took(tmp_path: Path) -> None:
    (found,) = try_store(Settings(store=StoreSettings(path=tmp_path / "qdrant", embedder="auto")))
    assert "embedded by wordllama" in found.detail


def test_a_model_that_is_away_is_broken() -> None:
    llm = LlmSettings(base_url="http://127.0.0.1:1/v1", api_key=SecretStr("key"), timeout_s=1)
    found = by_part(list(try_models(Settings(asr=OFFLINE, llm=llm))))["language model"]
    assert found.state == "broken"


def test_without_a_model_none_is_asked() -> None:
    assert "language model" not in by_part(list(try_models(Settings(asr=OFFLINE))))


def test_a_folder_that_cannot_be_made_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    settings = Settings(claims=ClaimSettings(root=in_the_way / "claims"), store=StoreSettings(path=tmp_path))
    found = by_part(list(try_folders(settings)))
    assert found["folder of claims"].state == "broken"
    assert found["folder of local store"].state == "ok"
    monkeypatch.setattr("workers.trials.folders._ROOM_BYTES", 10**18)
    assert by_part(list(try_folders(settings)))["folder of local store"].fix.startswith("make room")


def _keep_everything_of(settings: KafkaSettings, topic: str, policy: str) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType

    resource = ConfigResource(
        ConfigResourceType.TOPIC, settings.topic_prefix + topic, configs={"cleanup.policy": policy}
    )
    with admin_client(settings) as admin:
        admin.alter_configs([resource])
