"""A recording and a chat through worker processes of every stage, real Kafka between them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka_node import free_port
from processes import CONVMINE, ROOT, convmine, convmine_json, environment, is_idle, running, wait_until

from pipeline import samples
from pipeline.stages import stages_of
from schemas.wire import Lane

RECORDING = samples.folder() / "calls" / "call-02-family-plan.ogg"
CHAT = samples.folder() / "chats" / "chat-zh-01.json"


@dataclass(frozen=True)
class Installation:
    """Workers of all stages, one process each, with their broker and their store."""

    env: dict[str, str]
    logs: Path
    workers: dict[str, subprocess.Popen[bytes]]
    probes: str

    def events(self, topic: str) -> list[dict[str, Any]]:
        lines = convmine("topics", "tail", topic, "--from-start", "--no-follow", "--json", env=self.env).stdout
        return [json.loads(line) for line in lines.splitlines()]

    def idle(self) -> bool:
        return is_idle(self.env)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, kafka_servers: str) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("installation")
    port, probe_port = free_port(), free_port()
    env = environment(
        {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_servers,
            "CONVMINE_KAFKA_TOPIC_PREFIX": f"{folder.name}.",
            "CONVMINE_KAFKA_PARTITIONS": "2",
            "CONVMINE_ASR_ENGINE": "pocketsphinx",
            "CONVMINE_AUDIO_ALLOWED_ROOTS": f"{RECORDING.parent},{folder}",
            "CONVMINE_CLAIMS_ROOT": str(folder / "claims"),
            "CONVMINE_CLAIMS_THRESHOLD_BYTES": "20000",
            "QDRANT_URL": f"http://127.0.0.1:{port}",
        }
    )
    stand_in = [sys.executable, str(ROOT / "tests" / "qdrant_stand_in.py")]
    with ExitStack() as stack:
        stack.enter_context(running([*stand_in, "--port", str(port)], env, folder / "qdrant.log"))
        wait_until(lambda: _answers(env["QDRANT_URL"]), seconds=60, logs=folder)
        convmine("topics", "apply", env=env)
        workers = {
            stage.name: stack.enter_context(
                running([*CONVMINE, "worker", stage.name], env, folder / f"{stage.name}.log")
            )
            for stage in stages_of(Lane.BATCH)
        }
        live = [*CONVMINE, "worker", "all", "--lane", "live"]
        probes = {"CONVMINE_RUNTIME_HTTP_PORT": str(probe_port)}
        workers["live"] = stack.enter_context(running(live, {**env, **probes}, folder / "live.log"))
        yield Installation(env, folder, workers, f"http://127.0.0.1:{probe_port}")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code < 500
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def mined(installation: Installation) -> Installation:
    """The installation after it has heard one recording and read one chat, each published twice."""
    roles = ["--channel", "0=customer", "--channel", "1=agent"]
    recording = [str(RECORDING), "--call-id", "kafka-1", "--language", "en", "--scenario", "telecom", *roles]
    for _ in range(2):
        convmine("publish", "recording", *recording, env=installation.env)
        convmine("publish", "transcript", str(CHAT), env=installation.env)
    wait_until(
        lambda: installation.idle() and len(installation.events("sales.suggestions")) >= 2,
        seconds=240,
        logs=installation.logs,
    )
    return installation


@pytest.mark.timeout(600)
def test_a_recording_arrives_as_turns_intents_and_an_outcome(mined: Installation) -> None:
    call = convmine_json("calls", "show", "kafka-1", env=mined.env)
    assert {turn["role"] for turn in call["turns"]} == {"agent", "customer"}
    assert any("family" in turn["text"] for turn in call["turns"])
    assert call["outcome_inferred"]["name"] == "bought"
    for intent in call["intents"]:
        assert any(intent["quote"] in turn["text"] for turn in call["turns"]), intent


def test_a_chinese_chat_arrives_too(mined: Installation) -> None:
    call = convmine_json("calls", "show", "chat-zh-01", env=mined.env)
    assert call["language"].startswith("zh")
    assert "price_objection" in {intent["name"] for intent in call["intents"]}


@pytest.mark.timeout(400)
def test_a_call_that_goes_on_is_heard_mined_and_advised_on(mined: Installation) -> None:
    roles = ["--channel", "0=customer", "--channel", "1=agent"]
    facts = ["--call-id", "live-1", "--language", "en", "--scenario", "telecom", "--speed", "8"]
    convmine("publish", "live", str(RECORDING), *facts, *roles, env=mined.env)
    wait_until(
        lambda: (
            mined.idle()
            and any(event["value"]["call_id"] == "live-1" for event in mined.events("calls.intents.live")[-1:])
        ),
        seconds=240,
        logs=mined.logs,
    )
    call = convmine_json("calls", "show", "live-1", env=mined.env)
    assert any("family" in turn["text"] for turn in call["turns"])
    assert call["outcome_inferred"]["name"] == "bought"
    created = (event["value"] for event in mined.events("sales.suggestions") if "card_id" in event["value"])
    advice = [suggestion for suggestion in created if suggestion["call_id"] == "live-1"]
    assert {suggestion["lane"] for suggestion in advice} == {"live"}
    assert min(suggestion["at_ms"] for suggestion in advice) < call["duration_ms"]


def test_a_workers_probes_say_that_it_is_well(mined: Installation) -> None:
    assert httpx.get(f"{mined.probes}/readyz").json()["status"] == "ready"
    health = httpx.get(f"{mined.probes}/healthz")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    metrics = httpx.get(f"{mined.probes}/metrics").text
    assert 'convmine_events_total{lane="live",outcome="handled",stage="extract"}' in metrics


@pytest.mark.timeout(400)
def test_a_conversation_too_large_for_a_message_goes_by_claim_check(mined: Installation) -> None:
    chat = json.loads(CHAT.read_text())
    chat["call_id"] = "kafka-long"
    chat["messages"] = chat["messages"] * 40
    file = mined.logs / "long.json"
    file.write_text(json.dumps(chat))
    convmine("publish", "transcript", str(file), env=mined.env)
    claimed = [event for event in mined.events("calls.transcripts.batch") if "ce_dataref" in event["headers"]]
    assert len(claimed) == 1
    wait_until(
        lambda: mined.idle() and any(event["value"]["call_id"] == "kafka-long" for event in mined.events("flow.paths")),
        seconds=240,
        logs=mined.logs,
    )
    assert len(convmine_json("calls", "show", "kafka-long", env=mined.env)["turns"]) == len(chat["messages"])


def test_publishing_twice_leaves_no_doubles(mined: Installation) -> None:
    suggestions = mined.events("sales.suggestions")
    ids = [event["headers"]["ce_id"] for event in suggestions]
    call = convmine_json("calls", "show", "kafka-1", env=mined.env)
    shown = [suggestion["suggestion_id"] for suggestion in call["suggestions"]]
    assert len(set(shown)) == len(shown)
    assert set(shown) == {
        event["value"]["suggestion_id"] for event in suggestions if event["value"]["call_id"] == "kafka-1"
    }
    assert len(set(ids)) <= len(ids)
    turns = [(turn["role"], turn["start_ms"]) for turn in call["turns"]]
    assert len(set(turns)) == len(turns)


def test_the_card_number_that_was_spoken_is_nowhere(mined: Installation) -> None:
    for topic in ("calls.transcripts.batch", "calls.intents.batch", "sales.suggestions"):
        said = json.dumps([event["value"] for event in mined.events(topic)])
        assert "one one one one" not in said
        assert "1111" not in said


def test_the_graph_counts_each_call_once(mined: Installation) -> None:
    latest = {event["key"]: event["value"] for event in mined.events("flow.graph") if "period" not in event["value"]}
    calls = {event["value"]["call_id"] for event in mined.events("flow.paths")}
    assert len(calls) >= 2
    assert sum(graph["paths"] for graph in latest.values()) == len(calls)


def test_what_is_no_audio_becomes_a_dead_letter_and_the_next_recording_is_heard(mined: Installation) -> None:
    noise = mined.logs / "letter.wav"
    noise.write_text("Dear customer, this is a letter.")
    convmine("publish", "recording", str(noise), "--call-id", "kafka-bad", env=mined.env)
    wait_until(lambda: mined.idle() and bool(mined.events("calls.failed")), seconds=120, logs=mined.logs)
    (letter,) = mined.events("calls.recordings.asr.dlq")
    assert letter["value"]["call_id"] == "kafka-bad"
    assert letter["headers"]["dlq.stage"] == "asr"
    (failed,) = mined.events("calls.failed")
    assert "audio" in failed["value"]["reason"]
    call = convmine_json("calls", "show", "kafka-bad", env=mined.env)
    assert call["failed"]["stage"] == "asr"


def test_a_worker_without_its_topics_says_which_and_what_to_do(kafka_servers: str) -> None:
    env = environment({"KAFKA_BOOTSTRAP_SERVERS": kafka_servers, "CONVMINE_KAFKA_TOPIC_PREFIX": "nobody-made-these."})
    done = convmine("worker", "flow", env=env, check=False)
    assert done.returncode == 75, "to be started again: the topics may come"
    assert "calls.intents.batch" in done.stderr
    assert "convmine topics apply" in done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("CONVMINE_ASR_ENGINE", "parrot", "'whisper'"),
        ("CONVMINE_RUNTIME_IN_FLIGHT", "0", "greater than or equal to 1"),
        ("CONVMINE_ASR_ENGIN", "whisper", "is no setting"),
    ],
)
def test_a_wrong_setting_stops_a_worker_at_start_and_is_named(variable: str, value: str, expected: str) -> None:
    done = convmine("worker", "asr", env=environment({variable: value}), check=False)
    assert done.returncode == 78, "not to be started again"
    assert variable in done.stderr
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_sigterm_ends_every_worker_in_good_order(mined: Installation) -> None:
    for process in mined.workers.values():
        process.send_signal(signal.SIGTERM)
    assert {name: process.wait(60) for name, process in mined.workers.items()} == dict.fromkeys(mined.workers, 0)
