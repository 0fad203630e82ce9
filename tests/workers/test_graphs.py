"""The graphs that live calls are guided by: the same from the broker of this process and from Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.flow.graph_stage import build
from pipeline.handling import Inbound, Position
from pipeline.settings import KafkaSettings
from pipeline.stages import GRAPH
from schemas.envelope import message
from schemas.flow import FlowPath, Guidance, Step
from schemas.wire import Role
from workers.edge import Edge
from workers.followed import FollowedOnKafka
from workers.graphs import REFRESH_S, Graphs
from workers.in_process import InProcessBroker
from workers.records import NewRecord, Record, write_event
from workers.snapshots import graph_snapshots

DAY = timedelta(days=1)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERY_S = 86_400


class Calls:
    """Finished calls through the graph stage: one label each, in two partitions; what it published, day by day."""

    def __init__(self) -> None:
        self.handler = build(snapshots=graph_snapshots(InProcessBroker().read_back), clock=lambda: 0.0)
        self._offset = 0

    async def of_day(self, day: float, label: str, count: int, partitions: Sequence[int] = (0, 1)) -> list[NewRecord]:
        for partition in partitions:
            for _ in range(count):
                self._offset += 1
                call = f"c{self._offset}"
                step = Step(label=label, role=Role.CUSTOMER, at_ms=0)
                path = FlowPath(call_id=call, scenario="telecom", steps=(step,), duration_ms=0)
                sent = message(path, id=call, source="/t", time=AT + DAY * day, subject=call, tenant_id="acme")
                await self.handler(Inbound(sent, Position("flow.paths", partition, self._offset)))
        return [write_event(output) for partition in partitions for output in self.handler.gathered(partition)]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def guided(graphs: Graphs, records: Sequence[NewRecord]) -> InProcessBroker:
    broker = InProcessBroker(partitions=2)
    await broker.publish(records)
    graphs.take_all(broker.records(GRAPH))
    return broker


def asked(graphs: Graphs, day: float, tenant: str = "acme") -> Guidance | None:
    return graphs(tenant, "telecom", [], AT + DAY * day)


def seen(guidance: Guidance | None) -> dict[str, float]:
    """How often each step was seen first, in whole numbers: a day's decay is small."""
    assert guidance is not None
    return {one.label: round(one.seen) for one in guidance.next if one.seen}


async def test_calls_are_guided_by_the_newest_counts_of_all_partitions_as_long_as_there_is_no_version() -> None:
    graphs = Graphs(EVERY_S)
    await guided(graphs, await Calls().of_day(0, "a", 10))
    guidance = asked(graphs, 0.1)
    assert seen(guidance) == {"a": 20}
    assert guidance is not None
    assert guidance.graph == "current"


async def test_calls_are_guided_by_the_newest_version_that_was_settled_then_however_often_they_are_asked() -> None:
    calls = Calls()
    records = [record for day, label in ((0, "a"), (1, "b"), (2, "c")) for record in await calls.of_day(day, label, 9)]
    graphs = Graphs(EVERY_S)
    await guided(graphs, records)
    told = {day: seen(asked(graphs, day)) for day in (2, 3, 2.4)}
    assert told == {2: {"a": 18}, 3: {"a": 18, "b": 18}, 2.4: {"a": 18}}
    guidance = asked(graphs, 2)
    assert guidance is not None
    assert guidance.graph == "2026-03-01T00:00:00+00:00"


async def test_a_replay_guides_as_the_first_run_did() -> None:
    calls, first = Calls(), Graphs(EVERY_S)
    records = [*await calls.of_day(0, "a", 9), *await calls.of_day(1, "b", 9)]
    broker = await guided(first, records)
    live = asked(first, 2)
    later = [*await calls.of_day(2, "c", 9), *await calls.of_day(3, "d", 9)]
    await broker.publish(later)
    again = Graphs(EVERY_S)
    again.take_all(broker.records(GRAPH))
    assert asked(again, 2) == live


async def test_a_partition_without_newer_calls_counts_as_it_is() -> None:
    calls = Calls()
    records = [*await calls.of_day(0, "a", 9), *await calls.of_day(1, "b", 9, partitions=[1])]
    graphs = Graphs(EVERY_S)
    await guided(graphs, records)
    assert seen(asked(graphs, 2)) == {"a": 18}


async def test_without_versions_the_newest_counts_are_looked_at_every_so_often() -> None:
    calls, clock = Calls(), Clock()
    graphs = Graphs(0, clock)
    await guided(graphs, await calls.of_day(0, "a", 10))
    assert seen(asked(graphs, 9)) == {"a": 20}
    await guided(graphs, await calls.of_day(1, "b", 10))
    assert seen(asked(graphs, 9)) == {"a": 20}
    clock.now += REFRESH_S
    assert seen(asked(graphs, 9)) == {"a": 20, "b": 20}


async def test_few_calls_another_tenant_and_another_scenario_guide_nobody() -> None:
    clock = Clock()
    graphs = Graphs(EVERY_S, clock)
    await guided(graphs, await Calls().of_day(0, "a", 4))
    assert asked(graphs, 1) is None
    clock.now += REFRESH_S
    await guided(graphs, await Calls().of_day(0, "a", 10))
    assert asked(graphs, 1, tenant="other") is None
    assert graphs("acme", "bank", [], AT) is None
    assert asked(graphs, 1) is not None


async def test_a_record_that_cannot_be_read_changes_nothing() -> None:
    graphs = Graphs(EVERY_S)
    (record,) = await Calls().of_day(0, "a", 10, partitions=[0])
    odd = [
        NewRecord(GRAPH, record.key, record.value, (), 0),
        NewRecord(GRAPH, record.key + b":3", record.value, record.headers, 0),
        NewRecord(GRAPH, record.key + b":4", b"{", record.headers, 0),
        NewRecord(GRAPH, record.key, None, record.headers, 0),
    ]
    await guided(graphs, [record, *odd])
    assert seen(asked(graphs, 1)) == {"a": 10}


async def test_graphs_are_followed_on_kafka(kafka_settings: KafkaSettings) -> None:
    edge, calls, graphs = Edge(kafka_settings), Calls(), Graphs(EVERY_S)
    await asyncio.to_thread(edge.apply_topics)
    await asyncio.to_thread(edge.publish, await calls.of_day(0, "a", 10, partitions=[0]))
    source = FollowedOnKafka(kafka_settings, [GRAPH])
    await source.each(graphs.take)
    assert seen(asked(graphs, 2)) == {"a": 10}
    following = asyncio.create_task(source.follow(graphs.take))
    try:
        await asyncio.to_thread(edge.publish, await calls.of_day(1, "b", 10, partitions=[0]))
        async with asyncio.timeout(60):
            while seen(asked(graphs, 3)) != {"a": 10, "b": 10}:  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.1)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@pytest.mark.parametrize("slot", [b"", b":7"])
def test_a_record_of_another_topic_is_passed_over(slot: bytes) -> None:
    graphs = Graphs(EVERY_S)
    graphs.take(Record("flow.paths", 0, 0, b"acme:telecom:0" + slot, b"{}", ()))
    assert asked(graphs, 0) is None
