"""Till when Kafka holds what was written of a call, and which recordings are ours to delete."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.privacy.vault import Subject
from pipeline.settings import ClaimSettings, Settings
from pipeline.stages import AUDIO, CARDS, ERASURES, GRAPH, RECORDINGS, REPLAYS, RUNNING, STAGES
from workers.kafka_held import is_ours, still_held, topics_of_calls

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = 86_400_000


def test_every_topic_that_a_call_passes_is_told_and_no_other() -> None:
    told = {topic.name for topic in topics_of_calls()}
    passed = {topic for stage in STAGES for topic in (*stage.reads, *stage.writes)} - {GRAPH, CARDS}
    kept = {stage.state_topic for stage in STAGES if stage.remembers}
    assert told == passed | kept | {stage.dead_letters(topic) for stage in STAGES for topic in stage.reads}
    assert told & {GRAPH, ERASURES, REPLAYS, RUNNING} == set()


def test_a_record_may_outlive_its_retention_by_as_long_as_its_segment_is_written_to() -> None:
    told = {AUDIO: {"retention.ms": DAY, "segment.ms": 7 * DAY}, RECORDINGS: {"retention.ms": -1}}
    held = {one.topic: one for one in still_held(AT, told)}
    assert held[AUDIO].until == AT + timedelta(days=8, minutes=5)
    assert (held[RECORDINGS].until, held[RECORDINGS].retention_ms) == (None, None)


def test_where_the_broker_does_not_answer_what_topics_apply_sets_is_told() -> None:
    held = {one.topic: one for one in still_held(AT, None)}
    assert (held[AUDIO].retention_ms, held[AUDIO].from_broker) == (DAY, False)
    assert held[f"{AUDIO}.asr.dlq"].retention_ms == 30 * DAY


def test_only_what_lies_among_the_claimed_values_of_the_call_is_ours(tmp_path: Path) -> None:
    settings = Settings(claims=ClaimSettings(root=tmp_path))
    subject = Subject("acme", "a")
    assert is_ours((tmp_path / "acme" / "a" / "x.json").as_uri(), settings, subject)
    assert not is_ours((tmp_path / "acme" / "ab" / "x.json").as_uri(), settings, subject)
    assert not is_ours("file:///recordings/a.wav", settings, subject)
    assert not is_ours("https://recorder.example/a.wav", settings, subject)
