from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from died_events import AT, died, original, stands_at
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConvmineError, Retryable
from pipeline.handling import Position
from pipeline.stages import REPLAYS, STAGES
from schemas.wire import Lane
from workers.dead_letters import (
    Replay,
    Wanted,
    mark_record,
    name_of,
    original_headers,
    place_of,
    read_letter,
    read_mark,
    replayed_record,
)
from workers.records import NewRecord, Record, is_for

DEAD_LETTER_TOPICS = [stage.dead_letters(topic) for stage in STAGES for topic in stage.reads]
HEADERS = st.lists(
    st.tuples(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), st.binary(max_size=12)), max_size=6
).map(tuple)


def replayed(letter: NewRecord, *, offset: int = 5, partitions: int = 6) -> NewRecord:
    return replayed_record(stands_at(letter, offset), partitions=partitions)


@given(st.sampled_from(DEAD_LETTER_TOPICS), st.integers(0, 10**9 - 1), st.integers(0, 10**18 - 1))
def test_the_name_of_every_place_leads_back_to_it(topic: str, partition: int, offset: int) -> None:
    place = Position(topic, partition, offset)
    assert place_of(name_of(place)) == place


@pytest.mark.parametrize(
    "name",
    ["", "x", "calls.recordings.asr.dlq", "calls.recordings.asr.dlq:0", "calls.recordings.asr.dlq:-1:0", "a:٣:0"],
)
def test_what_is_no_name_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(ConvmineError, match="no name of a dead letter") as refusal:
        place_of(name)
    assert "calls.recordings.asr.dlq:0:17" in (refusal.value.hint or "")


@pytest.mark.parametrize("topic", ["calls.recordings", REPLAYS, "my.dlq"])
def test_a_name_in_a_topic_of_other_things_is_refused(topic: str) -> None:
    with pytest.raises(ConvmineError, match="no topic of dead letters"):
        place_of(f"{topic}:0:1")


def test_the_facts_of_a_letter_are_those_of_its_failure() -> None:
    letter = read_letter(
        stands_at(died(original("c1", b"12345", partition=3), error=Retryable("busy", dependency="x")))
    )
    assert asdict(letter) == {
        "place": {"topic": "calls.recordings.asr.dlq", "partition": 0, "offset": 5},
        "at": AT,
        "stage": "asr",
        "lane": "batch",
        "topic": "calls.recordings",
        "partition": 3,
        "offset": 7,
        "tenant_id": "acme",
        "call_id": "c1",
        "error": "Retryable",
        "message": "busy",
        "attempts": 2,
        "first_failed_at": AT.isoformat(),
        "replay_of": None,
        "size": 5,
    }


@pytest.mark.parametrize("topic", DEAD_LETTER_TOPICS)
def test_a_letter_that_says_nothing_has_the_stage_and_the_origin_of_its_topic(topic: str) -> None:
    letter = read_letter(Record(topic, 0, 1, None, None, ()))
    assert f"{letter.topic}.{letter.stage}.dlq" == topic
    stage = next(one for one in STAGES if (one.name, str(one.lane)) == (letter.stage, letter.lane))
    assert letter.topic in stage.reads
    assert (letter.call_id, letter.partition, letter.error) == (None, None, "unknown")


def test_a_lane_in_the_headers_that_does_not_fit_the_topic_is_not_believed() -> None:
    record = Record("calls.audio.asr.dlq", 0, 1, None, b"", (("dlq.lane", b"batch"),))
    assert read_letter(record).lane == "live"


def test_unreadable_headers_leave_call_and_tenant_to_the_key() -> None:
    record = Record("calls.audio.asr.dlq", 0, 1, b"acme:c:1", b"", (("ce_id", b"\xff"), ("dlq.original.offset", b"x")))
    letter = read_letter(record)
    assert (letter.tenant_id, letter.call_id, letter.offset) == ("acme", "c:1", None)


@pytest.mark.parametrize("written", [None, -1, 10**18])
def test_a_letter_without_a_time_of_writing_died_when_it_first_failed(written: int | None) -> None:
    record = replace(stands_at(died(original())), timestamp_ms=written)
    assert read_letter(record).at == AT


