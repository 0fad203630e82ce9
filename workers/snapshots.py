"""The graphs of one partition, as they were last published; not their versions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from pipeline.stages import GRAPH
from schemas.flow import FlowGraph
from workers.compacted import ReadBack

GraphSnapshots = Callable[[int], Awaitable[Mapping[str, FlowGraph]]]


def graph_snapshots(read_back: ReadBack) -> GraphSnapshots:
    """Reads graphs by their key.

    A later record of a key replaces an earlier one, unless it has applied less: a worker left behind wrote it.
    """

    async def read(partition: int) -> Mapping[str, FlowGraph]:
        graphs: dict[str, FlowGraph] = {}
        async for record in read_back(GRAPH, partition):
            if record.key is None or record.value is None:
                continue
            name, graph = record.key.decode(), FlowGraph.model_validate_json(record.value)
            if graph.period is not None:
                continue
            if name not in graphs or graphs[name].applied_offset <= graph.applied_offset:
                graphs[name] = graph
        return graphs

    return read
