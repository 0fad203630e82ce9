from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from died_events import topics_for_letters
from mined_store import Convmine

from pipeline.settings import KafkaSettings
from pipeline.stages import RECORDINGS, STAGES
from workers.edge import Edge
from workers.records import NewRecord
from workers.transactions import transactions

GROUPS = [stage.group for stage in STAGES]
RECORDING = NewRecord(RECORDINGS, b"t:c", b"{}", (), 1)


@pytest.fixture(scope="module")
def installation(kafka_servers: str) -> KafkaSettings:
    """All topics, shared by the tests that only look; a recording waits."""
    settings = KafkaSettings(bootstrap_servers=kafka_servers, topic_prefix=f"t{uuid4().hex[:10]}.", partitions=2)
    Edge(settings).apply_topics()
    Edge(settings).publish([RECORDING])
    return settings


@pytest.fixture
def lag(convmine: Convmine, installation: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> Convmine:
    """Runs ``convmine topics lag …`` on them."""
    return topics_lag(convmine, installation, monkeypatch)


@pytest.fixture
def own_lag(convmine: Convmine, kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> Convmine:
    """The same on topics of one test's own, where a recording waits, too."""
    topics_for_letters(kafka_settings).publish([RECORDING])
    return topics_lag(convmine, kafka_settings, monkeypatch)


def topics_lag(convmine: Convmine, settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> Convmine:
    monkeypatch.setenv("CONVMINE_KAFKA_BOOTSTRAP_SERVERS", settings.bootstrap_servers)
    monkeypatch.setenv("CONVMINE_KAFKA_TOPIC_PREFIX", settings.topic_prefix)
    return lambda *arguments: convmine("topics", "lag", *arguments)


@pytest.fixture
def commit(kafka_settings: KafkaSettings) -> Callable[[int], None]:
    """Says that the group of recordings has done what comes before this offset of partition 1."""
    from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

    def to(offset: int) -> None:
        consumer = KafkaConsumer(
            bootstrap_servers=kafka_settings.bootstrap_servers,
            group_id=f"{kafka_settings.topic_prefix}convmine.asr.batch",
            enable_auto_commit=False,
        )
        tp = TopicPartition(kafka_settings.topic_prefix + RECORDINGS, 1)
        consumer.assign([tp])
        consumer.commit({tp: OffsetAndMetadata(offset, "", -1)})
        consumer.close()

    return to


def items(lag: Convmine, *arguments: str) -> list[dict[str, Any]]:
    done = lag(*arguments, "--json")
    assert done.code == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    return found


def of_recordings(lag: Convmine) -> dict[int, tuple[int | None, int]]:
    return {item["partition"]: (item["committed"], item["lag"]) for item in items(lag, "--group", "convmine.asr.batch")}


def test_every_group_is_told_with_its_lag(lag: Convmine) -> None:
    rows = items(lag)
    assert {row["group"] for row in rows} == set(GROUPS)
    waiting = [row for row in rows if row["lag"]]
    assert waiting == [
        {
            "stage": "asr",
            "lane": "batch",
            "group": "convmine.asr.batch",
            "topic": RECORDINGS,
            "partition": 1,
            "committed": None,
            "end": 1,
            "lag": 1,
        }
    ]


def test_a_table_names_the_group(lag: Convmine) -> None:
    table = lag().stdout
    assert all(group in table for group in GROUPS)


@pytest.mark.parametrize(
    ("options", "groups"),
    [
        (("--stage", "flow"), {"convmine.flow.batch", "convmine.flow.live"}),
        (("--lane", "live"), {group for group in GROUPS if group.endswith(".live")}),
        (("--stage", "flow", "--lane", "live"), {"convmine.flow.live"}),
        (("--group", "convmine.graph.batch"), {"convmine.graph.batch"}),
    ],
)
def test_options_narrow_it(lag: Convmine, options: tuple[str, ...], groups: set[str]) -> None:
    assert {row["group"] for row in items(lag, *options)} == groups


def test_a_group_may_be_named_as_the_broker_knows_it(lag: Convmine, installation: KafkaSettings) -> None:
    rows = items(lag, "--group", f"{installation.topic_prefix}convmine.asr.live")
    assert {row["group"] for row in rows} == {"convmine.asr.live"}


@pytest.mark.parametrize("options", [("--group", "mine"), ("--stage", "graph", "--lane", "live"), ("--stage", "mine")])
def test_what_is_no_stage_of_ours_is_refused(convmine: Convmine, options: tuple[str, ...]) -> None:
    done = convmine("topics", "lag", *options)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_what_was_done_does_not_wait(own_lag: Convmine, commit: Callable[[int], None]) -> None:
    commit(1)
    assert of_recordings(own_lag) == {0: (None, 0), 1: (1, 0)}


def test_the_marker_that_ends_a_transaction_waits_for_nobody(
    own_lag: Convmine, commit: Callable[[int], None], kafka_settings: KafkaSettings
) -> None:
    with transactions(kafka_settings, "test") as writer:
        writer.write([RECORDING], lambda _: [])
    commit(1)
    assert of_recordings(own_lag)[1] == (1, 2), "the second record, and the marker behind it"
    commit(2)
    assert of_recordings(own_lag)[1] == (2, 0)


def test_what_was_removed_unread_waits_for_nobody(own_lag: Convmine, kafka_settings: KafkaSettings) -> None:
    from kafka import KafkaAdminClient, TopicPartition

    Edge(kafka_settings).publish([RECORDING])
    admin = KafkaAdminClient(bootstrap_servers=kafka_settings.bootstrap_servers)
    admin.delete_records({TopicPartition(kafka_settings.topic_prefix + RECORDINGS, 1): 1})
    admin.close()
    assert of_recordings(own_lag)[1] == (None, 1)