@given(HEADERS, st.one_of(st.none(), st.binary(max_size=20)))
def test_a_replay_is_the_original_and_two_headers(headers: tuple[tuple[str, bytes], ...], value: bytes | None) -> None:
    event = original("c1", value, headers=headers)
    again = replayed(died(event))
    theirs = tuple(header for header in event.headers if not header[0].startswith("dlq."))
    assert (again.topic, again.key, again.value) == (event.topic, event.key, event.value)
    assert again.headers[:-2] == theirs
    assert again.headers[-2:] == (
        ("convmine-replay-stage", b"asr.batch"),
        ("convmine-replay-of", b"calls.recordings.asr.dlq:0:5"),
    )


def test_a_replay_that_dies_again_and_is_replayed_again_carries_the_newer_headers_alone() -> None:
    first = replayed(died(original()))
    letter = stands_at(died(first), 9)
    assert read_letter(letter).replay_of == "calls.recordings.asr.dlq:0:5"
    second = replayed_record(letter, partitions=6)
    assert [name for name, _ in second.headers] == [name for name, _ in first.headers]
    assert dict(second.headers)["convmine-replay-of"] == b"calls.recordings.asr.dlq:0:9"
    assert original_headers(letter) == original().headers


def test_only_the_stage_that_gave_up_takes_a_replay() -> None:
    event = NewRecord("calls.transcripts.batch", b"acme:c1", b"{}", ())
    again = replayed(died(event, stage="index"))
    record = Record(again.topic, 0, 1, again.key, again.value, again.headers)
    takers = {stage.group for stage in STAGES if is_for(record, stage)}
    assert takers == {"convmine.index.batch"}


def test_a_replay_goes_to_the_partition_that_it_came_from() -> None:
    assert replayed(died(original(partition=5))).partition == 5


def test_the_key_decides_where_the_topic_has_become_smaller() -> None:
    assert replayed(died(original(partition=5)), partitions=5).partition is None


def test_a_value_that_lies_elsewhere_travels_as_it_is() -> None:
    again = replayed(died(original(value=b"", headers=(("ce_dataref", b"file:///claims/1"),))))
    assert again.value == b""
    assert dict(again.headers)["ce_dataref"] == b"file:///claims/1"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), True),
        (Wanted(stage="asr", lane="batch", topic="calls.recordings"), True),
        (Wanted(stage="flow"), False),
        (Wanted(lane="live"), False),
        (Wanted(topic="flow.paths"), False),
        (Wanted(error="Poison"), True),
        (Wanted(error="poison"), False),
        (Wanted(contains="SUCH thing"), True),
        (Wanted(contains="other"), False),
        (Wanted(call_id="c1"), True),
        (Wanted(call_id="c"), False),
        (Wanted(tenant_id="acme"), True),
        (Wanted(tenant_id="other"), False),
        (Wanted(since=AT), True),
        (Wanted(since=AT + timedelta(milliseconds=1)), False),
    ],
)
def test_a_letter_is_found_by_what_it_says(wanted: Wanted, found: bool) -> None:  # noqa: FBT001 - a case's expectation
    assert wanted.matches(read_letter(stands_at(died(original())))) is found


def test_only_topics_that_can_hold_what_is_wanted_are_read() -> None:
    assert set(Wanted().topics()) == set(DEAD_LETTER_TOPICS)
    assert list(Wanted(stage="asr", lane=str(Lane.LIVE)).topics()) == ["calls.audio.asr.dlq"]
    assert set(Wanted(topic="calls.intents.live").topics()) == {
        "calls.intents.live.flow.dlq",
        "calls.intents.live.index.dlq",
        "calls.intents.live.webhook.dlq",
    }
    assert list(Wanted(stage="graph", lane=str(Lane.LIVE)).topics()) == []


def test_a_mark_is_read_as_it_was_written() -> None:
    letter = read_letter(stands_at(died(original())))
    replay = Replay(datetime(2026, 3, 2, 1, 2, 3, 4_000, UTC), "me@here", "calls.recordings", 1, 12, letter.at)
    mark = mark_record(letter, replay)
    assert (mark.topic, mark.key) == (REPLAYS, letter.name.encode())
    assert read_mark(Record(REPLAYS, 0, 0, mark.key, mark.value, ())) == (letter.name, replay)


@pytest.mark.parametrize("value", [None, b"", b"{}", b"\xff", b"[1]"])
def test_what_is_no_mark_marks_nothing(value: bytes | None) -> None:
    assert read_mark(Record(REPLAYS, 0, 0, b"name", value, ())) == ("name", None)
