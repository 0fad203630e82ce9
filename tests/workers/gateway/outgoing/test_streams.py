"""Streams of events: who gets what, from where, and what becomes of readers that go, come back or are slow."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from live_desk import STATES, WORDS, Desk, live_desk, record, suggested

from schemas.call import CallEnded, CallStarted
from schemas.compliance import AlertKind, CallAlert
from schemas.flow import FlowState
from schemas.suggestion import SuggestionWithdrawn
from schemas.transcript import Segment, TranscriptSegment
from schemas.wire import CallFacts, Lane, Role
from workers.records import NewRecord

EXAMPLES = Path(__file__).parents[4] / "schemas" / "examples"


def spoken(number: int, text: str, call_id: str = "call-1", agent: str | None = "bob") -> TranscriptSegment:
    segment = Segment(segment_id=f"t{number}", role=Role.CUSTOMER, start_ms=number, end_ms=number + 1, text=text)
    return TranscriptSegment(call_id=call_id, call=CallFacts(agent=agent), segment=segment, final=True)


async def test_a_stream_says_at_once_that_it_is_live_and_where_it_stands_then_what_comes() -> None:
    async with live_desk() as desk, desk.stream() as reader:
        assert await reader.event() == ("status", {"type": "status", "state": "live"})
        assert reader.last
        assert reader.response.headers["content-type"].startswith("text/event-stream")
        assert reader.response.headers["x-accel-buffering"] == "no"
        assert reader.response.headers["cache-control"] == "no-store"
        await desk.suggest(1)
        name, data = await reader.event()
    assert name == data["type"] == "suggestion.created"
    assert (data["ce_id"], data["call_id"], data["text"]) == ("acme-s1", "call-1", "Say number 1.")
    assert data["ce_time"] == "2026-03-02T09:00:00+00:00"


async def test_a_stream_has_what_it_is_asked_for() -> None:
    async with live_desk() as desk:
        events = {
            "suggestion.created": record(suggested(1), "e1"),
            "transcript.segment": record(spoken(1, "hello"), "e2", topic=WORDS),
            "call.alert": record(
                CallAlert(
                    call_id="call-1",
                    alert_id="a1",
                    kind=AlertKind.SENSITIVE_WORD,
                    name="lawyer",
                    title="Lawyer",
                    at_ms=1,
                    raised_at="2026-03-02T09:00:00Z",
                    call=CallFacts(agent="bob"),
                ),
                "e3",
            ),
            "suggestion.withdrawn": record(
                SuggestionWithdrawn(call_id="call-1", suggestion_id="s1", reason="said"), "e4"
            ),
        }
        wanted = {
            "": ["suggestion.created", "call.alert", "suggestion.withdrawn"],
            "transcript": ["transcript.segment"],
            "alerts,transcript": ["transcript.segment", "call.alert"],
        }
        for of, names in wanted.items():
            async with desk.stream(**({"of": of} if of else {})) as reader:
                await reader.event()
                for one in events.values():
                    await desk.publish(_again(one, of))
                found = [(await reader.event())[0] for _ in names]
                assert found == names


def _again(one: NewRecord, suffix: str) -> NewRecord:
    headers = tuple((name, value + suffix.encode() if name == "ce_id" else value) for name, value in one.headers)
    return replace(one, headers=headers)


async def test_an_agent_gets_own_calls_also_of_events_that_do_not_say_whose_they_are() -> None:
    async with live_desk() as desk, desk.stream("bob") as bob, desk.stream("supervisor") as supervisor:
        await bob.event()
        await supervisor.event()
        await desk.suggest(1, call_id="call-ann", agent="ann")
        await desk.suggest(2, call_id="call-bob", agent="bob")
        for call_id in ("call-ann", "call-bob"):
            taken_back = SuggestionWithdrawn(call_id=call_id, suggestion_id="x", reason="said")
            await desk.publish(record(taken_back, f"w-{call_id}"))
        theirs = [(name, data["call_id"]) for name, data in [await bob.event(), await bob.event()]]
        every = [(await supervisor.event())[1]["call_id"] for _ in range(4)]
    assert theirs == [("suggestion.created", "call-bob"), ("suggestion.withdrawn", "call-bob")]
    assert every == ["call-ann", "call-bob", "call-ann", "call-bob"]


async def test_nothing_of_another_tenant_comes_whatever_is_asked() -> None:
    async with (
        live_desk() as desk,
        desk.stream("stranger", call="call-1") as of_call,
        desk.stream("stranger", agent="bob") as of_agent,
        desk.stream("stranger", of="suggestions,flow,transcript") as of_all,
    ):
        for reader in (of_call, of_agent, of_all):
            await reader.event()
        await desk.suggest(1)
        await desk.publish(record(spoken(1, "secret"), "e2", topic=WORDS))
        await desk.suggest(2, tenant="umbrella")
        for reader in (of_call, of_agent, of_all):
            assert (await reader.event())[1]["ce_id"] == "umbrella-s2"


async def test_a_colleagues_call_is_not_told_apart_from_none_and_a_colleagues_name_is_refused() -> None:
    async with live_desk() as desk:
        await desk.suggest(1, call_id="call-ann", agent="ann")
        said = []
        for call in ("call-ann", "call-xyz"):
            for path, query in (("/v1/streams", {"call": call}), (f"/v1/calls/{call}/stream", {})):
                async with desk.stream("bob", path, **query) as reader:
                    assert reader.response.status_code == 404
                    said.append(reader.response.text.replace(call, "CALL"))
        assert len(set(said)) == 1
        async with desk.stream("bob", agent="ann") as reader:
            assert reader.response.status_code == 403
        async with desk.stream("bob", agent="bob") as reader:
            assert reader.response.status_code == 200


async def test_an_agents_stream_may_be_opened_before_the_first_news_of_its_call() -> None:
    async with live_desk(news_s=5.0) as desk:

        async def news() -> None:
            await asyncio.sleep(0.1)
            await desk.publish(record(CallStarted(call_id="c9", call=CallFacts(agent="bob")), "e1", topic=WORDS))

        coming = asyncio.create_task(news())
        async with desk.stream("bob", "/v1/calls/c9/stream") as reader:
            await coming
            await reader.event()
            await desk.suggest(3, call_id="c9")
            assert await reader.calls(1) == ["s3"]


async def test_a_stream_of_one_lane_has_advice_of_that_lane() -> None:
    async with live_desk() as desk, desk.stream(lane="batch") as batch, desk.stream(lane="live") as live:
        await batch.event()
        await live.event()
        await desk.publish(record(suggested(1, lane=Lane.BATCH), "e1"), record(suggested(2), "e2"))
        assert await batch.calls(1) == ["s1"]
        assert await live.calls(1) == ["s2"]


async def test_words_with_script_and_line_breaks_stay_data() -> None:
    hostile = "</script><script>alert(1)</script>\n\nevent: bye\ndata: {}\r\n\u2028"
    async with live_desk() as desk, desk.stream(of="transcript") as reader:
        await reader.event()
        await desk.publish(record(spoken(1, hostile), "e1\n\nevent: bye", topic=WORDS))
        name, data = await reader.event()
        await desk.publish(record(spoken(2, "next"), "e2", topic=WORDS))
        after = await reader.event()
    assert (name, data["segment"]["text"], data["ce_id"]) == ("transcript.segment", hostile, "e1\n\nevent: bye")
    assert after[1]["segment"]["text"] == "next"


async def test_what_comes_twice_or_cannot_be_read_is_passed_over() -> None:
    async with live_desk() as desk, desk.stream() as reader:
        await reader.event()
        good = record(suggested(1), "e1")
        broken = replace(good, value=b"{")
        newer = tuple((n, v.replace(b"v1", b"v9") if n == "ce_type" else v) for n, v in good.headers)
        unknown = tuple((n, b"io.convmine.of.tomorrow.v1" if n == "ce_type" else v) for n, v in good.headers)
        await desk.publish(broken, replace(good, headers=newer), replace(good, headers=unknown))
        await desk.publish(good, good, replace(good, value=None))
        await desk.suggest(2)
        assert await reader.calls(2) == ["s1", "s2"]


async def test_more_streams_than_may_be_open_get_429_while_questions_are_answered() -> None:
    async with live_desk() as desk:
        streams = [desk.stream() for _ in range(20)]
        for one in streams:
            await one.__aenter__()
        async with desk.stream() as reader:
            assert reader.response.status_code == 429
            assert int(reader.response.headers["retry-after"]) > 0
        async with httpx.AsyncClient(base_url=desk.url, headers={"Authorization": "Bearer analyst"}) as client:
            assert (await client.get("/v1/fields")).status_code == 200
        await streams[0].__aexit__(None, None, None)
        await asyncio.sleep(0.1)
        async with desk.stream() as reader:
            assert reader.response.status_code == 200
        for one in streams[1:]:
            await one.__aexit__(None, None, None)


@pytest.mark.parametrize(
    "query", ["of=everything", "of=", "lane=slow", "unknown=1", f"call={'x' * 201}", "call=", f"agent={'x' * 201}"]
)
async def test_a_query_that_is_not_valid_is_refused(query: str) -> None:
    async with live_desk() as desk, httpx.AsyncClient(base_url=desk.url) as client:
        said = await client.get(f"/v1/streams?{query}", headers={"Authorization": "Bearer supervisor"})
    assert said.status_code == 422
    assert said.json()["detail"]


async def test_without_a_key_or_with_one_that_publishes_there_is_no_stream() -> None:
    async with live_desk() as desk:
        for key, status in ((None, 401), ("nobody", 401), ("publisher", 403)):
            async with desk.stream(key) as reader:
                assert reader.response.status_code == status


async def test_a_gateway_that_ends_says_so_and_when_to_come_back() -> None:
    async with live_desk() as desk, desk.stream() as reader:
        await reader.event()
        await desk.suggest(1)
        desk.hub.drain()
        names = [(await reader.event())[0] for _ in range(2)]
        with pytest.raises(EOFError):
            await reader.event()
    assert names == ["suggestion.created", "bye"]


async def test_a_key_that_is_taken_back_ends_its_stream() -> None:
    held = True
    async with live_desk(keep_alive_s=0.1, still_valid=lambda _: held) as desk, desk.stream() as reader:
        await reader.event()
        await desk.suggest(1)
        assert (await reader.event())[0] == "suggestion.created"
        held = False
        assert await reader.event() == ("bye", {"type": "bye", "reason": "key"})


async def test_a_quiet_stream_shows_signs_of_life_that_move_its_position() -> None:
    async with live_desk(keep_alive_s=0.1) as desk, desk.stream(call="quiet") as reader:
        await reader.event()
        before = reader.last
        await desk.suggest(1, 2, 3, call_id="other")
        with pytest.raises(TimeoutError):
            await reader.event(0.5)
        assert reader.last
        assert reader.last != before


async def test_flow_states_come_where_they_are_asked_for() -> None:
    async with live_desk() as desk, desk.stream(of="flow") as reader:
        await reader.event()
        state = FlowState.model_validate(json.loads((EXAMPLES / "flow.state.json").read_text())["value"])
        await desk.publish(record(state, "f1", topic=STATES))
        name, data = await reader.event()
    assert (name, data["path"][0]["label"]) == ("flow.state", state.path[0].label)


async def test_the_calls_that_are_on_are_listed_to_who_may_see_them() -> None:
    async with live_desk() as desk:
        desk.hub._now = lambda: 1_772_442_000.0 + 60  # a minute after the events  # noqa: SLF001 - the clock
        for call_id, agent in (("c1", "bob"), ("c2", "ann")):
            await desk.publish(
                record(CallStarted(call_id=call_id, call=CallFacts(agent=agent)), f"s-{call_id}", topic=WORDS)
            )
        await desk.publish(record(suggested(9, "recorded", lane=Lane.BATCH), "b1"))
        assert await live(desk, "supervisor") == ["c1", "c2"]
        assert await live(desk, "bob") == ["c1"]
        assert await live(desk, "stranger") == []
        await desk.publish(record(CallEnded(call_id="c1"), "x1", topic=WORDS))
        await desk.publish(record(spoken(1, "bye", "c1"), "x2", topic=WORDS))
        assert await live(desk, "supervisor") == ["c2"]


async def live(desk: Desk, key: str) -> list[str]:
    async with httpx.AsyncClient(base_url=desk.url, headers={"Authorization": f"Bearer {key}"}) as client:
        found = await client.get("/v1/live")
    return sorted(one["call_id"] for one in found.json()["items"])
