"""The graph read back: the same from the broker of this process and from Kafka."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from pipeline.handling import Outbound
from pipeline.settings import KafkaSettings
from pipeline.stages import GRAPH
from schemas.envelope import message
from schemas.flow import FlowGraph
from workers.compacted import read_back_on_kafka
from workers.edge import Edge
from workers.in_process import InProcessBroker
from workers.records import NewRecord, write_event
from workers.snapshots import GraphSnapshots, graph_snapshots

AT = datetime(2026, 1, 1, tzinfo=UTC)


def graph_record(
    partition: int, offset: int, paths: int, scenario: str = "telecom", *, period: datetime | None = None
) -> NewRecord:
    graph = FlowGraph(
        tenant_id="t",
        scenario=scenario,
        partition=partition,
        applied_offset=offset,
        paths=paths,
        nodes=(),
        edges=(),
        period=period,
        period_s=None if period is None else 86_400,
    )
    envelope = message(
        graph,
        id=f"{scenario}-{partition}-{offset}",
        source="/test",
        time=AT,
        subject=scenario,
        tenant_id="t",
        key=f"t:{scenario}:{partition}" + (":3" if period is not None else ""),
    )
    return write_event(Outbound(GRAPH, envelope, partition))


RECORDS = [
    graph_record(0, 1, 1),
    graph_record(0, 5, 4),
    graph_record(1, 9, 9),
    graph_record(0, 2, 2, "insurance"),
    graph_record(0, 3, 3),
    graph_record(0, 7, 7, period=AT),
]


@pytest.fixture(params=["in process", "kafka"])
async def snapshots(request: pytest.FixtureRequest) -> GraphSnapshots:
    if request.param == "kafka":
        settings: KafkaSettings = request.getfixturevalue("kafka_settings")
        edge = Edge(settings)
        await asyncio.to_thread(edge.apply_topics)
        await asyncio.to_thread(edge.publish, RECORDS)
        return graph_snapshots(read_back_on_kafka(settings))
    broker = InProcessBroker(partitions=2)
    await broker.publish(RECORDS)
    return graph_snapshots(broker.read_back)


async def test_the_graph_that_has_applied_most_is_read_back_for_each_key_of_the_partition_and_no_version(
    snapshots: GraphSnapshots,
) -> None:
    found = await snapshots(0)
    assert {key: graph.paths for key, graph in found.items()} == {"t:telecom:0": 4, "t:insurance:0": 2}


async def test_a_partition_that_was_never_written_has_no_graph(request: pytest.FixtureRequest) -> None:
    settings: KafkaSettings = request.getfixturevalue("kafka_settings")
    await asyncio.to_thread(Edge(settings).apply_topics)
    assert dict(await graph_snapshots(read_back_on_kafka(settings))(1)) == {}
