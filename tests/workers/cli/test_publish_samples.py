"""``convmine publish samples`` with a broker that keeps what it is given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from mined_store import Convmine

from pipeline import samples
from pipeline.asr.fetch import sha256_of
from schemas.audio import RecordingAvailable
from workers.edge import Edge
from workers.records import NewRecord, Record, read_event


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> list[NewRecord]:
    """The records that were published."""
    kept: list[NewRecord] = []

    def publish(_edge: Edge, records: Sequence[NewRecord]) -> list[tuple[str, int, int]]:
        kept.extend(records)
        return [(record.topic, 0, number) for number, record in enumerate(records)]

    monkeypatch.setattr(Edge, "publish", publish)
    return kept


def payload(record: NewRecord) -> Any:
    inbound = read_event(Record(record.topic, 0, 0, record.key, record.value, record.headers))
    assert inbound is not None
    return inbound.payload


def path_of(recording: RecordingAvailable) -> Path:
    return Path(unquote(urlsplit(recording.dataref).path))


def test_every_call_and_chat_that_ships_goes_where_its_kind_belongs(
    convmine: Convmine, broker: list[NewRecord]
) -> None:
    items = json.loads(convmine("publish", "samples", "--json").stdout)["items"]
    assert [item["topic"] for item in items] == ["calls.recordings"] * 8 + ["calls.transcripts.batch"] * 2
    assert [item["call_id"] for item in items] == [payload(record).call_id for record in broker]
    assert all(path_of(payload(record)).parent == samples.folder() / "calls" for record in broker[:8])


def test_recordings_are_copied_whole_to_where_workers_read_them(
    convmine: Convmine, broker: list[NewRecord], tmp_path: Path
) -> None:
    convmine("publish", "samples", "--audio-to", str(tmp_path / "new" / "samples"))
    copies = [payload(record) for record in broker if isinstance(payload(record), RecordingAvailable)]
    assert {path_of(copy).parent for copy in copies} == {tmp_path / "new" / "samples"}
    assert [sha256_of(path_of(copy)) for copy in copies] == [copy.sha256 for copy in copies]
    assert len(list((tmp_path / "new" / "samples").iterdir())) == 8


def test_published_again_they_are_the_same_events(convmine: Convmine, broker: list[NewRecord]) -> None:
    convmine("publish", "samples")
    convmine("publish", "samples")
    assert [dict(record.headers)["ce_id"] for record in broker[:10]] == [
        dict(record.headers)["ce_id"] for record in broker[10:]
    ]


def test_each_begins_a_trace_of_its_own_where_traces_are_on(
    convmine: Convmine, broker: list[NewRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVMINE_TRACING_EXPORT", "file")
    monkeypatch.setenv("CONVMINE_TRACING_PATH", str(tmp_path / "spans.jsonl"))
    convmine("publish", "samples")
    traces = {dict(record.headers)["traceparent"].split(b"-")[1] for record in broker}
    assert len(traces) == len(broker) == 10
    spans = [json.loads(line) for line in (tmp_path / "spans.jsonl").read_text().splitlines()]
    assert [span["name"] for span in spans] == ["send calls.recordings"] * 8 + ["send calls.transcripts.batch"] * 2


def test_a_folder_that_cannot_be_made_is_named(convmine: Convmine, broker: list[NewRecord], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = convmine("publish", "samples", "--audio-to", str(tmp_path / "file" / "samples"))
    assert done.code == 1
    assert "cannot be written" in done.stderr
    assert not broker
