from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from pipeline.flow.graph_stage import GraphHandler, build
from pipeline.handling import Inbound, Outbound, Position
from schemas.envelope import message
from schemas.flow import FlowGraph, FlowPath, Step
from schemas.wire import Role

AT = datetime(2026, 3, 1, tzinfo=UTC)


def inbound(  # noqa: PLR0913 - each names one thing that a test varies
    call_id: str, offset: int, *, partition: int = 0, tenant: str = "acme", scenario: str = "telecom", revision: int = 1
) -> Inbound:
    step = Step(label="ask_price", role=Role.CUSTOMER, at_ms=100)
    payload = FlowPath(call_id=call_id, scenario=scenario, revision=revision, steps=(step,), duration_ms=900)
    event = message(payload, id=f"e-{call_id}", source="/test", time=AT, subject=call_id, tenant_id=tenant)
    return Inbound(event, Position("flow.paths", partition, offset))


class CompactedTopic:
    """What ``flow.graph`` keeps: the last record of each key, by partition."""

    def __init__(self) -> None:
        self.records: dict[int, dict[str, FlowGraph]] = {}
        self.reads: list[int] = []

    async def read(self, partition: int) -> Mapping[str, FlowGraph]:
        self.reads.append(partition)
        return self.records.get(partition, {})

    def keep(self, outputs: object) -> None:
        assert isinstance(outputs, tuple)
        for output in outputs:
            assert isinstance(output, Outbound)
            assert output.partition is not None
            graph = graph_of((output,))
            self.records.setdefault(output.partition, {})[output.message.envelope.partitionkey] = graph


def graph_of(outputs: object) -> FlowGraph:
    assert isinstance(outputs, tuple)
    (output,) = outputs
    graph = output.message.payload
    assert isinstance(graph, FlowGraph)
    return graph


def handler() -> GraphHandler:
    return build(snapshots=CompactedTopic().read)


async def test_a_path_is_folded_and_its_graph_published_to_the_inputs_partition() -> None:
    (output,) = await handler()(inbound("c1", 5, partition=3))
    envelope = output.message.envelope
    assert (output.topic, output.partition) == ("flow.graph", 3)
    assert (envelope.partitionkey, envelope.subject, envelope.time) == ("acme:telecom:3", "telecom", AT)
    graph = graph_of((output,))
    assert (graph.paths, graph.applied_offset, graph.partition) == (1, 5, 3)


async def test_tenants_scenarios_and_partitions_have_graphs_of_their_own() -> None:
    handle = handler()
    places = [(0, "acme", "telecom"), (1, "acme", "telecom"), (0, "other", "telecom"), (0, "acme", "bank")]
    for partition, tenant, scenario in places:
        outputs = await handle(inbound("c1", 0, partition=partition, tenant=tenant, scenario=scenario))
        assert graph_of(outputs).paths == 1


async def test_a_redelivered_path_is_not_counted_twice() -> None:
    handle = handler()
    await handle(inbound("c1", 5))
    await handle(inbound("c2", 6))
    assert await handle(inbound("c1", 5)) == ()
    assert graph_of(await handle(inbound("c3", 7))).paths == 3


async def test_the_last_path_again_publishes_the_same_record_again() -> None:
    handle = handler()
    first = await handle(inbound("c1", 5))
    assert await handle(inbound("c1", 5)) == first


async def test_a_path_published_twice_is_counted_once() -> None:
    handle = handler()
    await handle(inbound("c1", 5))
    assert await handle(inbound("c1", 9)) == ()
    assert await handle(inbound("c1", 9)) == ()


async def test_a_later_revision_publishes_nothing() -> None:
    assert await handler()(inbound("c1", 0, revision=2)) == ()


async def test_the_snapshot_is_read_once_for_each_partition() -> None:
    topic = CompactedTopic()
    handle = build(snapshots=topic.read)
    for offset in range(3):
        await handle(inbound(f"a{offset}", offset))
        await handle(inbound(f"b{offset}", offset, partition=1))
    assert topic.reads == [0, 1]


async def test_a_successor_goes_on_from_the_snapshot() -> None:
    topic = CompactedTopic()
    first = build(snapshots=topic.read)
    for offset in range(3):
        topic.keep(await first(inbound(f"c{offset}", offset)))
    second = build(snapshots=topic.read)
    assert await second(inbound("c1", 1)) == ()
    assert graph_of(await second(inbound("c3", 3))).paths == 4


async def test_a_partition_that_comes_back_is_read_again() -> None:
    topic = CompactedTopic()
    handle, other = build(snapshots=topic.read), build(snapshots=topic.read)
    topic.keep(await handle(inbound("c0", 0)))
    handle.forget(0)
    topic.keep(await other(inbound("c1", 1)))
    assert graph_of(await handle(inbound("c2", 2))).paths == 3


async def test_a_path_in_hand_while_its_partition_is_taken_away_does_not_reach_the_next_assignment() -> None:
    asked, gate = asyncio.Event(), asyncio.Event()
    topic = CompactedTopic()

    async def slow(partition: int) -> Mapping[str, FlowGraph]:
        stale = dict(await topic.read(partition))
        asked.set()
        await gate.wait()
        return stale

    handle = build(snapshots=slow)
    late = asyncio.create_task(handle(inbound("c0", 0)))
    await asked.wait()
    handle.forget(0)
    topic.keep(await build(snapshots=topic.read)(inbound("c0", 0)))
    gate.set()
    await late
    graph = graph_of(await handle(inbound("c1", 1)))
    assert (graph.paths, graph.applied_offset) == (2, 1)


async def test_forgetting_a_partition_that_was_never_held_is_no_error() -> None:
    handler().forget(9)
