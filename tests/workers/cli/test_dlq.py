"""``convmine dlq list`` and ``show`` as an operator types them, against a real Kafka."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest
from died_events import bury_three, items, on_kafka, topics_for_letters
from mined_store import Convmine

from pipeline.settings import KafkaSettings
from workers.edge import Edge


@pytest.fixture(scope="module")
def installation(kafka_servers: str) -> KafkaSettings:
    """Topics that all tests here share: they only look."""
    settings = KafkaSettings(bootstrap_servers=kafka_servers, topic_prefix=f"t{uuid4().hex[:10]}.", partitions=2)
    topics_for_letters(settings)
    return settings


@pytest.fixture(scope="module")
def names(installation: KafkaSettings) -> list[str]:
    """Three dead letters."""
    return bury_three(Edge(installation))


@pytest.fixture
def dlq(convmine: Convmine, installation: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> Convmine:
    return on_kafka(convmine, installation, monkeypatch)


def test_letters_are_listed_newest_first_with_the_names_that_show_takes(dlq: Convmine, names: list[str]) -> None:
    done = dlq("list")
    lines = [line for line in done.stdout.splitlines() if ".dlq:" in line]
    assert [next(name for name in names if name in line) for line in lines] == names[::-1]
    assert "Poison: no such thing" in lines[2]
    assert dlq("show", names[0]).code == 0


def test_a_list_in_json_holds_the_facts(dlq: Convmine, names: list[str]) -> None:
    document = json.loads(dlq("list", "--json", "--limit", "2").stdout)
    assert (document["next"], document["matching"]) == (None, 3)
    newest = document["items"][0]
    assert newest["name"] == names[2]
    assert (newest["stage"], newest["lane"], newest["call_id"], newest["error"]) == (
        "index",
        "batch",
        "c2",
        "Retryable",
    )
    assert (newest["topic"], newest["partition"], newest["offset"]) == ("calls.transcripts.batch", 0, 7)
    assert newest["replayed"] is None


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--stage", "asr"), {0, 1}),
        (("--stage", "asr", "--lane", "live"), {1}),
        (("--topic", "calls.transcripts.batch"), {2}),
        (("--error", "ValueError"), {1}),
        (("--contains", "AWAY"), {2}),
        (("--call", "live-1"), {1}),
        (("--tenant", "acme"), {0, 1, 2}),
        (("--tenant", "other"), set()),
        (("--since", "1h"), {0, 1, 2}),
        (("--since", "1969-12-31T23:59:59.999"), {0, 1, 2}),
        (("--since", "2999-01-01"), set()),
        (("--not-replayed",), {0, 1, 2}),
        (("--replayed",), set()),
    ],
)
def test_a_list_is_narrowed_by_options(
    dlq: Convmine, names: list[str], options: tuple[str, ...], found: set[int]
) -> None:
    assert {item["name"] for item in items(dlq, "list", *options)} == {names[index] for index in found}


def test_a_list_that_is_cut_or_empty_says_so(dlq: Convmine, names: list[str]) -> None:
    assert "the newest 1 of 3" in dlq("list", "--limit", "1").stderr
    nothing = dlq("list", "--call", "nobody")
    assert (nothing.code, nothing.stdout, nothing.stderr) == (0, "", "there are no such dead letters\n")


def test_a_letter_is_shown_with_its_facts_and_its_original(dlq: Convmine, names: list[str]) -> None:
    shown = dlq("show", names[0]).stdout
    for words in (
        names[0],
        "asr.batch",
        "no such thing",
        "calls.recordings:0:7",
        "ce_tenantid  acme",
        '"call_id": "c1"',
    ):
        assert words in shown
    assert "dlq.error" not in shown


def test_audio_is_shown_as_a_dump_and_written_as_it_was(dlq: Convmine, names: list[str], tmp_path: Path) -> None:
    shown = dlq("show", names[1]).stdout
    assert "00000040  40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO" in shown
    assert "512 bytes more" in shown
    assert dlq("show", names[1], "--raw", str(tmp_path / "chunk")).code == 0
    assert (tmp_path / "chunk").read_bytes() == bytes(range(256)) * 4


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nonsense", "no name of a dead letter"),
        ("calls.recordings:0:1", "no topic of dead letters"),
        ("calls.recordings.asr.dlq:0:99", "there is no dead letter"),
        ("calls.recordings.asr.dlq:99:0", "there is no dead letter"),
    ],
)
@pytest.mark.parametrize("command", ["show", "replay"])
def test_a_name_that_leads_nowhere_is_one_line(dlq: Convmine, command: str, name: str, reason: str) -> None:
    done = dlq(command, name)
    assert (done.code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert reason in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay",),
        ("replay", "--all", "--stage", "asr"),
        ("replay", "calls.recordings.asr.dlq:0:0", "--all"),
        ("replay", "calls.recordings.asr.dlq:0:0", "--call", "c1"),
        ("replay", "--all", "--rate", "0"),
        ("list", "--stage", "graph", "--lane", "live"),
        ("list", "--stage", "nobody"),
        ("list", "--since", "yesterday"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(convmine: Convmine, arguments: tuple[str, ...]) -> None:
    done = convmine("dlq", *arguments)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_topics_that_are_missing_are_said_with_what_to_do(dlq: Convmine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_KAFKA_TOPIC_PREFIX", "nobody.")
    for arguments in (("list",), ("show", "calls.recordings.asr.dlq:0:0"), ("replay", "--all")):
        done = dlq(*arguments)
        assert (done.code, done.stderr.count("\n")) == (1, 1)
        assert "convmine topics apply" in done.stderr


def test_a_broker_that_is_away_is_one_line(dlq: Convmine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    done = dlq("list")
    assert (done.code, done.stderr.count("\n")) == (1, 1)
    assert "127.0.0.1:1 does not answer" in done.stderr
