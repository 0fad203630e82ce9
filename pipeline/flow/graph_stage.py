"""The graph stage: each finished path is counted in the graph of its tenant, scenario and partition."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.flow.graph import empty
from pipeline.flow.tally import Tally, period_of, start_of
from pipeline.handling import Inbound, Outbound
from pipeline.ids import stable_id
from pipeline.stages import GRAPH
from schemas.envelope import Envelope, message
from schemas.flow import FlowGraph, FlowPath

SOURCE: Final = "/convmine/graph"
VERSIONS: Final = 32
"""Versions of a graph that its topic keeps: of days, a month."""
_ROW_BYTES: Final = 50
"""About what a row of the graph takes in its record."""
_BYTES_A_SECOND: Final = 50_000
"""Graphs that change all the time are not published more than so much in each partition: the topic keeps every record
for an hour, and whoever follows it from its start reads them all.
"""
_LONGEST_S: Final = 10.0
"""Seconds after which a graph is published, however large it is."""
Snapshots = Callable[[int], Awaitable[Mapping[str, FlowGraph]]]
"""Reads back the last graph of every key in one partition of ``flow.graph``, by the record's key; versions left out."""


def build(
    *,
    snapshots: Snapshots,
    half_life_days: float = 90.0,
    version_every_s: int = 86_400,
    clock: Callable[[], float] = time.monotonic,
) -> GraphHandler:
    """The handler of ``flow.path``.

    Args:
        snapshots: asked once for each partition, when its first path comes.
        half_life_days: days after which a path weighs half.
        version_every_s: seconds of one version; 0 is none.
        clock: seconds; it decides only when graphs are published.
    """
    return GraphHandler(snapshots, half_life_days, version_every_s, clock)


@dataclass(slots=True)
class _Counted:
    """A graph of ours; ``latest`` is the event of the path that it counted last, None where that is published."""

    tally: Tally
    latest: Envelope | None = None


@dataclass(slots=True)
class _Held:
    """The graphs of one partition for as long as it is ours, and versions that are closed and not published yet."""

    graphs: dict[str, _Counted] | None = None
    closed: list[Outbound] = field(default_factory=list)
    quiet_until: float = 0.0


@dataclass(slots=True)
class GraphHandler:
    """Keeps the graphs of the assigned partitions in memory, and publishes those that changed when it is asked to.

    A partition's paths must come one after the other. A path of a later period closes the version of the one before:
    its record goes out before the graph's own, so that it is not lost when the worker is killed between the two. A path
    still in hand while its partition is taken away adds to what ``forget`` has let go of, never to what is loaded for
    the next assignment.
    """

    snapshots: Snapshots
    half_life_days: float
    version_every_s: int
    clock: Callable[[], float]
    _partitions: dict[int, _Held] = field(default_factory=dict)

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        path = inbound.payload
        if isinstance(path, FlowPath):
            await self._count(path, inbound)
        return ()

    def due_in(self, partition: int) -> float:
        held = self._partitions.get(partition)
        return 0.0 if held is None else max(0.0, held.quiet_until - self.clock())

    def gathered(self, partition: int) -> Sequence[Outbound]:
        held = self._partitions.get(partition)
        if held is None or held.graphs is None:
            return ()
        outputs, held.closed = held.closed, []
        rows = 0
        for key, counted in held.graphs.items():
            if counted.latest is not None:
                graph = counted.tally.graph()
                outputs.append(_record(graph, key, counted.latest))
                counted.latest = None
                rows += len(graph.nodes) + len(graph.edges) + sum(len(one.next) for one in graph.contexts)
        held.quiet_until = self.clock() + min(_LONGEST_S, rows * _ROW_BYTES / _BYTES_A_SECOND)
        return tuple(outputs)

    def forget(self, partition: int) -> None:
        """Let go of a partition that was taken away; it is read back when it comes again."""
        self._partitions.pop(partition, None)

    async def _count(self, path: FlowPath, inbound: Inbound) -> None:
        partition, envelope = inbound.position.partition, inbound.message.envelope
        key = f"{inbound.tenant_id}:{path.scenario}:{partition}"
        held = self._partitions.setdefault(partition, _Held())
        if held.graphs is None:
            known = await self.snapshots(partition)
            held.graphs = {name: _Counted(Tally(graph, self.half_life_days)) for name, graph in known.items()}
        if (counted := held.graphs.get(key)) is None:
            graph = empty(inbound.tenant_id, path.scenario, partition)
            counted = held.graphs[key] = _Counted(Tally(graph, self.half_life_days))
        if not counted.tally.is_new(path, inbound.position.offset):
            return
        if (version := self._closed(counted.tally, envelope)) is not None:
            held.closed.append(_record(version, f"{key}:{self._slot(version)}", envelope))
        counted.tally.add(path, inbound.position.offset, envelope.time)
        counted.latest = envelope

    def _closed(self, tally: Tally, envelope: Envelope) -> FlowGraph | None:
        """The version that ends where a path of this event comes, if one does."""
        if not self.version_every_s or tally.as_of is None:
            return None
        period = period_of(tally.as_of, self.version_every_s)
        if period >= period_of(envelope.time, self.version_every_s):
            return None
        began = {"period": start_of(period, self.version_every_s), "period_s": self.version_every_s}
        return tally.graph().model_copy(update=began)

    def _slot(self, version: FlowGraph) -> int:
        assert version.period is not None
        return period_of(version.period, self.version_every_s) % VERSIONS


def _record(graph: FlowGraph, key: str, latest: Envelope) -> Outbound:
    """The record of a graph; its time is the latest of its paths."""
    period = () if graph.period is None else (graph.period.isoformat(),)
    return Outbound(
        GRAPH,
        message(
            graph,
            id=stable_id("flow.graph", graph.tenant_id, graph.scenario, graph.partition, graph.applied_offset, *period),
            source=SOURCE,
            time=graph.as_of or latest.time,
            subject=graph.scenario,
            tenant_id=graph.tenant_id,
            key=key,
            traceparent=latest.traceparent,
        ),
        partition=graph.partition,
    )
