"""``convmine dlq replay`` as an operator types it, against a real Kafka."""

from __future__ import annotations

import io
import json

import pytest
from died_events import bury, bury_three, died, items, on_kafka, original, topics_for_letters
from mined_store import Convmine

from pipeline.settings import KafkaSettings
from pipeline.stages import RECORDINGS
from workers.edge import Edge
from workers.records import Record

STEERING = b"\x1b[2J\x1b]0;owned\x07"


@pytest.fixture
def edge(kafka_settings: KafkaSettings) -> Edge:
    return topics_for_letters(kafka_settings)


@pytest.fixture
def names(edge: Edge) -> list[str]:
    """Three dead letters."""
    return bury_three(edge)


@pytest.fixture
def dlq(convmine: Convmine, kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> Convmine:
    return on_kafka(convmine, kafka_settings, monkeypatch)


def came_back(edge: Edge, topic: str = RECORDINGS) -> list[Record]:
    return list(edge.read(edge.spans([topic])))


def test_a_named_letter_is_replayed_once_and_marked(dlq: Convmine, edge: Edge, names: list[str]) -> None:
    document = json.loads(dlq("replay", names[0], "--json").stdout)
    assert (document["replayed"], document["skipped"], document["dry_run"]) == (1, 0, False)
    (record,) = came_back(edge)
    assert (record.key, record.value) == (b"acme:c1", b'{"call_id": "c1"}')
    assert record.headers[:-2] == original("c1").headers
    assert dict(record.headers[-2:]) == {
        "convmine-replay-stage": b"asr.batch",
        "convmine-replay-of": names[0].encode(),
    }
    assert (document["items"][0]["partition"], document["items"][0]["offset"]) == (record.partition, record.offset)
    assert "0 replayed, 1 skipped" in dlq("replay", names[0]).stdout
    assert len(came_back(edge)) == 1
    (item,) = items(dlq, "list", "--replayed")
    assert item["name"] == names[0]
    assert "@" in item["replayed"]["by"]
    assert f"to {RECORDINGS}:0:{record.offset}" in dlq("show", names[0]).stdout


def test_again_replays_what_was_replayed(dlq: Convmine, edge: Edge, names: list[str]) -> None:
    for options in ((), ("--again",)):
        assert "1 replayed" in dlq("replay", names[0], *options).stdout
    assert len(came_back(edge)) == 2


def test_a_filter_replays_what_it_finds_and_no_more(dlq: Convmine, edge: Edge, names: list[str]) -> None:
    assert "1 replayed" in dlq("replay", "--stage", "asr", "--lane", "live").stdout
    assert len(came_back(edge, "calls.audio")) == 1
    assert came_back(edge) == []
    assert "2 replayed, 1 skipped" in dlq("replay", "--all").stdout


def test_a_limit_takes_the_oldest(dlq: Convmine, names: list[str]) -> None:
    assert {item["name"] for item in items(dlq, "replay", "--all", "--limit", "2")} == set(names[:2])


def test_a_dry_run_says_what_would_go_where_and_sends_nothing(dlq: Convmine, edge: Edge, names: list[str]) -> None:
    said = dlq("replay", "--all", "--dry-run").stdout.splitlines()
    assert said[1] == f"{names[1]} to calls.audio, partition 1, for asr.live, call live-1"
    assert said[-1].startswith("3 would be replayed, 0 skipped")
    document = json.loads(dlq("replay", names[0], "--dry-run", "--json").stdout)
    assert (document["dry_run"], document["replayed"]) == (True, 1)
    assert (document["items"][0]["topic"], document["items"][0]["partition"]) == (RECORDINGS, 0)
    assert [*came_back(edge), *came_back(edge, "calls.audio"), *items(dlq, "list", "--replayed")] == []


class Terminal(io.StringIO):
    """A terminal at which somebody has typed this."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "ended"), [("y\n", (0, 3)), ("n\n", (1, 0))])
def test_on_a_terminal_it_asks_before_it_replays_what_a_filter_found(
    dlq: Convmine, names: list[str], monkeypatch: pytest.MonkeyPatch, typed: str, ended: tuple[int, int]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    done = dlq("replay", "--all")
    assert "replay 3 dead letters" in done.stderr
    assert (done.code, len(items(dlq, "list", "--replayed"))) == ended


@pytest.mark.parametrize("options", [("--all", "--yes"), ("--all", "--limit", "1"), ("--all", "--dry-run")])
def test_on_a_terminal_it_does_not_ask_without_need(
    dlq: Convmine, names: list[str], monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(""))
    done = dlq("replay", *options)
    assert (done.code, done.stderr) == (0, "")


def test_a_rate_slows_it_down(dlq: Convmine, edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    bury(edge, *(died(original(f"c{n}")) for n in range(6)))
    assert "6 replayed" in dlq("replay", "--all", "--rate", "4").stdout
    times = [record.timestamp_ms or 0 for record in came_back(edge)]
    assert max(times) - min(times) >= 600, "the last two are due a second after the first"


def test_nothing_in_a_letter_can_steer_a_terminal(dlq: Convmine, edge: Edge) -> None:
    event = original("c\x1b[1m", b"text " + STEERING, headers=(("x\x1b[1m", STEERING), ("empty", b"")))
    (name,) = bury(edge, died(event, error=ValueError(STEERING.decode())))
    shown = dlq("show", name).stdout
    assert "\x1b" not in shown + dlq("list").stdout + dlq("replay", name, "--dry-run").stdout
    assert r"text \x1b[2J" in shown
    assert "\n  empty\n" in shown
