"""What the runtime promises, asked of both transports: in one process, and on a real Kafka."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Self

import pytest
from transports import InProcessTransport, KafkaTransport, Transport

from pipeline.dependencies import answered
from pipeline.errors import Config, Poison, Retryable
from pipeline.handling import Handler, Inbound, Outbound, follow
from pipeline.stages import FAILED, PATHS, RECORDINGS, Stage, stage_named, transcripts
from schemas.audio import RecordingAvailable
from schemas.envelope import message
from schemas.transcript import TranscriptCompleted
from schemas.wire import CallEvent, Lane
from workers.limits import Limits
from workers.measures import Measures
from workers.outcomes import RetryPolicy
from workers.records import NewRecord, Record, write_event

FOUND = stage_named("asr", Lane.BATCH)
assert FOUND is not None
STAGE: Stage = FOUND
OUT = transcripts(Lane.BATCH)
LIMITS = Limits(in_flight=8, window=100, policy=RetryPolicy(first_s=0.01, longest_s=0.02, attempts=3))


@pytest.fixture(params=["in process", "kafka"])
def transport(request: pytest.FixtureRequest) -> Transport:
    if request.param == "kafka":
        return KafkaTransport(request.getfixturevalue("kafka_settings"))
    return InProcessTransport()


def recording(call: str, number: int = 0) -> NewRecord:
    payload = RecordingAvailable(call_id=call, dataref=f"file:///{number}.wav", revision=number + 1)
    envelope = message(
        payload,
        id=f"{call}-{number}",
        source="/test",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        subject=call,
        tenant_id="t",
    )
    return write_event(Outbound(RECORDINGS, envelope))


def transcript(inbound: Inbound) -> Outbound:
    assert isinstance(inbound.payload, RecordingAvailable)
    payload = TranscriptCompleted(
        call_id=inbound.payload.call_id,
        revision=inbound.payload.revision,
        duration_ms=0,
        engine="test",
        segments=(),
        empty_because="test",
    )
    return follow(inbound, payload, stage="asr", topic=OUT)


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    """Wait for a condition that nobody announces."""
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.05)


class Running:
    """A worker for the length of a ``with`` block, drained at its end."""

    def __init__(self, transport: Transport, handler: Handler, limits: Limits = LIMITS) -> None:
        self.measures = Measures()
        self.worker = transport.worker(STAGE, handler, limits, self.measures)

    async def __aenter__(self) -> Self:
        await self.worker.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.worker.stop(10)

    def done(self) -> int:
        return sum(self.measures.counted(STAGE, outcome) for outcome in ("handled", "skipped", "dead"))

    async def settled(self, count: int) -> None:
        async def enough() -> bool:
            return self.done() >= count

        await until(enough)


def numbers_by_call(records: Sequence[Record]) -> dict[str, list[int]]:
    numbers = defaultdict(list)
    for record in records:
        value = json.loads(record.value or b"")
        numbers[value["call_id"]].append(value["revision"] - 1)
    return dict(numbers)


async def test_events_of_one_call_are_handled_in_order(transport: Transport) -> None:
    async def slower_first(inbound: Inbound) -> list[Outbound]:
        assert isinstance(inbound.payload, RecordingAvailable)
        await asyncio.sleep(0.02 if inbound.payload.revision % 2 else 0)
        return [transcript(inbound)]

    calls = ["a", "b", "c", "d"]
    await transport.publish([recording(call, n) for n in range(10) for call in calls])
    async with Running(transport, slower_first) as running:
        await running.settled(40)
    assert numbers_by_call(await transport.records(OUT)) == {call: list(range(10)) for call in calls}


async def test_events_of_different_calls_are_handled_side_by_side(transport: Transport) -> None:
    together = 0
    all_here = asyncio.Event()

    async def meet(inbound: Inbound) -> list[Outbound]:
        nonlocal together
        together += 1
        if together == 6:
            all_here.set()
        await asyncio.wait_for(all_here.wait(), 30)
        return [transcript(inbound)]

    await transport.publish([recording(f"call-{n}") for n in range(6)])
    async with Running(transport, meet) as running:
        await running.settled(6)
    assert len(await transport.records(OUT)) == 6


async def test_no_more_events_are_at_work_than_allowed(transport: Transport) -> None:
    now, most = 0, 0

    async def count(inbound: Inbound) -> list[Outbound]:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return [transcript(inbound)]

    await transport.publish([recording(f"call-{n}") for n in range(30)])
    async with Running(transport, count, Limits(in_flight=3)) as running:
        await running.settled(30)
    assert most == 3


async def test_what_was_not_finished_is_done_again_with_the_same_ids(transport: Transport) -> None:
    never = asyncio.Event()

    async def stuck_on_b(inbound: Inbound) -> list[Outbound]:
        if isinstance(inbound.payload, CallEvent) and inbound.payload.call_id == "b":
            await never.wait()
        return [transcript(inbound)]

    async def fine(inbound: Inbound) -> list[Outbound]:
        return [transcript(inbound)]

    await transport.publish([recording(call) for call in ("a", "b", "c", "d")])
    first = Running(transport, stuck_on_b)
    await first.worker.start()
    await first.settled(3)
    await first.worker.stop(0)
    async with Running(transport, fine) as second:
        await second.settled(1)

        async def all_four() -> bool:
            return len(numbers_by_call(await transport.records(OUT))) == 4

        await until(all_four)
    records = await transport.records(OUT)
    ids = {dict(record.headers)["ce_id"] for record in records}
    assert len(ids) == 4
    assert set(numbers_by_call(records)) == {"a", "b", "c", "d"}


async def test_a_stopped_worker_has_committed_what_it_finished(transport: Transport) -> None:
    async def fine(inbound: Inbound) -> list[Outbound]:
        return [transcript(inbound)]

    await transport.publish([recording(f"call-{n}") for n in range(20)])
    async with Running(transport, fine) as running:
        await running.settled(20)
    assert await transport.committed(STAGE) == 20


async def test_stopping_waits_for_the_event_at_work(transport: Transport) -> None:
    started = asyncio.Event()

    async def slow(inbound: Inbound) -> list[Outbound]:
        started.set()
        await asyncio.sleep(0.3)
        return [transcript(inbound)]

    await transport.publish([recording("a")])
    async with Running(transport, slow):
        await asyncio.wait_for(started.wait(), 60)
    assert len(await transport.records(OUT)) == 1
    assert await transport.committed(STAGE) == 1


async def test_what_may_work_later_is_tried_again_in_place(transport: Transport) -> None:
    attempts = 0

    async def third_time(inbound: Inbound) -> list[Outbound]:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise Retryable("busy", dependency="engine")
        return [transcript(inbound)]

    await transport.publish([recording("a")])
    async with Running(transport, third_time) as running:
        await running.settled(1)
        assert running.measures.counted(STAGE, "retried") == 2
    assert len(await transport.records(OUT)) == 1
    assert await transport.records(STAGE.dead_letters(RECORDINGS)) == []


async def test_an_outage_is_never_a_dead_letter(transport: Transport) -> None:
    away = True

    async def until_back(inbound: Inbound) -> list[Outbound]:
        if away:
            raise Retryable("away", dependency="engine")
        return [transcript(inbound)]

    await transport.publish([recording(f"call-{n}") for n in range(4)])
    async with Running(transport, until_back) as running:

        async def many_attempts() -> bool:
            return running.measures.counted(STAGE, "retried") > 40

        await until(many_attempts)
        away = False
        await running.settled(4)
    assert len(await transport.records(OUT)) == 4
    assert await transport.records(STAGE.dead_letters(RECORDINGS)) == []


async def test_one_event_that_fails_while_others_pass_is_given_up(transport: Transport) -> None:
    async def all_but_a(inbound: Inbound) -> list[Outbound]:
        if isinstance(inbound.payload, CallEvent) and inbound.payload.call_id == "a":
            raise Retryable("not for this one", dependency="engine")
        answered("engine")
        return [transcript(inbound)]

    await transport.publish([recording("a"), *(recording(f"call-{n}") for n in range(10))])
    async with Running(transport, all_but_a) as running:
        await running.settled(11)
    assert len(await transport.records(OUT)) == 10
    assert len(await transport.records(STAGE.dead_letters(RECORDINGS))) == 1


async def test_events_that_do_not_need_what_is_away_make_no_dead_letter_of_those_that_do(transport: Transport) -> None:
    away = True

    async def only_a_needs_it(inbound: Inbound) -> list[Outbound]:
        if away and isinstance(inbound.payload, CallEvent) and inbound.payload.call_id == "a":
            raise Retryable("away", dependency="engine")
        return [transcript(inbound)]

    await transport.publish([recording("a"), *(recording(f"call-{n}") for n in range(10))])
    async with Running(transport, only_a_needs_it) as running:
        await running.settled(10)

        async def many_attempts() -> bool:
            return running.measures.counted(STAGE, "retried") > 10

        await until(many_attempts)
        away = False
        await running.settled(11)
    assert await transport.records(STAGE.dead_letters(RECORDINGS)) == []


async def test_poison_becomes_a_dead_letter_with_its_bytes_and_a_failure_for_people(transport: Transport) -> None:
    async def refuse(inbound: Inbound) -> list[Outbound]:
        raise Poison("the file is no audio")

    original = recording("a")
    await transport.publish([original])
    async with Running(transport, refuse) as running:
        await running.settled(1)
    (letter,) = await transport.records(STAGE.dead_letters(RECORDINGS))
    assert (letter.key, letter.value) == (original.key, original.value)
    assert letter.headers[: len(original.headers)] == original.headers
    facts = dict(letter.headers)
    assert facts["dlq.original.topic"] == RECORDINGS.encode()
    assert facts["dlq.original.offset"] == b"0"
    assert facts["dlq.original.partition"].isdigit()
    assert facts["dlq.error.class"] == b"Poison"
    assert facts["dlq.error.message"] == b"the file is no audio"
    assert facts["dlq.stage"] == b"asr"
    assert facts["dlq.attempts"] == b"1"
    assert datetime.fromisoformat(facts["dlq.first_failed_at"].decode()).tzinfo is not None
    (failed,) = await transport.records(FAILED)
    said = json.loads(failed.value or b"")
    assert (said["call_id"], said["stage"], said["reason"]) == ("a", "asr", "the file is no audio")
    assert said["retryable"] is False


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: NewRecord(r.topic, r.key, b"{no json", r.headers), "the value is no JSON"),
        (lambda r: NewRecord(r.topic, r.key, b"{}", r.headers), "call_id: Field required"),
        (lambda r: NewRecord(r.topic, r.key, None, r.headers), "has no value"),
        (
            lambda r: NewRecord(r.topic, r.key, r.value, tuple(h for h in r.headers if h[0] != "ce_id")),
            "header ce_id: is missing",
        ),
        (
            lambda r: NewRecord(
                r.topic,
                r.key,
                r.value,
                tuple((n, v.replace(b".v1", b".v9") if n == "ce_type" else v) for n, v in r.headers),
            ),
            "major version 9",
        ),
    ],
    ids=["no json", "missing field", "no value", "missing header", "unknown major"],
)
async def test_an_event_that_cannot_be_read_is_poison_and_the_next_one_is_handled(
    transport: Transport, change: Callable[[NewRecord], NewRecord], reason: str
) -> None:
    async def fine(inbound: Inbound) -> list[Outbound]:
        return [transcript(inbound)]

    await transport.publish([change(recording("a", 0)), recording("a", 1)])
    async with Running(transport, fine) as running:
        await running.settled(2)
    assert numbers_by_call(await transport.records(OUT)) == {"a": [1]}
    (letter,) = await transport.records(STAGE.dead_letters(RECORDINGS))
    assert reason in dict(letter.headers)["dlq.error.message"].decode()
    (failed,) = await transport.records(FAILED)
    assert json.loads(failed.value or b"")["call_id"] == "a"


@pytest.mark.parametrize(
    ("header", "old", "new"),
    [("ce_type", b"call.recording.available", b"call.of.the.future"), ("ce_dataschema", b":1.0", b":1.7")],
    ids=["unknown type", "unknown minor"],
)
async def test_an_unknown_type_or_minor_version_is_counted_and_skipped(
    transport: Transport, header: str, old: bytes, new: bytes
) -> None:
    async def fine(inbound: Inbound) -> list[Outbound]:
        return [transcript(inbound)]

    known = recording("a", 0)
    headers = tuple((n, v.replace(old, new) if n == header else v) for n, v in known.headers)
    await transport.publish([NewRecord(known.topic, known.key, known.value, headers), recording("a", 1)])
    async with Running(transport, fine) as running:
        await running.settled(2)
        assert running.measures.counted(STAGE, "skipped") == 1
    assert numbers_by_call(await transport.records(OUT)) == {"a": [1]}
    assert await transport.records(STAGE.dead_letters(RECORDINGS)) == []


async def test_a_fault_of_ours_is_tried_three_times_and_then_given_up(transport: Transport) -> None:
    attempts = 0

    async def broken(inbound: Inbound) -> list[Outbound]:
        nonlocal attempts
        attempts += 1
        raise ZeroDivisionError("division by zero")

    await transport.publish([recording("a")])
    async with Running(transport, broken) as running:
        await running.settled(1)
    assert attempts == 3
    (letter,) = await transport.records(STAGE.dead_letters(RECORDINGS))
    assert dict(letter.headers)["dlq.error.class"] == b"ZeroDivisionError"


async def test_a_wrong_setting_stops_the_worker_and_commits_nothing(transport: Transport) -> None:
    async def misconfigured(inbound: Inbound) -> list[Outbound]:
        raise Config("CONVMINE_LLM_API_KEY", "is refused by the server")

    await transport.publish([recording("a")])
    running = Running(transport, misconfigured)
    await running.worker.start()
    with pytest.raises(Config, match="CONVMINE_LLM_API_KEY"):
        await asyncio.wait_for(running.worker.broken, 60)
    await running.worker.stop(1)
    assert await transport.committed(STAGE) == 0
    assert await transport.records(STAGE.dead_letters(RECORDINGS)) == []


async def test_a_named_partition_beats_the_key(transport: Transport) -> None:
    async def to_partition_one(inbound: Inbound) -> list[Outbound]:
        output = transcript(inbound)
        return [Outbound(PATHS, output.message, partition=1)]

    await transport.publish([recording(f"call-{n}") for n in range(6)])
    async with Running(transport, to_partition_one) as running:
        await running.settled(6)
    assert {record.partition for record in await transport.records(PATHS)} == {1}
