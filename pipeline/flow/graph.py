"""The graph of steps as a value: empty, and the partitions of one scenario added up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.flow import FlowEdge, FlowGraph, FlowNode

START: Final = "(start)"
END: Final = "(end)"


@dataclass(frozen=True, slots=True)
class SummedGraph:
    """The partitions of one tenant's scenario added up, as readers show it."""

    paths: int
    nodes: tuple[FlowNode, ...]
    edges: tuple[FlowEdge, ...]


def empty(tenant_id: str, scenario: str, partition: int) -> FlowGraph:
    """The graph before the first path; ``applied_offset`` says nothing while ``paths`` is 0."""
    return FlowGraph(
        tenant_id=tenant_id, scenario=scenario, partition=partition, applied_offset=0, paths=0, nodes=(), edges=()
    )


def merge(graphs: Iterable[FlowGraph]) -> SummedGraph:
    """Add the counts of the partitions of one tenant's scenario up; not their weights, which are of different times.

    Raises:
        ValueError: the graphs are of different tenants or scenarios.
    """
    nodes: dict[str, FlowNode] = {}
    edges: dict[tuple[str, str], FlowEdge] = {}
    paths = 0
    owner: tuple[str, str] | None = None
    for graph in graphs:
        owner = owner or (graph.tenant_id, graph.scenario)
        if owner != (graph.tenant_id, graph.scenario):
            msg = f"graphs of {':'.join(owner)} and {graph.tenant_id}:{graph.scenario} cannot be added up"
            raise ValueError(msg)
        for node in graph.nodes:
            nodes[node.label] = _node_sum(nodes.get(node.label), node)
        for edge in graph.edges:
            ends = (edge.source, edge.target)
            edges[ends] = _edge_sum(edges.get(ends), edge)
        paths += graph.paths
    return SummedGraph(
        paths,
        tuple(nodes[label] for label in sorted(nodes)),
        tuple(edges[ends] for ends in sorted(edges)),
    )


def _node_sum(known: FlowNode | None, node: FlowNode) -> FlowNode:
    if known is None:
        return node
    return FlowNode(
        label=node.label,
        count=known.count + node.count,
        calls=known.calls + node.calls,
        won=known.won + node.won,
        lost=known.lost + node.lost,
        repeated=known.repeated + node.repeated,
        later=known.later + node.later,
    )


def _edge_sum(known: FlowEdge | None, edge: FlowEdge) -> FlowEdge:
    count, total_ms, won, lost = (0, 0, 0, 0) if known is None else (known.count, known.total_ms, known.won, known.lost)
    return FlowEdge(
        source=edge.source,
        target=edge.target,
        count=count + edge.count,
        total_ms=total_ms + edge.total_ms,
        won=won + edge.won,
        lost=lost + edge.lost,
    )
