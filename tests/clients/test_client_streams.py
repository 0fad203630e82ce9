"""The Python client's streams against a real gateway: everything once, whatever breaks in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_desk import live_desk

from convmine_client import AsyncClient, Client, NotFound, Refused, Retries, StreamEvent, Unavailable
from convmine_client.streams import Course, Lines
from workers.in_process import InProcessBroker

QUICK = Retries(times=1, first_s=0.01, longest_s=0.05)


async def test_a_stream_goes_on_at_a_gateway_started_since_without_missing_or_repeating() -> None:
    broker = InProcessBroker()
    transport = Moved()
    async with AsyncClient("http://gateway", "supervisor", retries=QUICK, transport=transport) as client:
        got: list[str] = []
        async with live_desk(broker) as desk:
            transport.url = desk.url
            taking = asyncio.create_task(take(client.stream(), got, 6))
            await opened(desk.hub)
            for number in range(3):
                await desk.suggest(number)
            while len(got) < 3:  # noqa: ASYNC110 - it says nothing when it happens
                await asyncio.sleep(0.01)
        async with live_desk(broker) as desk:
            desk.told = 3
            await desk.suggest(3, 4)
            transport.url = desk.url
            await opened(desk.hub)
            await desk.suggest(5)
            await asyncio.wait_for(taking, 10)
    assert got == [f"s{number}" for number in range(6)]


class Moved(httpx.AsyncBaseTransport):
    """Carries requests to wherever the gateway is at the moment."""

    def __init__(self) -> None:
        self.url = "http://127.0.0.1:9"
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = httpx.URL(self.url).copy_with(raw_path=request.url.raw_path)
        return await self._inner.handle_async_request(request)


async def take(stream: AsyncIterator[StreamEvent], got: list[str], most: int) -> None:
    async for event in stream:
        got.append(event.data["suggestion_id"])
        if len(got) == most:
            return


async def opened(hub: Any) -> None:
    """Wait until somebody reads."""
    async with asyncio.timeout(5):
        while not hub._readers.every():  # noqa: ASYNC110, SLF001 - nothing public tells that somebody reads
            await asyncio.sleep(0.01)


async def test_the_client_that_waits_reads_the_same() -> None:
    async with live_desk() as desk:

        def first(last: str) -> StreamEvent:
            with Client(desk.url, "bob", retries=QUICK) as client:
                return next(iter(client.stream(call="call-1", last_event_id=last)))

        await desk.suggest(1)
        async with desk.stream() as reader:
            await reader.event()
            before = reader.last
        await desk.suggest(2, agent="ann", call_id="hers")
        await desk.suggest(3)
        event = await asyncio.to_thread(first, before)
    assert (event.name, event.data["suggestion_id"]) == ("suggestion.created", "s3")
    assert event.id


async def test_what_is_refused_is_raised_and_a_gateway_that_never_answers_too() -> None:
    async with live_desk() as desk:
        for key, named, error in (
            ("nobody", {}, Refused),
            ("publisher", {}, Refused),
            ("bob", {"agent": "ann"}, Refused),
            ("bob", {"call": "hers"}, NotFound),
        ):
            async with AsyncClient(desk.url, key, retries=QUICK) as client:
                with pytest.raises(error):
                    await anext(aiter(client.stream(**named)))
    async with AsyncClient("http://127.0.0.1:9", "bob", retries=QUICK) as client:
        with pytest.raises(Unavailable):
            await anext(aiter(client.stream()))


EVENTS = st.lists(
    st.tuples(st.sampled_from(["suggestion.created", "status", "gap"]), st.text(max_size=20)), min_size=1, max_size=8
)


@given(EVENTS, st.lists(st.integers(1, 9), min_size=1, max_size=10))
def test_events_are_read_however_the_bytes_are_cut(events: list[tuple[str, str]], cuts: list[int]) -> None:
    sent = b"".join(
        b"event: %s\nid: %d\ndata: %s\n\n"
        % (name.encode(), number, json.dumps({"t": text}, ensure_ascii=False).encode())
        for number, (name, text) in enumerate(events)
    )
    course = Course()
    lines = Lines(course)
    got = [event for part in pieces(sent, cuts) for event in lines.take(part)]
    assert [(one.name, one.data["t"], one.id) for one in got] == [
        (name, text, str(number)) for number, (name, text) in enumerate(events) if name != "status"
    ]
    assert course.last_event_id == str(len(events) - 1)


def pieces(whole: bytes, cuts: list[int]) -> Iterator[bytes]:
    at = number = 0
    while at < len(whole):
        size = cuts[number % len(cuts)]
        yield whole[at : at + size]
        at, number = at + size, number + 1
