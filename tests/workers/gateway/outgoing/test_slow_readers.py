"""A reader that does not read is dropped, is told so, and holds up nobody else."""

from __future__ import annotations

import asyncio
import socket
import time
from urllib.parse import urlsplit

from live_desk import Desk, live_desk, record, suggested
from prometheus_client import CollectorRegistry

from workers.gateway.outgoing.events import Wanted
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.measures import StreamMeasures
from workers.gateway.outgoing.tail import InProcessTail
from workers.in_process import InProcessBroker

LARGE = "x" * 50_000
MANY = 300


async def flood(desk: Desk) -> None:
    for number in range(MANY):
        await desk.publish(record(suggested(number, text=LARGE), f"e{number}"))


async def test_a_reader_that_stops_is_dropped_with_a_reason_while_others_get_everything_in_time() -> None:
    registry = CollectorRegistry()
    async with live_desk(measures=StreamMeasures(registry)) as desk:
        address = urlsplit(desk.url)
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        await asyncio.to_thread(slow.connect, (address.hostname, address.port))
        slow.sendall(b"GET /v1/streams HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer supervisor\r\n\r\n")
        async with desk.stream() as reader:
            await reader.event()
            begun = time.monotonic()
            flooding = asyncio.create_task(flood(desk))
            got = await reader.calls(MANY, wait_s=20)
            await flooding
            took_s = time.monotonic() - begun
        sent = await asyncio.to_thread(read_all, slow)
        slow.close()
        await asyncio.sleep(0.1)
    assert got == [f"s{number}" for number in range(MANY)]
    assert took_s < 15
    assert b'event: dropped\ndata: {"type": "dropped", "reason": "slow"}' in sent
    assert sent.count(b"event: suggestion.created") < MANY
    assert registry.get_sample_value("convmine_gateway_streams_ended_total", {"reason": "slow"}) == 1


def read_all(one: socket.socket) -> bytes:
    one.settimeout(10)
    found = bytearray()
    while part := one.recv(1 << 20):
        found += part
    return bytes(found)


async def test_what_waits_for_a_reader_is_bounded_and_what_waited_is_let_go() -> None:
    hub = Hub(900)
    one = hub.open(Wanted("acme"))
    broker = InProcessBroker(partitions=1)
    following = asyncio.create_task(InProcessTail(broker, every_s=0.001).follow(hub))
    await broker.publish([record(suggested(number, text=LARGE), f"e{number}") for number in range(MANY)])
    async with asyncio.timeout(5):
        while one.reason is None:  # noqa: ASYNC110 - it says nothing when it happens
            await asyncio.sleep(0.005)
    frames = await one.frames(0) or []
    assert [frame.name for frame in frames] == ["dropped"]
    assert await one.frames(0) is None
    following.cancel()
