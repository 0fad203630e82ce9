"""What the runtime promises stages that gather what they publish, asked of both transports."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from transports import InProcessTransport, KafkaTransport, Transport

from pipeline.errors import Poison
from pipeline.handling import Inbound, Outbound
from pipeline.ids import stable_id
from pipeline.stages import FAILED, GRAPH, PATHS, Stage, stage_named
from schemas.envelope import message
from schemas.flow import FlowGraph, FlowPath
from schemas.wire import Lane
from workers.limits import Limits
from workers.measures import Measures
from workers.outcomes import RetryPolicy
from workers.records import NewRecord, write_event

FOUND = stage_named("graph", Lane.BATCH)
assert FOUND is not None
STAGE: Stage = FOUND
LIMITS = Limits(in_flight=8, window=100, policy=RetryPolicy(first_s=0.01, longest_s=0.02, attempts=3))
AT = datetime(2026, 1, 1, tzinfo=UTC)


def path(number: int) -> NewRecord:
    call = f"call-{number}"
    payload = FlowPath(call_id=call, scenario="s", steps=(), duration_ms=0)
    return write_event(Outbound(PATHS, message(payload, id=call, source="/test", time=AT, subject=call, tenant_id="t")))


class Gatherer:
    """Gathers paths; what it publishes tells how many, and where the last one stood."""

    def __init__(self, due_s: float = 0.0) -> None:
        self.seen = Counter[int]()
        self.due_s = due_s
        self._gathered: dict[int, list[int]] = defaultdict(list)

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        assert isinstance(inbound.payload, FlowPath)
        if inbound.payload.call_id == "call-13":
            raise Poison("thirteen")
        self.seen[int(inbound.payload.call_id.removeprefix("call-"))] += 1
        self._gathered[inbound.position.partition].append(inbound.position.offset)
        return ()

    def due_in(self, partition: int) -> float:  # noqa: ARG002 - the same everywhere
        return self.due_s

    def gathered(self, partition: int) -> Sequence[Outbound]:
        offsets = self._gathered.pop(partition, [])
        if not offsets:
            return ()
        graph = FlowGraph(
            tenant_id="t", scenario="s", partition=partition, applied_offset=offsets[-1], paths=len(offsets),
            nodes=(), edges=(),
        )  # fmt: skip
        id_ = stable_id(str(partition), str(offsets))
        out = message(graph, id=id_, source="/t", time=AT, subject="s", tenant_id="t", key=f"t:s:{partition}")
        return (Outbound(GRAPH, out, partition),)

    def forget(self, partition: int) -> None:
        self._gathered.pop(partition, None)


@pytest.fixture(params=["in process", "kafka"])
def transport(request: pytest.FixtureRequest) -> Transport:
    if request.param == "kafka":
        return KafkaTransport(request.getfixturevalue("kafka_settings"))
    return InProcessTransport()


@asynccontextmanager
async def running(
    transport: Transport, handler: Gatherer, limits: Limits = LIMITS, *, stop_s: float = 5
) -> AsyncIterator[Measures]:
    measures = Measures()
    worker = transport.worker(STAGE, handler, limits, measures)
    await worker.start()
    try:
        yield measures
    finally:
        await worker.stop(stop_s)


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.05)


async def published(transport: Transport) -> list[int]:
    """How many paths each record tells of."""
    return [json.loads(record.value or b"")["paths"] for record in await transport.records(GRAPH)]


async def test_what_waits_is_gathered_and_published_together_and_then_acknowledged(transport: Transport) -> None:
    await transport.publish([path(number) for number in range(100, 160)])
    handler = Gatherer()
    async with running(transport, handler):

        async def all_published() -> bool:
            return sum(await published(transport)) >= 60

        await until(all_published)
    assert await transport.committed(STAGE) == 60
    assert len(await published(transport)) < 60
    assert set(handler.seen.values()) == {1}


async def test_what_is_not_published_is_not_acknowledged_and_comes_again_after_a_kill(transport: Transport) -> None:
    await transport.publish([path(number) for number in range(100, 110)])
    first = Gatherer(due_s=3_600)
    async with running(transport, first, stop_s=0):

        async def all_seen() -> bool:
            return len(first.seen) == 10

        await until(all_seen)
    assert await transport.committed(STAGE) == 0
    assert await published(transport) == []
    second = Gatherer()
    async with running(transport, second):

        async def all_published() -> bool:
            return sum(await published(transport)) >= 10

        await until(all_published)
    assert second.seen == first.seen
    assert await transport.committed(STAGE) == 10


async def test_what_is_due_later_is_published_later_without_another_event(transport: Transport) -> None:
    await transport.publish([path(100), path(101)])
    async with running(transport, Gatherer(due_s=0.3)):

        async def all_published() -> bool:
            return sum(await published(transport)) == 2

        await until(all_published)
    assert await transport.committed(STAGE) == 2


async def test_a_window_full_of_gathered_events_never_waits_for_itself(transport: Transport) -> None:
    await transport.publish([path(number) for number in range(100, 150)])
    async with running(transport, handler := Gatherer(due_s=3_600), replace(LIMITS, window=8)):

        async def all_seen() -> bool:
            return len(handler.seen) == 50

        await until(all_seen)
    assert sum(await published(transport)) == await transport.committed(STAGE) > 0


async def test_poison_is_a_dead_letter_and_releases_nothing_that_is_gathered(transport: Transport) -> None:
    await transport.publish([path(number) for number in range(8, 18)])
    async with running(transport, handler := Gatherer(due_s=3_600)):

        async def dead() -> bool:
            return bool(await transport.records(FAILED)) and len(handler.seen) == 9

        await until(dead)
    behind = [path(number) for number in range(8, 18)]
    assert await transport.committed(STAGE) < len(behind)
    assert await published(transport) == []
    async with running(transport, again := Gatherer()):

        async def done() -> bool:
            return await transport.committed(STAGE) == len(behind)

        await until(done)
    assert set(again.seen) >= set(handler.seen) - {13} - set(range(8, 13))
