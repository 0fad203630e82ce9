from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.graph_stage import VERSIONS, GraphHandler, build
from pipeline.handling import Inbound, Outbound, Position
from schemas.envelope import message
from schemas.flow import FlowGraph, FlowPath, Step
from schemas.wire import Role

AT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def inbound(  # noqa: PLR0913 - each names one thing that a test varies
    call_id: str,
    offset: int,
    *,
    partition: int = 0,
    tenant: str = "acme",
    scenario: str = "telecom",
    revision: int = 1,
    at: datetime = AT,
) -> Inbound:
    step = Step(label="ask_price", role=Role.CUSTOMER, at_ms=100)
    payload = FlowPath(call_id=call_id, scenario=scenario, revision=revision, steps=(step,), duration_ms=900)
    event = message(payload, id=f"e-{call_id}", source="/test", time=at, subject=call_id, tenant_id=tenant)
    return Inbound(event, Position("flow.paths", partition, offset))


class CompactedTopic:
    """What ``flow.graph`` keeps: the last record of each key, by partition; versions apart."""

    def __init__(self) -> None:
        self.records: dict[int, dict[str, FlowGraph]] = {}
        self.versions: dict[str, FlowGraph] = {}
        self.reads: list[int] = []

    async def read(self, partition: int) -> Mapping[str, FlowGraph]:
        self.reads.append(partition)
        return self.records.get(partition, {})

    def keep(self, outputs: Sequence[Outbound]) -> None:
        for output in outputs:
            graph, key = output.message.payload, output.message.envelope.partitionkey
            assert isinstance(graph, FlowGraph)
            assert output.partition is not None
            if graph.period is None:
                self.records.setdefault(output.partition, {})[key] = graph
            else:
                self.versions[key] = graph


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def graphs_of(outputs: Sequence[Outbound]) -> list[FlowGraph]:
    graphs = [output.message.payload for output in outputs]
    assert all(isinstance(graph, FlowGraph) for graph in graphs)
    return [graph for graph in graphs if isinstance(graph, FlowGraph)]


def graph_of(outputs: Sequence[Outbound]) -> FlowGraph:
    (graph,) = graphs_of(outputs)
    return graph


async def given_all(handle: GraphHandler, *events: Inbound) -> None:
    for event in events:
        assert await handle(event) == ()


def handler() -> GraphHandler:
    return build(snapshots=CompactedTopic().read)


async def test_paths_are_counted_and_their_graph_is_published_once_to_the_inputs_partition() -> None:
    handle = handler()
    await given_all(handle, inbound("c1", 5, partition=3), inbound("c2", 6, partition=3))
    (output,) = handle.gathered(3)
    envelope = output.message.envelope
    assert (output.topic, output.partition) == ("flow.graph", 3)
    assert (envelope.partitionkey, envelope.subject, envelope.time) == ("acme:telecom:3", "telecom", AT)
    graph = graph_of((output,))
    assert (graph.paths, graph.applied_offset, graph.partition) == (2, 6, 3)
    assert handle.gathered(3) == ()


async def test_tenants_scenarios_and_partitions_have_graphs_of_their_own() -> None:
    handle = handler()
    await given_all(
        handle,
        inbound("c1", 0),
        inbound("c1", 0, partition=1),
        inbound("c1", 1, tenant="other"),
        inbound("c1", 2, scenario="bank"),
    )
    assert {graph.paths for graph in graphs_of([*handle.gathered(0), *handle.gathered(1)])} == {1}
    assert handle.gathered(2) == ()


async def test_a_redelivered_path_a_path_published_twice_and_a_later_revision_are_not_counted() -> None:
    handle = handler()
    await given_all(handle, inbound("c1", 5), inbound("c2", 6))
    handle.gathered(0)
    await given_all(handle, inbound("c1", 5), inbound("c1", 9), inbound("c9", 10, revision=2))
    assert handle.gathered(0) == ()
    await given_all(handle, inbound("c3", 11))
    assert graph_of(handle.gathered(0)).paths == 3


async def test_the_snapshot_is_read_once_for_each_partition() -> None:
    topic = CompactedTopic()
    handle = build(snapshots=topic.read)
    for offset in range(3):
        await given_all(handle, inbound(f"a{offset}", offset), inbound(f"b{offset}", offset, partition=1))
    assert topic.reads == [0, 1]


