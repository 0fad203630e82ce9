"""Events over several stages are one trace; what fails, dies or is replayed can be followed; off, nothing changes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traced import Traced, traced_into

from pipeline.errors import Poison, Retryable
from pipeline.handling import Handler, Inbound, Outbound, follow
from pipeline.stages import FAILED, Stage, flow, intents, stage_named, transcripts
from schemas.call import CallEnded
from schemas.envelope import message
from schemas.wire import Lane
from workers.entry import live_records
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import Limits
from workers.outcomes import RetryPolicy
from workers.records import REPLAY_STAGE, NewRecord, Record, write_event
from workers.tracing.hops import Hops, pseudonym

LIMITS = Limits(policy=RetryPolicy(first_s=0.001, longest_s=0.002))
THEIRS: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
THEIR_TRACE, THEIR_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def stage(name: str) -> Stage:
    found = stage_named(name, Lane.BATCH)
    assert found is not None
    return found


EXTRACT, FLOW, INDEX = stage("extract"), stage("flow"), stage("index")


def entry(traceparent: str | None = None, *headers: tuple[str, bytes]) -> NewRecord:
    event = message(
        CallEnded(call_id="secret-call"),
        id="1",
        source="/t",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        subject="secret-call",
        tenant_id="acme",
        traceparent=traceparent,
    )
    record = write_event(Outbound(transcripts(Lane.BATCH), event))
    return NewRecord(record.topic, record.key, record.value, (*record.headers, *headers))


def passes_on(name: str, topic: str) -> Handler:
    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        return [follow(inbound, CallEnded(call_id="secret-call"), stage=name, topic=topic)]

    return handle


async def takes(inbound: Inbound) -> Sequence[Outbound]:
    del inbound
    return ()


async def ran(
    records: Sequence[NewRecord], stages: Sequence[tuple[Stage, Handler]], traced: Traced | None, **options: bool
) -> InProcessBroker:
    """Publish the records, and run these stages until nothing is left to do."""
    broker = InProcessBroker(partitions=1)
    workers = []
    for one, handler in stages:
        hops = None if traced is None else Hops(traced.tracer, prefix="x.", stage=one, show_calls=bool(options))
        workers.append(InProcessWorker(broker, one, handler, LIMITS, hops=hops))
        await workers[-1].start()
    await broker.publish(records)
    await broker.wait_idle([one for one, _ in stages])
    for worker in workers:
        await worker.stop()
    return broker


CHAIN: Final = (
    (EXTRACT, passes_on("extract", intents(Lane.BATCH))),
    (FLOW, passes_on("flow", flow(Lane.BATCH))),
    (INDEX, takes),
)


async def test_an_event_and_all_that_follows_from_it_over_three_stages_is_one_trace(tmp_path: Path) -> None:
    with traced_into(tmp_path) as traced:
        await ran([entry(THEIRS)], CHAIN, traced)
    assert {span.trace_id for span in traced.spans} == {THEIR_TRACE}
    by_id = {span.span_id: span for span in traced.spans}
    (extracts, _) = sorted(traced.named("process calls.transcripts.batch"), key=_stage)
    assert extracts.parent_id == THEIR_SPAN
    (flowed,) = (one for one in traced.named("process calls.intents.batch") if _stage(one) == "flow")
    sent = by_id[flowed.parent_id]
    assert (sent.name, sent.kind, sent.parent_id) == ("send calls.intents.batch", "producer", extracts.span_id)
    assert sorted(_stage(one) for one in traced.spans if one.kind == "consumer") == ["extract", "flow", *["index"] * 3]


def _stage(span: object) -> str:
    return str(span.attributes["convmine.stage"])  # type: ignore[attr-defined]


async def test_a_span_says_where_its_event_came_from_by_the_names_of_the_conventions_and_not_whose_it_is(
    tmp_path: Path,
) -> None:
    with traced_into(tmp_path) as traced:
        await ran([entry(THEIRS)], [(EXTRACT, takes)], traced)
    (span,) = traced.spans
    assert span.attributes == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "x.calls.transcripts.batch",
        "messaging.destination.partition.id": "0",
        "messaging.kafka.offset": 0,
        "messaging.consumer.group.name": f"x.{EXTRACT.group}",
        "convmine.stage": "extract",
        "convmine.lane": "batch",
        "convmine.outcome": "handled",
    }
    assert "secret-call" not in traced.file.read_text()


async def test_a_call_is_named_by_a_digest_where_that_is_set(tmp_path: Path) -> None:
    with traced_into(tmp_path) as traced:
        await ran([entry()], [(EXTRACT, takes)], traced, show_calls=True)
    (span,) = traced.spans
    assert span.attributes["convmine.call"] == pseudonym("acme", "secret-call")
    assert pseudonym("acme", "other") != pseudonym("acme", "secret-call") != pseudonym("acm", "e:secret-call")
    assert "secret-call" not in traced.file.read_text()


async def test_off_every_header_stays_as_it_is_today_and_what_came_in_is_passed_on() -> None:
    with_theirs = await ran([entry(THEIRS)], CHAIN, None)
    without = await ran([entry()], CHAIN, None)
    for broker, expected in ((with_theirs, THEIRS.encode()), (without, None)):
        for topic in (intents(Lane.BATCH), flow(Lane.BATCH)):
            (record,) = broker.records(topic)
            assert dict(record.headers).get("traceparent") == expected


async def test_only_the_traceparent_of_what_is_published_differs_with_traces_on(tmp_path: Path) -> None:
    off = await ran([entry(THEIRS)], CHAIN, None)
    with traced_into(tmp_path) as traced:
        on = await ran([entry(THEIRS)], CHAIN, traced)
    for topic in (intents(Lane.BATCH), flow(Lane.BATCH)):
        (theirs,), (ours,) = off.records(topic), on.records(topic)
        assert (ours.key, ours.value) == (theirs.key, theirs.value)
        here, there = dict(ours.headers), dict(theirs.headers)
        assert here.pop("traceparent") != there.pop("traceparent")
        assert here == there


async def test_a_retried_event_is_one_span_with_its_attempts_noted(tmp_path: Path) -> None:
    tries = 0

    async def at_third(inbound: Inbound) -> Sequence[Outbound]:
        nonlocal tries
        del inbound
        tries += 1
        if tries < 3:
            raise Retryable("words of a call", dependency="llm")
        return ()

    with traced_into(tmp_path) as traced:
        await ran([entry()], [(EXTRACT, at_third)], traced)
    (span,) = traced.spans
    assert [(note["name"], note["attributes"]["attempt"]) for note in span.events] == [("retry", 1), ("retry", 2)]
    assert not span.failed
    assert "words of a call" not in traced.file.read_text()


async def test_a_dead_letter_keeps_its_traceparent_and_call_failed_goes_on_with_the_trace(tmp_path: Path) -> None:
    async def refuses(inbound: Inbound) -> Sequence[Outbound]:
        raise Poison(f"words of {inbound.message.envelope.subject}")

    with traced_into(tmp_path) as traced:
        broker = await ran([entry(THEIRS)], [(EXTRACT, refuses)], traced)
    (letter,), (failed,) = broker.records("calls.transcripts.batch.extract.dlq"), broker.records(FAILED)
    assert dict(letter.headers)["traceparent"] == THEIRS.encode()
    assert dict(failed.headers)["traceparent"].decode().split("-")[1] == THEIR_TRACE
    (span,) = traced.named("process calls.transcripts.batch")
    assert span.failed
    assert (span.attributes["error.type"], span.attributes["convmine.outcome"]) == ("Poison", "dead")
    assert "words of" not in traced.file.read_text()


async def test_a_replayed_dead_letter_begins_a_trace_with_a_link_to_the_one_in_which_it_died(tmp_path: Path) -> None:
    with traced_into(tmp_path) as traced:
        await ran([entry(THEIRS, (REPLAY_STAGE, b"extract.batch"))], [(EXTRACT, takes)], traced)
    (span,) = traced.spans
    assert span.trace_id != THEIR_TRACE
    assert span.parent_id == ""
    assert span.links == [{"trace_id": THEIR_TRACE, "span_id": THEIR_SPAN}]


async def test_a_trace_that_its_sender_does_not_keep_is_not_kept_here_either(tmp_path: Path) -> None:
    with traced_into(tmp_path) as traced:
        broker = await ran([entry(THEIRS[:-2] + "00")], CHAIN, traced)
    assert traced.spans == []
    (record,) = broker.records(flow(Lane.BATCH))
    assert dict(record.headers)["traceparent"].endswith(b"-00"), "and those that follow are told so"


async def test_no_trace_that_begins_here_is_kept_at_a_ratio_of_nothing(tmp_path: Path) -> None:
    with traced_into(tmp_path, sample_ratio=0.0) as traced:
        await ran([entry()], CHAIN, traced)
    assert traced.spans == []


def test_chunks_of_a_live_call_have_no_span_of_their_own_and_carry_that_of_their_sender(tmp_path: Path) -> None:
    import numpy as np

    from pipeline.asr.decode import Audio
    from workers.entry import LiveCall

    call = LiveCall("a", Audio(np.zeros((1, 8_000), np.float32), 8_000))
    with traced_into(tmp_path) as traced:
        hops = Hops(traced.tracer)
        played = list(hops.playing(live_records(call, tenant_id="t", started_at=datetime(2026, 1, 1, tzinfo=UTC))))
        (carried,) = {dict(record.headers)["traceparent"] for _, record in played}
        reads = Hops(traced.tracer, stage=EXTRACT)
        with reads.processing(_read(played[1][1])), reads.sending([entry(THEIRS)]) as (sent,):
            pass
    (life, below) = traced.spans
    assert [span.name for span in traced.spans] == ["send calls.audio", "send calls.transcripts.batch"]
    assert carried.decode().split("-")[2] == life.span_id == below.parent_id
    assert len(played) > 5
    assert dict(sent.headers)["traceparent"].decode().split("-")[2] == below.span_id


def _read(record: NewRecord) -> Record:
    return Record(record.topic, 0, 0, record.key, record.value, record.headers)


@given(traceparent=st.text(max_size=80) | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}.?.?"))
def test_whatever_a_stranger_sends_as_traceparent_no_event_fails_for_it(
    tmp_path_factory: pytest.TempPathFactory, traceparent: str
) -> None:
    with traced_into(tmp_path_factory.getbasetemp(), sample_ratio=0.0) as traced:
        hops = Hops(traced.tracer, stage=EXTRACT)
        header = ("traceparent", traceparent.encode(errors="surrogatepass"))
        with hops.processing(_read(entry(None, header))), hops.sending([entry()]) as (sent,):
            version, trace, span, _flags = dict(sent.headers)["traceparent"].decode().split("-")
    assert (version, len(trace), len(span)) == ("00", 32, 16)
    assert int(trace, 16) > 0 < int(span, 16)


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        ("workers.processes, workers.embedded, workers.cli.publish, workers.cli.trace", "opentelemetry"),
        ("workers.gateway.serving", "opentelemetry.sdk"),  # FastAPI loads OpenTelemetry's interface by itself
    ],
)
def test_off_nothing_of_opentelemetry_is_loaded(modules: str, unwanted: str) -> None:
    code = (
        f"import sys, json, {modules}\n"
        "from pipeline.settings import Settings\n"
        "from workers.tracing.opened import hops_from\n"
        "with hops_from(Settings()) as hops_of: assert hops_of(None) is None\n"
        f"print(json.dumps([name for name in sys.modules if name.startswith({unwanted!r})]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
