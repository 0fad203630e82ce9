"""An erased call leaves the gateway at once: streams, lists, the floor, and what was uploaded of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listeners import gateway
from live_desk import START, record, suggested

from pipeline.erasure.erased import customer_digest
from pipeline.stages import ERASURES, transcripts
from schemas.call import CallStarted
from schemas.wire import CallFacts, Lane
from workers.dashboard.floor.board import Board
from workers.dashboard.floor.looks import Looks
from workers.erasing import Asked, requests
from workers.followed_in_process import FollowedInProcess
from workers.gateway.erasing import obeying
from workers.gateway.outgoing.events import EVERY, Event, Frame, Wanted
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.tail import InProcessTail
from workers.gateway.outgoing.window import Window
from workers.in_process import InProcessBroker
from workers.records import NewRecord

ALL = frozenset(EVERY)
NOW = datetime.now(UTC)
DIGEST = "0" * 64


def event(number: int, call: int, topic: str, age_s: int = 0) -> Event:
    return Event(
        place=(topic, call % 2),
        offset=number,
        written_ms=1_000_000 - age_s * 1_000,
        tenant_id="acme" if call < 3 else "umbrella",
        call_id=f"call-{call % 3}",
        agent=None if call == 1 else f"agent-{call % 2}",
        of="suggestions",
        lane=Lane.LIVE,
        ce_id=f"e{number}",
        frame=Frame("suggestion.created", b"m", b"{}"),
        suggestion=(f"s{number}", "card"),
    )


def found(window: Window, tenant: str) -> list[list[str]]:
    """What somebody gets of each kind of question, and how much is kept."""
    wanted = [
        Wanted(tenant, ALL),
        *(Wanted(tenant, ALL, call_id=f"call-{number}") for number in range(3)),
        *(Wanted(tenant, ALL, agent=f"agent-{number}") for number in range(2)),
    ]
    return [[one.ce_id for one in window.since({}, each)] for each in wanted]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["t1", "t2"])), max_size=40),
    st.integers(0, 2),
    st.integers(0, 40),
)
def test_what_is_forgotten_is_as_if_it_had_never_come(said: list[tuple[int, str]], call: int, after: int) -> None:
    events = [event(number, *one) for number, one in enumerate(said)]
    window, without = Window(900), Window(900)
    for number, one in enumerate(events):
        if number == after:
            window.forget("acme", f"call-{call}")
        window.add(one, 1_000_000)
    window.forget("acme", f"call-{call}")
    for one in events:
        if (one.tenant_id, one.call_id) != ("acme", f"call-{call}"):
            without.add(one, 1_000_000)
    for tenant in ("acme", "umbrella"):
        assert found(window, tenant) == found(without, tenant)
    assert [window.has(one.ce_id) for one in events] == [without.has(one.ce_id) for one in events]
    assert [window.suggestion(one.tenant_id, f"s{one.offset}") for one in events] == [
        without.suggestion(one.tenant_id, f"s{one.offset}") for one in events
    ]
    for topic in ("t1", "t2"):  # and the rest grows old as it should
        window.add(event(99, 5, topic, age_s=-902), 1_000_000 + 902_000)
    assert found(window, "acme") == [[], [], [], [], [], []]


async def test_a_call_that_is_erased_leaves_streams_lists_floor_and_uploads_at_once(tmp_path: Path) -> None:
    now = START.timestamp
    broker, hub, board = InProcessBroker(), Hub(900, now=now), Board(15, now)
    looks = Looks(board, hub)
    uploads = tmp_path / "uploads"
    for tenant, call in (("acme", "call-1"), ("acme", "call-2"), ("umbrella", "call-1")):
        (uploads / tenant / call).mkdir(parents=True)
        (uploads / tenant / call / DIGEST).write_bytes(b"RIFF")
    forgotten: list[tuple[str, str]] = []
    hub.tell_forgotten(lambda tenant, call: forgotten.append((tenant, call)))
    tail = asyncio.create_task(InProcessTail(broker, every_s=0.005).follow(hub))
    followed = FollowedInProcess(broker, [ERASURES], every_s=0.005)
    try:
        async with obeying(followed, hub, uploads):
            reader = hub.open(Wanted("acme", ALL))
            await broker.publish([_started("call-1"), _started("call-2"), _started("call-1", tenant="umbrella")])
            await broker.publish([record(suggested(1, "call-1"), "a"), record(suggested(2, "call-2"), "b")])
            await _until(lambda: len(hub.live("acme", None).items) == 2 and hub.suggestion("acme", "s2") is not None)
            assert b"call-1" in (board.changes("acme") or b"")
            await broker.publish(requests(Asked("acme", "ann", ("call-1",)), ["call-1"]))
            await _until(lambda: ("acme", "call-1") in forgotten)
            await _until(lambda: not (uploads / "acme" / "call-1").exists())
            assert [one.call_id for one in hub.live("acme", None).items] == ["call-2"]
            assert [one.call_id for one in hub.live("umbrella", None).items] == ["call-1"]
            assert hub.suggestion("acme", "s1") is None
            assert json.loads(board.changes("acme") or b"{}")["gone"] == ["call-1"]
            waiting = b"".join(one.data for one in await reader.frames(0) or [])
            assert b"call-2" in waiting
            assert b"call-1" not in waiting
            await broker.publish([record(suggested(3, "call-1"), "late"), record(suggested(4, "call-2"), "more")])
            await _until(lambda: hub.suggestion("acme", "s4") is not None)
            assert hub.suggestion("acme", "s3") is None
            assert b"call-1" not in b"".join(one.data for one in await reader.frames(0) or [])
            assert (uploads / "acme" / "call-2" / DIGEST).exists()
            assert (uploads / "umbrella" / "call-1" / DIGEST).exists()
    finally:
        tail.cancel()
        with suppress(asyncio.CancelledError):
            await tail
    assert looks.board is board


async def test_what_was_erased_before_a_gateway_began_is_obeyed_by_it() -> None:
    broker, hub = InProcessBroker(), Hub(900)
    await broker.publish(requests(Asked("acme", "ann", ("call-1",), at=NOW - timedelta(days=9)), ["call-1"]))
    async with obeying(FollowedInProcess(broker, [ERASURES], every_s=0.005), hub) as erased:
        await _until(lambda: erased.holds("acme", "call-1"))
        tail = asyncio.create_task(InProcessTail(broker, every_s=0.005).follow(hub))
        await broker.publish([record(suggested(1, "call-1"), "a"), record(suggested(2, "call-2"), "b")])
        await _until(lambda: hub.suggestion("acme", "s2") is not None)
        tail.cancel()
    assert hub.suggestion("acme", "s1") is None


async def test_nothing_of_an_erased_call_is_taken_in_and_nothing_that_is_coming_stays(tmp_path: Path) -> None:
    page = "/v1/calls/call-1/recordings"
    async with gateway(tmp_path, listens=False) as on:

        async def coming() -> AsyncIterator[bytes]:
            yield b"RIFF"
            on.incoming.erased.add("acme", "call-1", NOW)  # while it is uploaded
            yield b"more"

        begun = await on.post(page, content=coming(), headers={"Content-Type": "audio/wav"})
        again = await on.post(page, content=b"RIFF", headers={"Content-Type": "audio/wav"})
        elsewhere = await on.post(page, {"uri": "s3://calls/1.wav"})
        other = await on.post(page.replace("call-1", "call-2"), content=b"RIFF", headers={"Content-Type": "audio/wav"})
        assert [one.status_code for one in (begun, again, elsewhere, other)] == [410, 410, 410, 201]
        assert _calls_with_files(tmp_path) == ["call-2"]
        assert {one.message.envelope.subject for one in on.publisher.events()} == {"call-2"}


async def test_a_call_of_an_erased_customer_that_began_before_is_not_taken_in(tmp_path: Path) -> None:
    page = "/v1/calls/{call}/recordings?customer_id=c-81&started_at={at}"
    async with gateway(tmp_path, listens=False) as on:
        on.incoming.erased.add_customer(customer_digest("acme", "c-81"), NOW)
        before, after = [
            await on.post(page.format(call=call, at=at.isoformat().replace("+", "%2B")), content=b"RIFF")
            for call, at in (("call-1", NOW - timedelta(hours=1)), ("call-2", NOW + timedelta(hours=1)))
        ]
    assert (before.status_code, after.status_code) == (410, 201)


@pytest.mark.parametrize("way", ["{root}/umbrella/call-1/x", "{root}/acme/../umbrella/call-1/x", "{root}/%75mbrella/x"])
async def test_no_tenant_has_what_another_uploaded_read_for_it(tmp_path: Path, way: str) -> None:
    async with gateway(tmp_path, listens=False) as on:
        said = {"uri": "file://" + way.format(root=tmp_path)}
        refused = await on.post("/v1/calls/call-1/recordings", said)
        own = await on.post("/v1/calls/call-1/recordings", {"uri": f"file://{tmp_path}/acme/call-1/x"})
        elsewhere = await on.post("/v1/calls/call-1/recordings", {"uri": "file:///srv/recordings/1.wav"})
    assert [one.status_code for one in (refused, own, elsewhere)] == [422, 201, 201]


def _started(call_id: str, tenant: str = "acme") -> NewRecord:
    made = CallStarted(call_id=call_id, call=CallFacts(agent="bob"))
    return record(made, f"{tenant}-{call_id}", topic=transcripts(Lane.LIVE), tenant=tenant)


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - nobody tells when it happens
            await asyncio.sleep(0.005)


def _calls_with_files(folder: Path) -> list[str]:
    return [one.parent.name for one in folder.rglob("*") if one.is_file()]
