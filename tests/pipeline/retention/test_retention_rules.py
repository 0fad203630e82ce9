"""Which rule applies to what, and what is told of a file that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import Config
from pipeline.retention.applying import applying
from pipeline.retention.kinds import IN_ORDER, KINDS
from pipeline.retention.notes import notes_of, topic_standings
from pipeline.retention.rules import Rules, read_rules
from pipeline.settings import LlmSettings, Settings
from pipeline.stages import AUDIO, TOPICS, transcripts
from schemas.wire import Lane

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def rules(*lines: str) -> Rules:
    """Rules as they are written on a line: ``transcripts acme 90d``."""
    written = [dict(zip(("kind", "tenant", "keep"), line.split(), strict=True)) for line in lines]
    return Rules.model_validate({"rules": written})


def days(keep: timedelta | None) -> int | None:
    return None if keep is None else keep.days


def test_the_rule_that_names_the_tenant_goes_before_that_of_all() -> None:
    found = rules("audit * 90d", "audit acme 3y", "labels acme 2w")
    assert [days(found.keep("audit", tenant)) for tenant in ("acme", "umbrella")] == [1_095, 90]
    assert [days(found.keep("labels", tenant)) for tenant in ("acme", "umbrella")] == [14, None]


def test_what_is_of_a_call_goes_with_it_at_the_latest() -> None:
    found = rules("calls * 60d", "transcripts * 30d", "intents * 1y", "labels * 1y")
    kept = {kind: days(found.keep(kind, "acme")) for kind in IN_ORDER}
    assert [kept[kind] for kind in ("transcripts", "intents", "suggestions", "calls")] == [30, 60, 60, 60]
    assert (kept["labels"], kept["usage"]) == (365, None)


def test_what_would_come_again_by_a_replay_is_known_to_be_expired() -> None:
    found = rules("calls acme 10d")
    old, young = NOW - timedelta(days=10, seconds=1), NOW - timedelta(days=10)
    assert found.expired("transcripts", "acme", old, NOW)
    assert not found.expired("transcripts", "acme", young, NOW)
    assert not found.expired("transcripts", "umbrella", old, NOW)


def test_rules_apply_to_each_tenant_and_once_to_what_lies_in_one_place() -> None:
    found = list(applying(rules("calls acme 10d", "cache * 7d", "audit * 1y"), IN_ORDER, ["umbrella"], NOW))
    assert [(one.kind, one.tenant) for one in found if one.kind in {"calls", "cache", "audit"}] == [
        ("calls", "acme"),
        ("cache", "*"),
        ("audit", "acme"),
        ("audit", "umbrella"),
    ]
    assert {one.before for one in found if one.kind == "calls"} == {NOW - timedelta(days=10)}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("rules: [{kind: transcript, keep: 90d}]", r"rules\[0\].kind: input should be 'calls'"),
        ("rules: [{kind: calls, keep: 90}]", r"rules\[0\].keep: .*90 is no time to keep things for, such as 90d"),
        ("rules: [{kind: calls, keep: 0d}]", "'0d' is no time"),
        ("rules: [{kind: calls, keep: 1d, tenant: 'a b'}]", "'a b' is no tenant"),
        ("rules: [{kind: cache, keep: 1d, tenant: acme}]", "cache lie in one place for all tenants"),
        ("rules: [{kind: calls, keep: 1d}, {kind: calls, keep: 2d}]", r"two rules of calls of tenant '\*'"),
        ("rules: [{kind: calls, keep: 1d, size: 3}]", r"rules\[0\].size"),
        ("rules: []", "rules: "),
        ("", "rules.yaml: "),
        ("rules: [", "line 1 is no YAML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_place(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "rules.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(Config, match=said):
        read_rules(tmp_path / "rules.yaml")


def test_without_a_file_or_with_one_that_is_not_there_that_is_said(tmp_path: Path) -> None:
    for path, said in ((None, "all is kept"), (tmp_path / "none.yaml", "No such file")):
        with pytest.raises(Config, match=said):
            read_rules(path)


def test_every_kind_names_topics_that_there_are_and_each_is_of_one_kind() -> None:
    named = [topic for kind in KINDS.values() for topic in kind.topics]
    assert len(named) == len(set(named))
    assert set(named) <= {topic.name for topic in TOPICS}
    of_calls = {topic.name for topic in TOPICS if not topic.compacted and not topic.name.endswith(".state")}
    assert of_calls - set(named) == set()


def test_a_topic_that_keeps_things_longer_than_their_rule_is_told() -> None:
    found = rules("transcripts * 10d", "intents * 30d", "calls * 3y")
    outlives = {one.topic for one in topic_standings(found) if one.outlives}
    assert transcripts(Lane.LIVE) in outlives
    assert f"{transcripts(Lane.BATCH)}.extract.dlq" in outlives
    assert AUDIO not in outlives
    assert not [topic for topic in outlives if topic.startswith(("calls.intents", "calls.flow"))]
    asked = topic_standings(found, {"flow.paths": None, transcripts(Lane.BATCH): timedelta(days=7)})
    assert {one.topic: one.outlives for one in asked} == {"flow.paths": True, transcripts(Lane.BATCH): False}


def test_what_outlives_a_rule_elsewhere_is_said_once() -> None:
    found = rules("transcripts * 40d", "calls * 1y", "cache * 90d", "labels acme 1d", "intents bob 40d")
    notes = list(notes_of(found, Settings(llm=LlmSettings(cache_days=30)), topic_standings(found)))
    assert [note.split(",")[0] for note in notes] == ["intents", "suggestions", "cache of all are to be kept 90 d"]
    assert "of tenant bob outlive transcripts (40 d)" in notes[1]
    assert "CONVMINE_LLM_CACHE_DAYS is 30" in notes[2]
