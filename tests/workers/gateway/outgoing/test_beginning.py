"""A stream that begins with what is still kept, of an agent, of a call, of all: nothing is missing, nothing doubled."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_desk import live_desk, record, suggested

from pipeline.stages import SUGGESTIONS
from workers.gateway.outgoing.events import Wanted
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.marks import BEGINNING
from workers.gateway.outgoing.subscription import Subscription
from workers.records import Record

NOW_S = 1_800_000_000.0
EVENTS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=30)
"""The partition and the call of each event; a call's agent has its number."""
WANTED = [Wanted("acme"), Wanted("acme", agent="agent-1"), Wanted("acme", call_id="call-1")]


def take(hub: Hub, offsets: dict[int, int], events: list[tuple[int, int]]) -> list[tuple[str, int]]:
    """Have the hub read these; the id and the call of each."""
    found = []
    for partition, call in events:
        offset = offsets.get(partition, 0)
        offsets[partition] = offset + 1
        one = record(suggested(offset, f"call-{call}", f"agent-{call}"), f"{partition}.{offset}")
        hub.take(Record(SUGGESTIONS, partition, offset, one.key, one.value, one.headers, int(NOW_S * 1_000)))
        found.append((f"{partition}.{offset}", call))
    return found


async def ids(one: Subscription) -> list[str]:
    """The ids of what waits for a reader."""
    frames = await one.frames(0) or []
    return [frame.data.decode().split('"ce_id": "')[1].split('"')[0] for frame in frames if b"ce_id" in frame.data]


@pytest.mark.parametrize("wanted", WANTED)
@settings(max_examples=60)
@given(before=EVENTS, after=EVENTS)
async def test_what_is_kept_comes_first_and_then_what_comes(
    wanted: Wanted, before: list[tuple[int, int]], after: list[tuple[int, int]]
) -> None:
    hub, offsets = Hub(900, now=lambda: NOW_S), dict[int, int]()
    hub.begin({(SUGGESTIONS, number): 0 for number in range(3)}, {})
    hub.back()
    told = take(hub, offsets, before)
    one = hub.open(wanted, BEGINNING)
    told += take(hub, offsets, after)
    assert await ids(one) == [id_ for id_, call in told if wanted == WANTED[0] or call == 1]


async def test_a_stream_that_is_opened_before_anything_was_read_gets_all_of_it() -> None:
    hub = Hub(900, now=lambda: NOW_S)
    one = hub.open(Wanted("acme", agent="agent-1"), BEGINNING)
    hub.begin({(SUGGESTIONS, 0): 0}, {(SUGGESTIONS, 0): 2})
    take(hub, {}, [(0, 1), (0, 1), (0, 2)])
    hub.caught_up()
    take(hub, {0: 3}, [(0, 1)])
    assert await ids(one) == ["0.0", "0.1", "0.3"]


async def test_what_is_no_longer_kept_of_an_agent_is_not_found() -> None:
    now_s = NOW_S
    hub = Hub(60, now=lambda: now_s)
    hub.begin({(SUGGESTIONS, 0): 0}, {})
    offsets = dict[int, int]()
    take(hub, offsets, [(0, 1), (0, 2), (0, 1)])
    now_s += 100
    late = record(suggested(9, "call-1", "agent-1"), "late")
    hub.take(Record(SUGGESTIONS, 0, 3, late.key, late.value, late.headers, int(now_s * 1_000)))
    assert await ids(hub.open(Wanted("acme", agent="agent-1"), BEGINNING)) == ["late"]
    assert await ids(hub.open(Wanted("acme", agent="agent-2"), BEGINNING)) == []


async def test_a_mark_goes_before_the_beginning() -> None:
    async with live_desk() as desk:
        await desk.suggest(1, 2)
        async with desk.stream(**{"from": "start"}) as reader:
            assert await reader.calls(2) == ["s1", "s2"]
            last = reader.last
        await desk.suggest(3)
        async with desk.stream(last=last, **{"from": "start"}) as reader:
            assert await reader.calls(1) == ["s3"]
