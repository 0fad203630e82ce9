"""The graph stage: each finished path is folded into the graph of its tenant, scenario and partition."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.flow.graph import empty, fold, is_new
from pipeline.handling import Inbound, Outbound
from pipeline.ids import stable_id
from pipeline.stages import GRAPH
from schemas.envelope import message
from schemas.flow import FlowGraph, FlowPath

SOURCE: Final = "/convmine/graph"
Snapshots = Callable[[int], Awaitable[Mapping[str, FlowGraph]]]
"""Reads back the last graph of every key in one partition of ``flow.graph``, by the record's key."""


def build(*, snapshots: Snapshots) -> GraphHandler:
    """The handler of ``flow.path``; ``snapshots`` is asked once for each partition, when its first path comes."""
    return GraphHandler(snapshots)


@dataclass(slots=True)
class _Held:
    """The graphs of one partition for as long as it is ours."""

    graphs: dict[str, FlowGraph] | None = None


@dataclass(slots=True)
class GraphHandler:
    """Keeps the graphs of the assigned partitions in memory and publishes the one that changed.

    A partition's paths must come one after the other. What is not new (``pipeline.flow.graph.is_new`` says when) leaves
    the graph alone and publishes nothing, save for the last offset applied: its record is published again unchanged,
    because the first attempt may have failed after the fold. A path still in hand while its partition is taken away
    writes to what ``forget`` has let go of, never to what is loaded for the next assignment.
    """

    snapshots: Snapshots
    _partitions: dict[int, _Held] = field(default_factory=dict)

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        path = inbound.payload
        if not isinstance(path, FlowPath):
            return ()
        partition, offset = inbound.position.partition, inbound.position.offset
        key = f"{inbound.tenant_id}:{path.scenario}:{partition}"
        held = self._partitions.setdefault(partition, _Held())
        if held.graphs is None:
            held.graphs = dict(await self.snapshots(partition))
        graph = held.graphs.get(key) or empty(inbound.tenant_id, path.scenario, partition)
        if is_new(graph, path, offset):
            graph = held.graphs[key] = fold(graph, path, offset)
        elif not graph.paths or offset != graph.applied_offset:
            return ()
        return (_record(inbound, graph, key),)

    def forget(self, partition: int) -> None:
        """Let go of a partition that was taken away; it is read back when it comes again."""
        self._partitions.pop(partition, None)


def _record(inbound: Inbound, graph: FlowGraph, key: str) -> Outbound:
    envelope = inbound.message.envelope
    return Outbound(
        GRAPH,
        message(
            graph,
            id=stable_id("flow.graph", graph.tenant_id, graph.scenario, graph.partition, graph.applied_offset),
            source=SOURCE,
            time=envelope.time,
            subject=graph.scenario,
            tenant_id=graph.tenant_id,
            key=key,
            traceparent=envelope.traceparent,
        ),
        partition=graph.partition,
    )
