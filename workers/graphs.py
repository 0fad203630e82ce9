"""The graphs that live calls are guided by: followed as they are published, by tenant, scenario and version."""

from __future__ import annotations

import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import ValidationError

from pipeline.errors import Poison
from pipeline.flow.guidance import Model
from pipeline.flow.tally import period_of, start_of
from pipeline.stages import GRAPH
from schemas.envelope import EnvelopeError, from_headers
from schemas.flow import FlowGraph, Guidance
from workers.records import Record

log = structlog.get_logger()

MODELS: Final = 64
"""Models that are kept made: of the scenarios that calls go on in, and of a version and the one before."""
REFRESH_S: Final = 10.0
"""Seconds for which the newest counts are gone by, where they are; to make a model of them takes some 0.1 s."""
_LEAST_PATHS: Final = 10
"""Calls in a graph below which it guides nobody."""


@dataclass(frozen=True, slots=True)
class _Graph:
    """A record: a graph as it was at the end of a period or, where nothing has come since, as it still is."""

    offset: int
    began: datetime
    period_s: int
    value: bytes
    is_packed: bool = False

    @property
    def settled_at(self) -> datetime:
        """A whole period after its end, when every partition that has had a call since has closed it, too."""
        return self.began + timedelta(seconds=2 * self.period_s)

    def read(self) -> FlowGraph:
        return FlowGraph.model_validate_json(zlib.decompress(self.value) if self.is_packed else self.value)


@dataclass(slots=True)
class _Partition:
    """What is known of one scenario in one partition: the newest record, and versions by their slots."""

    current: _Graph | None = None
    versions: dict[bytes, _Graph] = field(default_factory=dict)

    def settled(self, at: datetime) -> _Graph | None:
        """The newest graph that was settled by then."""
        known = (*self.versions.values(), *([] if self.current is None else [self.current]))
        return max((one for one in known if one.settled_at <= at), key=_order, default=None)


@dataclass(slots=True)
class _Scenario:
    partitions: dict[int, _Partition] = field(default_factory=dict)
    newest: Model | None = None
    made_at: float = 0.0
    is_stale: bool = True


class Graphs:
    """Guides live calls: a ``Guide``.

    By the newest version that was settled at an event's time, so that a replay guides as the first run did: a version
    is settled a whole period after it ended. As long as there is none, and where there are no versions, by the newest
    counts, which are looked at every ten seconds.

    Args:
        version_every_s: seconds of a version, as the graph stage has it; 0 is by the newest counts alone.
        clock: seconds; for the newest counts alone.
    """

    def __init__(self, version_every_s: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = version_every_s
        self._clock = clock
        self._scenarios: dict[tuple[str, str], _Scenario] = {}
        self._models: OrderedDict[tuple[object, ...], Model | None] = OrderedDict()

    def take_all(self, records: Iterable[Record]) -> None:
        """Take these records."""
        for record in records:
            self.take(record)

    def take(self, record: Record) -> None:
        """Take one record of ``flow.graph``; what cannot be read is told and changes nothing."""
        if record.topic != GRAPH or record.key is None or record.value is None:
            return
        try:
            envelope = from_headers(record.headers)
            scenario = self._scenarios.setdefault((envelope.tenantid, envelope.subject), _Scenario())
            partition = scenario.partitions.setdefault(record.partition, _Partition())
            if record.key == f"{envelope.tenantid}:{envelope.subject}:{record.partition}".encode():
                every_s = self._every_s or 1
                began = start_of(period_of(envelope.time, every_s), every_s)
                partition.current = _Graph(record.offset, began, every_s, record.value)
            else:
                partition.versions[record.key] = _version(record.offset, record.value)
            scenario.is_stale = True
        except (EnvelopeError, ValidationError, Poison) as error:
            log.warning("a graph is not taken up", offset=record.offset, reason=type(error).__name__)

    def __call__(self, tenant_id: str, scenario: str, labels: Sequence[str], at: datetime) -> Guidance | None:
        held = self._scenarios.get((tenant_id, scenario))
        if held is None:
            return None
        known = sorted(held.partitions.items()) if self._every_s else ()
        settled = {number: graph for number, one in known if (graph := one.settled(at)) is not None}
        model = self._of_settled((tenant_id, scenario), settled) if settled else self._of_newest(held)
        return None if model is None or model.paths < _LEAST_PATHS else model.guidance(labels)

    def _of_settled(self, whose: tuple[str, str], settled: Mapping[int, _Graph]) -> Model | None:
        name = (*whose, *((number, graph.offset) for number, graph in settled.items()))
        if name not in self._models:
            began = max(graph.began for graph in settled.values())
            self._models[name] = _model([graph.read() for graph in settled.values()], began.isoformat())
            if len(self._models) > MODELS:
                self._models.popitem(last=False)
        self._models.move_to_end(name)
        return self._models[name]

    def _of_newest(self, held: _Scenario) -> Model | None:
        if held.is_stale and (held.newest is None or self._clock() - held.made_at >= REFRESH_S):
            current = (one.current for _, one in sorted(held.partitions.items()) if one.current is not None)
            held.newest = _model([graph.read() for graph in current], "current")
            held.made_at, held.is_stale = self._clock(), False
        return held.newest


def _model(graphs: Sequence[FlowGraph], name: str) -> Model | None:
    """The model of these; graphs of before there were contexts guide nobody."""
    told = [graph for graph in graphs if graph.contexts]
    return Model(told, name) if told else None


def _version(offset: int, value: bytes) -> _Graph:
    graph = FlowGraph.model_validate_json(value)
    if graph.period is None or graph.period_s is None:
        raise Poison("a version of a graph does not say of when it is")
    return _Graph(offset, graph.period, graph.period_s, zlib.compress(value, 1), is_packed=True)


def _order(graph: _Graph) -> tuple[datetime, int]:
    return graph.began, graph.offset
