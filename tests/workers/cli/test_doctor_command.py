"""What ``convmine doctor`` says of an installation that is as the pages tell to make it: nothing to be done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mined_store import Convmine

from pipeline.errors import Retryable
from pipeline.settings import KafkaSettings
from workers.edge import Edge


@pytest.fixture
def doctor(convmine: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Convmine:
    """Runs ``convmine doctor …`` with the engine that ships and folders of the test's own."""
    monkeypatch.setenv("CONVMINE_ASR_ENGINE", "pocketsphinx")
    monkeypatch.setenv("CONVMINE_CLAIMS_ROOT", str(tmp_path / "claims"))
    for variable in ("KAFKA_BOOTSTRAP_SERVERS", "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    return lambda *arguments: convmine("doctor", *arguments)


def by_state(said: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for item in json.loads(said)["items"]:
        found.setdefault(item["state"], []).append(item)
    return found


def test_an_installation_with_broker_topics_and_store_is_clean_and_what_is_unused_says_how_to_use_it(
    doctor: Convmine, kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_settings.bootstrap_servers)
    monkeypatch.setenv("CONVMINE_KAFKA_TOPIC_PREFIX", kafka_settings.topic_prefix)
    Edge(kafka_settings).apply_topics()
    done = doctor("--deep", "--json")
    found = by_state(done.stdout)
    assert (done.code, done.stderr) == (0, "")
    assert set(found) == {"ok", "unused"}
    assert {"kafka", "kafka record", "kafka topics", "store point", "speech engine"} <= {x["part"] for x in found["ok"]}
    assert "asr batch" in {item["part"] for item in found["unused"]}, "no worker runs"
    assert [item["part"] for item in found["unused"] if not item["fix"]] == []


def test_an_installation_without_a_broker_is_clean_for_the_demo(
    doctor: Convmine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Edge) -> dict[str, int]:
        raise Retryable("Kafka does not answer", hint="set KAFKA_BOOTSTRAP_SERVERS", dependency="kafka")

    monkeypatch.setattr(Edge, "topics", away)
    done = doctor("--deep", "--json")
    found = by_state(done.stdout)
    assert (done.code, set(found)) == (0, {"ok", "unused"})
    assert {"kafka", "kafka record"} <= {item["part"] for item in found["unused"]}


def test_a_broker_without_topics_is_not_clean_until_the_command_that_it_names_has_made_them(
    doctor: Convmine, kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_settings.bootstrap_servers)
    monkeypatch.setenv("CONVMINE_KAFKA_TOPIC_PREFIX", kafka_settings.topic_prefix)
    done = doctor()
    assert done.code == 1
    assert "convmine topics apply" in done.stdout
    assert done.stdout.splitlines()[-1] == "missing or broken: kafka"
    Edge(kafka_settings).apply_topics()
    done = doctor()
    assert (done.code, done.stdout.splitlines()[-1]) == (0, "all that is configured works")
