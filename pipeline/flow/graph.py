"""Folding paths into a directed graph of steps with counts, outcomes and times; pure values in and out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from typing import Final

from schemas.call import OutcomeResult
from schemas.flow import FlowEdge, FlowGraph, FlowNode, FlowPath

START: Final = "(start)"
END: Final = "(end)"
RECENT_CALLS: Final = 1_000
"""How many calls a graph remembers; as many as the default window of a worker, which is what a kill can repeat."""


@dataclass(frozen=True, slots=True)
class SummedGraph:
    """The partitions of one tenant's scenario added up, as readers show it."""

    paths: int
    nodes: tuple[FlowNode, ...]
    edges: tuple[FlowEdge, ...]


@dataclass(slots=True)
class _Tally:
    """Nodes by label and edges by their two labels, while they are being counted."""

    nodes: dict[str, FlowNode] = field(default_factory=dict)
    edges: dict[tuple[str, str], FlowEdge] = field(default_factory=dict)

    def add_node(self, node: FlowNode) -> None:
        if (known := self.nodes.get(node.label)) is not None:
            node = FlowNode(
                label=node.label,
                count=known.count + node.count,
                calls=known.calls + node.calls,
                won=known.won + node.won,
                lost=known.lost + node.lost,
            )
        self.nodes[node.label] = node

    def add_edge(self, edge: FlowEdge) -> None:
        ends = (edge.source, edge.target)
        if (known := self.edges.get(ends)) is not None:
            edge = FlowEdge(
                source=edge.source,
                target=edge.target,
                count=known.count + edge.count,
                total_ms=known.total_ms + edge.total_ms,
            )
        self.edges[ends] = edge

    def add_graph(self, nodes: Iterable[FlowNode], edges: Iterable[FlowEdge]) -> None:
        for node in nodes:
            self.add_node(node)
        for edge in edges:
            self.add_edge(edge)

    def add_path(self, path: FlowPath) -> None:
        """Count a path from start to end; the time of an edge is from one step's start to the next one's, in ms."""
        points = [(START, 0), *((step.label, step.at_ms) for step in path.steps)]
        points.append((END, max(path.duration_ms, points[-1][1])))
        for label, visits in Counter(label for label, _ in points).items():
            self.add_node(
                FlowNode(
                    label=label,
                    count=visits,
                    calls=1,
                    won=int(path.result is OutcomeResult.WON),
                    lost=int(path.result is OutcomeResult.LOST),
                )
            )
        for (source, left_at), (target, reached_at) in pairwise(points):
            self.add_edge(FlowEdge(source=source, target=target, count=1, total_ms=max(0, reached_at - left_at)))

    def sorted_nodes(self) -> tuple[FlowNode, ...]:
        return tuple(self.nodes[label] for label in sorted(self.nodes))

    def sorted_edges(self) -> tuple[FlowEdge, ...]:
        return tuple(self.edges[ends] for ends in sorted(self.edges))


def empty(tenant_id: str, scenario: str, partition: int) -> FlowGraph:
    """The graph before the first path; ``applied_offset`` says nothing while ``paths`` is 0."""
    return FlowGraph(
        tenant_id=tenant_id, scenario=scenario, partition=partition, applied_offset=0, paths=0, nodes=(), edges=()
    )


def is_new(graph: FlowGraph, path: FlowPath, offset: int) -> bool:
    """Whether this path is still to be counted.

    It is not when its offset has been applied (the event was delivered again), when its call is among the recent ones
    (the event was published again, as after a kill of the flow stage), or when it is a later revision: a graph of
    counts cannot take the first reading of a call back out, so the first one stays. Two limits follow: a first
    revision published again after 1,000 other calls of the same graph is counted twice, and a call of which only a
    later revision ever came is not counted.
    """
    if graph.paths and offset <= graph.applied_offset:
        return False
    return path.revision == 1 and _digest(path.call_id) not in graph.recent_calls


def fold(graph: FlowGraph, path: FlowPath, offset: int) -> FlowGraph:
    """The graph with one more path in it; whether the path is new is the caller's question to ``is_new``."""
    tally = _Tally()
    tally.nodes.update((node.label, node) for node in graph.nodes)
    tally.edges.update(((edge.source, edge.target), edge) for edge in graph.edges)
    tally.add_path(path)
    return FlowGraph(
        tenant_id=graph.tenant_id,
        scenario=graph.scenario,
        partition=graph.partition,
        applied_offset=max(offset, graph.applied_offset),
        paths=graph.paths + 1,
        nodes=tally.sorted_nodes(),
        edges=tally.sorted_edges(),
        recent_calls=(*graph.recent_calls, _digest(path.call_id))[-RECENT_CALLS:],
    )


def merge(graphs: Iterable[FlowGraph]) -> SummedGraph:
    """Add the partitions of one tenant's scenario up.

    Raises:
        ValueError: the graphs are of different tenants or scenarios.
    """
    tally = _Tally()
    paths = 0
    owner: tuple[str, str] | None = None
    for graph in graphs:
        owner = owner or (graph.tenant_id, graph.scenario)
        if owner != (graph.tenant_id, graph.scenario):
            msg = f"graphs of {':'.join(owner)} and {graph.tenant_id}:{graph.scenario} cannot be added up"
            raise ValueError(msg)
        tally.add_graph(graph.nodes, graph.edges)
        paths += graph.paths
    return SummedGraph(paths, tally.sorted_nodes(), tally.sorted_edges())


def _digest(call_id: str) -> str:
    """48 bits: among 1,000 calls one in 280 thousand million new ones is taken for an old one."""
    return blake2b(call_id.encode(), digest_size=6).hexdigest()