async def test_a_partition_that_comes_back_is_read_again() -> None:
    topic = CompactedTopic()
    handle, other = build(snapshots=topic.read), build(snapshots=topic.read)
    await given_all(handle, inbound("c0", 0))
    topic.keep(handle.gathered(0))
    handle.forget(0)
    await given_all(other, inbound("c1", 1))
    topic.keep(other.gathered(0))
    await given_all(handle, inbound("c2", 2))
    assert graph_of(handle.gathered(0)).paths == 3


async def test_a_path_in_hand_while_its_partition_is_taken_away_does_not_reach_the_next_assignment() -> None:
    asked, gate = asyncio.Event(), asyncio.Event()
    topic = CompactedTopic()

    async def slow(partition: int) -> Mapping[str, FlowGraph]:
        stale = dict(await topic.read(partition))
        asked.set()
        await gate.wait()
        return stale

    handle = build(snapshots=slow)
    late = asyncio.create_task(given_all(handle, inbound("c0", 0)))
    await asked.wait()
    handle.forget(0)
    other = build(snapshots=topic.read)
    await given_all(other, inbound("c0", 0))
    topic.keep(other.gathered(0))
    gate.set()
    await late
    await given_all(handle, inbound("c1", 1))
    graph = graph_of(handle.gathered(0))
    assert (graph.paths, graph.applied_offset) == (2, 1)


async def test_forgetting_a_partition_that_was_never_held_is_no_error() -> None:
    handle = handler()
    handle.forget(9)
    assert (handle.due_in(9), handle.gathered(9)) == (0.0, ())


async def test_the_first_graph_is_due_at_once_and_the_next_later_the_larger_it_is() -> None:
    clock = Clock()
    handle = build(snapshots=CompactedTopic().read, clock=clock)
    await given_all(handle, inbound("c1", 0))
    assert handle.due_in(0) == 0.0
    handle.gathered(0)
    small = handle.due_in(0)
    assert 0 < small < 1
    clock.now += small
    assert handle.due_in(0) == 0.0


async def test_a_path_of_a_later_period_closes_the_version_of_the_one_before() -> None:
    handle = handler()
    await given_all(handle, inbound("c1", 0, at=AT + DAY / 2), inbound("c2", 1, at=AT + 3 * DAY))
    version, current = handle.gathered(0)
    number = int(AT.timestamp()) // 86_400
    assert version.message.envelope.partitionkey == f"acme:telecom:0:{number % VERSIONS}"
    before, now = graphs_of((version, current))
    assert (before.paths, before.period, before.period_s) == (1, AT, 86_400)
    assert (now.paths, now.period) == (2, None)
    assert version.message.envelope.id != current.message.envelope.id


async def test_a_path_of_an_earlier_period_closes_nothing_and_is_counted() -> None:
    handle = handler()
    await given_all(handle, inbound("c1", 0, at=AT + 2 * DAY), inbound("c2", 1, at=AT))
    assert graph_of(handle.gathered(0)).paths == 2


async def test_versions_can_be_turned_off() -> None:
    handle = build(snapshots=CompactedTopic().read, version_every_s=0)
    await given_all(handle, inbound("c1", 0), inbound("c2", 1, at=AT + 9 * DAY))
    assert graph_of(handle.gathered(0)).paths == 2


@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=12),
    st.lists(st.integers(0, 13), max_size=4),
)
async def test_kills_lose_no_path_and_no_version_and_count_none_twice(
    sent: list[tuple[int, bool]], kills: list[int]
) -> None:
    """A worker publishes at some paths; one that is killed leaves what it published, and its successor starts there."""
    events = [inbound(f"c{at}", at, at=AT + DAY * day / 4) for at, (day, _) in enumerate(sent)]
    undisturbed, disturbed = CompactedTopic(), CompactedTopic()
    for topic, killed_at in ((undisturbed, []), (disturbed, sorted(kills))):
        handle, acknowledged, at = build(snapshots=topic.read), 0, 0
        left = list(killed_at)
        while at < len(events):
            await given_all(handle, events[at])
            if left and left[0] <= at:
                left.pop(0)
                handle, at = build(snapshots=topic.read), acknowledged
                continue
            at += 1
            if sent[at - 1][1] or at == len(events):
                topic.keep(handle.gathered(0))
                acknowledged = at
    assert disturbed.records[0] == undisturbed.records[0]
    assert disturbed.versions == undisturbed.versions
    assert disturbed.records[0]["acme:telecom:0"].paths == len(sent)
