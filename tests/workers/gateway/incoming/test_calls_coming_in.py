"""A telephone system tells the life of a call; each step is in Kafka when it is answered, once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from listeners import gateway

from pipeline.handling import Outbound
from pipeline.stages import AUDIO, OUTCOMES
from schemas.call import CallEnded, CallHeld, CallOutcome, CallResumed, CallStarted, CallUpdated
from schemas.envelope import message
from schemas.transcript import ConversationMessage
from workers.gateway.incoming import session as of_session
from workers.gateway.outgoing.hub import Hub
from workers.records import Record, write_event

LIFE = "calls.transcripts.live"
CALL = {"call_id": "c1", "agent": "ann", "language": "en", "channels": [{"index": 0, "role": "customer"}]}


async def test_a_call_starts_is_held_and_ends_in_this_order(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        started = await on.post("/v1/calls", CALL)
        assert (started.status_code, started.json(), started.headers["location"]) == (
            201,
            {"call_id": "c1"},
            "/v1/calls/c1",
        )
        assert (await on.post("/v1/calls/c1/update", {"scenario": "telecom"})).status_code == 200
        assert (await on.post("/v1/calls/c1/hold", {"at_ms": 4_000})).json() == {"call_id": "c1", "at_ms": 4_000}
        assert (await on.post("/v1/calls/c1/resume", {"at_ms": 9_000})).status_code == 200
        assert (await on.post("/v1/calls/c1/end", {"duration_ms": 12_000})).status_code == 200
        events = on.publisher.events()
        assert [type(one.payload) for one in events] == [CallStarted, CallUpdated, CallHeld, CallResumed, CallEnded]
        assert {one.message.envelope.partitionkey for one in events} == {"acme:c1"}
        assert {one.topic for one in on.publisher.records} == {AUDIO}
        assert events[0].payload.call.agent == "ann"  # type: ignore[attr-defined]
        assert events[0].payload.call.started_at is not None  # type: ignore[attr-defined]


async def test_where_a_call_is_can_stand_in_a_header_whatever_it_is_called(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        started = await on.post("/v1/calls", {**CALL, "call_id": "通话-7"})
        assert (started.status_code, started.json()["call_id"]) == (201, "通话-7")
        assert started.headers["location"] == "/v1/calls/%E9%80%9A%E8%AF%9D-7"


async def test_a_chat_goes_where_its_messages_are_and_is_masked(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        await on.post("/v1/calls", {"call_id": "c1", "medium": "text", "language": "en"})
        said = {"role": "customer", "text": "my card is 4111 1111 1111 1111", "sent_at": "2026-03-02T09:30:00Z"}
        answer = await on.post("/v1/calls/c1/messages", said)
        assert answer.status_code == 201
        await on.post("/v1/calls/c1/end")
        assert {one.topic for one in on.publisher.records} == {LIFE}
        (message,) = on.publisher.events(ConversationMessage)
        assert message.payload.text == "my card is [CARD]"  # type: ignore[attr-defined]
        assert message.payload.message_id == answer.json()["message_id"]  # type: ignore[attr-defined]
        assert b"4111" not in b"".join(one.value or b"" for one in on.publisher.records)


async def test_a_number_in_two_messages_is_masked_in_the_second(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        await on.post("/v1/calls", {"call_id": "c1", "medium": "text", "language": "en"})
        await on.post("/v1/calls/c1/messages", {"role": "agent", "text": "What is the security code on your card?"})
        await on.post("/v1/calls/c1/messages", {"role": "customer", "text": "It is 813"})
        texts = [one.payload.text for one in on.publisher.events(ConversationMessage)]  # type: ignore[attr-defined]
        assert texts[1] == "It is [CODE]"


async def test_the_same_request_twice_is_the_same_event(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        once = {"Idempotency-Key": "k1"}
        requests = [
            ("/v1/calls", CALL, {}),
            ("/v1/calls", {"agent": "bob"}, once),
            ("/v1/calls/c1/messages", {"role": "agent", "text": "hello", "message_id": "m1"}, {}),
            ("/v1/calls/c1/messages", {"role": "agent", "text": "hello"}, once),
            ("/v1/calls/c1/messages", {"role": "agent", "text": "hi", "sent_at": "2026-03-02T09:30:00Z"}, {}),
            ("/v1/calls/c1/hold", {"at_ms": 5}, {}),
            ("/v1/calls/c1/outcome", {"name": "bought", "result": "won", "observed_by": "crm"}, {}),
            ("/v1/calls/c1/end", {"reason": "hung up"}, {}),
        ]
        for path, body, headers in requests:
            first, second = [await on.post(path, body, headers=headers) for _ in range(2)]
            assert (first.status_code, first.json()["call_id"]) == (second.status_code, second.json()["call_id"]), path
        ids = [one.message.envelope.id for one in on.publisher.events()]
        assert len(set(ids)) == len(requests)


async def test_yes_said_twice_is_two_messages(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        for _ in range(2):
            await on.post("/v1/calls/c1/messages", {"role": "customer", "text": "yes"})
        assert len({one.message.envelope.id for one in on.publisher.events(ConversationMessage)}) == 2


async def test_after_its_end_a_call_takes_nothing_but_its_outcome(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        await on.post("/v1/calls", CALL)
        await on.post("/v1/calls/c1/end")
        before = len(on.publisher.records)
        for path, body in (
            ("messages", {"role": "agent", "text": "hello"}),
            ("hold", {"at_ms": 1}),
            ("resume", {"at_ms": 1}),
            ("update", {"agent": "bob"}),
            ("end", {"reason": "again"}),
        ):
            answer = await on.post(f"/v1/calls/c1/{path}", body)
            assert (answer.status_code, answer.json()["type"]) == (409, "urn:convmine:problem:conflict"), path
        assert (await on.post("/v1/calls", CALL)).status_code == 409
        assert len(on.publisher.records) == before
        outcome = {"name": "bought", "result": "won", "observed_by": "crm"}
        assert (await on.post("/v1/calls/c1/outcome", outcome)).status_code == 201
        assert on.publisher.records[-1].topic == OUTCOMES
        assert isinstance(on.publisher.events()[-1].payload, CallOutcome)


async def test_the_id_of_another_tenants_call_is_another_call(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        await on.post("/v1/calls", CALL)
        await on.post("/v1/calls/c1/end")
        theirs = await on.post("/v1/calls/c1/hold", {"at_ms": 1}, key="stranger")
        assert theirs.status_code == 200
        assert on.publisher.records[-1].key == b"umbrella:c1"


@pytest.mark.parametrize("key", ["analyst", "supervisor", "admin", "bob"])
async def test_only_who_may_publish_brings_calls_in(tmp_path: Path, key: str) -> None:
    async with gateway(tmp_path, listens=False) as on:
        assert (await on.post("/v1/calls", CALL, key=key)).status_code == 403
        assert (await on.post("/v1/calls", CALL, key=None)).status_code == 401
        assert on.publisher.records == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/calls", {"call_id": "a/b"}),
        ("/v1/calls", {"call_id": "a\n"}),
        ("/v1/calls", {"call_id": "x" * 201}),
        ("/v1/calls", {"tenant_id": "umbrella"}),
        ("/v1/calls", {"channels": [{"index": 0, "role": "agent"}] * 2}),
        ("/v1/calls", {"started_at": "0001-01-01T00:00:00+23:59"}),
        ("/v1/calls/a%0ab/end", {}),
        ("/v1/calls/c1/messages", {"role": "agent", "text": ""}),
        ("/v1/calls/c1/messages", {"role": "agent", "text": "x" * 20_001}),
        ("/v1/calls/c1/messages", {"role": "agent", "text": "hi", "sent_at": "2026-01-01T00:00:00"}),
        ("/v1/calls/c1/hold", {"at_ms": 10**18}),
        ("/v1/calls/c1/hold", {}),
        ("/v1/calls/c1/outcome", {"name": "bought", "result": "great", "observed_by": "crm"}),
    ],
)
async def test_what_is_not_valid_is_refused_and_goes_nowhere(tmp_path: Path, path: str, body: object) -> None:
    async with gateway(tmp_path, listens=False) as on:
        assert (await on.post(path, body)).status_code == 422
        assert on.publisher.records == []


async def test_without_consent_no_message_is_taken_until_it_is_given(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        await on.post("/v1/calls", {**CALL, "medium": "text", "consent": False})
        assert (await on.post("/v1/calls/c1/messages", {"role": "agent", "text": "hello"})).status_code == 409
        await on.post("/v1/calls/c1/update", {"consent": True})
        assert (await on.post("/v1/calls/c1/messages", {"role": "agent", "text": "hello"})).status_code == 201


async def test_while_kafka_is_away_it_is_said_and_when_to_ask_again(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        on.publisher.away = True
        for path, body in (("/v1/calls", CALL), ("/v1/calls/c1/end", {}), ("/v1/calls/c1/hold", {"at_ms": 1})):
            answer = await on.post(path, body)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        on.publisher.away = False
        assert (await on.post("/v1/calls", CALL)).status_code == 201


async def test_what_kafka_does_not_confirm_in_time_is_not_answered_as_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_session.Session.tell, "__kwdefaults__", {"patience_s": 0.05})
    async with gateway(tmp_path, listens=False) as on:
        on.publisher.going.clear()
        told = {"role": "agent", "text": "hello", "message_id": "m1"}
        assert (await on.post("/v1/calls/c1/messages", told)).status_code == 503
        on.publisher.going.set()
        assert (await on.post("/v1/calls/c1/messages", told)).status_code == 201
        assert len({one.message.envelope.id for one in on.publisher.events()}) == 1


async def test_the_time_of_events_never_goes_back(tmp_path: Path) -> None:
    times = iter([datetime(2026, 3, 2, 9, 30, 1, tzinfo=UTC), *[datetime(2026, 3, 1, tzinfo=UTC)] * 20])
    async with gateway(tmp_path, listens=False, clock=lambda: next(times)) as on:
        await on.post("/v1/calls", CALL)
        await on.post("/v1/calls/c1/messages", {"role": "agent", "text": "hello"})
        first, second = (one.message.envelope.time for one in on.publisher.events())
        assert second >= first


async def test_steps_of_a_call_that_come_at_once_keep_their_order_by_offset(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        messages = [{"role": "agent", "text": f"line {number}", "message_id": f"m{number}"} for number in range(20)]
        answers = await asyncio.gather(*(on.post("/v1/calls/c1/messages", one) for one in messages))
        assert {one.status_code for one in answers} == {201}
        assert len(on.publisher.events(ConversationMessage)) == 20


async def test_nothing_more_is_taken_of_a_call_that_ended_at_another_gateway(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        await on.post("/v1/calls", CALL)
        hub = Hub(keep_s=60)
        hub.tell_ended(on.incoming.sessions.ended)
        over = message(
            CallEnded(call_id="c1"), id="e1", source="/test", time=datetime.now(UTC), subject="c1", tenant_id="acme"
        )
        sent = write_event(Outbound(LIFE, over))
        hub.take(Record(sent.topic, 0, 0, sent.key, sent.value, sent.headers))
        assert (await on.post("/v1/calls/c1/hold", {"at_ms": 5})).status_code == 409
        assert (await on.post("/v1/calls", {**CALL, "call_id": "c2"})).status_code == 201


async def test_the_same_end_again_is_no_conflict_after_it_was_heard_of(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        await on.post("/v1/calls", CALL)
        once = {"Idempotency-Key": "k1"}
        assert (await on.post("/v1/calls/c1/end", headers=once)).status_code == 200
        on.incoming.sessions.ended("acme", "c1")
        assert (await on.post("/v1/calls/c1/end", headers=once)).status_code == 200
