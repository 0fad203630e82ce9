"""A rolling upgrade on real Kafka: workers of two releases in one group, and events of both releases on its topic.

By docs/how-to/rolling-upgrade.md readers come before writers. Here is what that protects, and what happens to who
upgrades the other way round.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from kafka_node import free_port
from processes import CONVMINE, convmine, edge_of, environment, is_idle, running, wait_until

from pipeline.handling import Outbound
from pipeline.stages import stages_of
from schemas.envelope import message
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallFacts, Lane, Role
from workers.records import NewRecord, Record, write_event

EXTRACT = next(stage for stage in stages_of(Lane.BATCH) if stage.name == "extract")
(SOURCE,) = EXTRACT.reads
TODAYS = CONVMINE
NEXT = [sys.executable, str(Path(__file__).with_name("next_release.py"))]


def transcript(call_id: str) -> NewRecord:
    """A transcript as today's release writes it."""
    said = "i want to cancel my contract because it is too expensive"
    segment = Segment(segment_id=f"{call_id}-1", role=Role.CUSTOMER, start_ms=0, end_ms=4_000, text=said)
    facts = CallFacts(scenario="telecom", language="en")
    payload = TranscriptCompleted(
        call_id=call_id, call=facts, language="en", duration_ms=4_000, engine="test", segments=(segment,)
    )
    at = datetime(2026, 1, 5, tzinfo=UTC)
    event = message(payload, id=f"id-{call_id}", source="/test", time=at, subject=call_id, tenant_id="acme")
    return write_event(Outbound(SOURCE, event))


def of_next_release(record: NewRecord) -> NewRecord:
    """The same as the next release writes it: with a field more, and a minor version that says so."""
    assert record.value is not None
    headers = {**dict(record.headers), "ce_dataschema": b"urn:convmine:schema:transcript.completed:1.1"}
    value = json.dumps({**json.loads(record.value), "noise_db": -48.5}).encode()
    return replace(record, value=value, headers=tuple(headers.items()))


def of_a_new_type(record: NewRecord) -> NewRecord:
    """An event of a type that only a later release knows."""
    headers = dict(record.headers)
    kind = headers["ce_type"].replace(b"transcript.completed", b"transcript.translated")
    headers |= {"ce_type": kind, "ce_id": b"translated"}
    return replace(record, headers=tuple(headers.items()))


@dataclass(frozen=True)
class Group:
    """The extract workers of an installation, of whichever release."""

    env: dict[str, str]
    folder: Path

    @contextmanager
    def worker(self, command: Sequence[str]) -> Iterator[str]:
        """A worker, once it has partitions; the address of its figures."""
        port = free_port()
        env = {**self.env, "CONVMINE_RUNTIME_HTTP_PORT": str(port)}
        with running([*command, "worker", "extract"], env, self.folder / f"{port}.log"):
            wait_until(lambda: _is_ready(port), seconds=120, logs=self.folder)
            yield f"http://127.0.0.1:{port}/metrics"

    def publish(self, *records: NewRecord) -> None:
        edge_of(self.env).publish(records)

    def wait_idle(self) -> None:
        wait_until(lambda: is_idle(self.env, EXTRACT), seconds=120, logs=self.folder)

    def mined(self) -> Counter[str]:
        """How many insights there are of each call."""
        return Counter(str(json.loads(it.value or b"")["call_id"]) for it in self.read(EXTRACT.writes[0]))

    def read(self, topic: str) -> list[Record]:
        return list(edge_of(self.env).tail(topic, from_start=True, follow=False))


@pytest.fixture
def group(tmp_path: Path, kafka_servers: str) -> Group:
    env = environment(
        {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_servers,
            "CONVMINE_KAFKA_TOPIC_PREFIX": f"{tmp_path.name}.",
            "CONVMINE_KAFKA_PARTITIONS": "2",
            "CONVMINE_CLAIMS_ROOT": str(tmp_path / "claims"),
            "CONVMINE_BUDGET_LEDGER_PATH": str(tmp_path / "usage.sqlite"),
        }
    )
    convmine("topics", "apply", env=env)
    return Group(env, tmp_path)


@pytest.mark.timeout(400)
def test_with_readers_upgraded_first_every_call_is_mined_once(group: Group) -> None:
    """Both releases at work; then only the next one is, and after that its writers come, too."""
    first = [transcript(f"call-{number}") for number in range(8)]
    second = [of_next_release(transcript(f"next-{number}")) for number in range(4)]
    with ExitStack() as both:
        both.enter_context(group.worker(TODAYS))
        both.enter_context(group.worker(NEXT))
        group.publish(*first)
        group.wait_idle()
    with group.worker(NEXT):
        group.publish(*second, of_a_new_type(transcript("next-0")), transcript("late"))
        group.wait_idle()
    calls = [f"call-{n}" for n in range(8)] + [f"next-{n}" for n in range(4)] + ["late"]
    assert group.mined() == Counter(calls)
    assert group.read(EXTRACT.dead_letters(SOURCE)) == []


@pytest.mark.timeout(400)
def test_what_a_worker_does_not_know_it_skips_and_counts_and_after_its_upgrade_it_is_mined(group: Group) -> None:
    """Writers upgraded first: nothing breaks, and what was passed over is counted; published again it is handled."""
    unknown = [of_next_release(transcript("early-0")), of_a_new_type(transcript("early-1"))]
    with group.worker(TODAYS) as metrics:
        group.publish(*unknown, transcript("call-0"), transcript("call-1"))
        group.wait_idle()
        assert _outcomes(metrics)["skipped"] == 2
    assert group.mined() == Counter(["call-0", "call-1"])
    assert group.read(EXTRACT.dead_letters(SOURCE)) == []
    with group.worker(NEXT):
        group.publish(*(record for record in unknown if b"1.1" in dict(record.headers)["ce_dataschema"]))
        group.wait_idle()
    assert group.mined() == Counter(["call-0", "call-1", "early-0"])


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _outcomes(metrics: str) -> dict[str, float]:
    """Events by outcome."""
    from prometheus_client.parser import text_string_to_metric_families

    return {
        sample.labels["outcome"]: sample.value
        for family in text_string_to_metric_families(httpx.get(metrics).text)
        for sample in family.samples
        if sample.name == "convmine_events_total"
    }
