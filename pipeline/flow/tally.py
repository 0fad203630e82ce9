"""The graph while it is being counted: a path is added in O(its steps), and its value is taken at the edge."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

from pipeline.flow.counts import Counts
from pipeline.flow.decay import MOST_HALVINGS, growth, halvings
from pipeline.flow.graph import END, START
from pipeline.flow.noted import Ended
from schemas.call import OutcomeResult
from schemas.flow import FlowGraph, FlowPath

RECENT_CALLS: Final = 1_000
"""How many calls a graph remembers; as many as the default window of a worker, which is what a kill can repeat."""
SAMPLE: Final = 100
"""Paths that a graph keeps whole, to fit by: what was fitted to 60, 100 or all of some 180 dialogues did as well on
held-out ones.
"""
LONGEST_SAMPLE: Final = 100
"""Steps of the longest path in the sample: bounds the record."""


class Tally:
    """The counts of one tenant's scenario in one partition.

    Args:
        graph: where to go on from.
        half_life_days: days after which a path weighs half.
    """

    def __init__(self, graph: FlowGraph, half_life_days: float) -> None:
        self._began = graph
        self._half_life = half_life_days
        self._counts = Counts()
        self._counts.take(graph)
        self._recent = dict.fromkeys(graph.recent_calls)
        labels = [node.label for node in graph.nodes]
        sample = (tuple(labels[place] for place in path) for path in graph.sample)
        self._sample: deque[tuple[str, ...]] = deque(sample, maxlen=SAMPLE)
        self._landmark = graph.as_of
        self.paths = graph.paths
        self.applied_offset = graph.applied_offset
        self.as_of = graph.as_of

    def is_new(self, path: FlowPath, offset: int) -> bool:
        """Whether this path is still to be counted.

        It is not when its offset has been applied (the event was delivered again), when its call is among the recent
        ones (the event was published again, as after a kill of the flow stage), or when it is a later revision: a graph
        of counts cannot take the first reading of a call back out, so the first one stays. Two limits follow: a first
        revision published again after 1,000 other calls of the same graph is counted twice, and a call of which only a
        later revision ever came is not counted.
        """
        if self.paths and offset <= self.applied_offset:
            return False
        return path.revision == 1 and _digest(path.call_id) not in self._recent

    def add(self, path: FlowPath, offset: int, at: datetime) -> None:
        """Count a path that is new; ``at`` is its event's time."""
        labels = [step.label for step in path.steps]
        times = [step.at_ms for step in path.steps]
        end_ms = max(path.duration_ms, times[-1]) if times else path.duration_ms
        ended = Ended(self._weight(at), path.result is OutcomeResult.WON, path.result is OutcomeResult.LOST)
        self._counts.add((START, *labels, END), (0, *times, end_ms), ended)
        self._recent[_digest(path.call_id)] = None
        if len(self._recent) > RECENT_CALLS:
            del self._recent[next(iter(self._recent))]
        if len(labels) <= LONGEST_SAMPLE:
            self._sample.append(tuple(labels))
        self.applied_offset = max(offset, self.applied_offset)
        self.paths += 1

    def graph(self) -> FlowGraph:
        """The graph as it stands; weights are brought to its time and the lightest let go of, here as there."""
        if self.as_of is not None:
            assert self._landmark is not None
            self._counts.scale(1 / growth(self._landmark, self.as_of, self._half_life))
            self._landmark = self.as_of
        nodes, edges, contexts, earlier = self._counts.written()
        number = self._counts.number
        return FlowGraph(
            tenant_id=self._began.tenant_id,
            scenario=self._began.scenario,
            partition=self._began.partition,
            applied_offset=self.applied_offset,
            paths=self.paths,
            nodes=nodes,
            edges=edges,
            recent_calls=tuple(self._recent),
            half_life_days=self._half_life,
            as_of=self.as_of,
            contexts=contexts,
            earlier=earlier,
            sample=tuple(tuple(number(label) for label in labels) for labels in self._sample),
        )

    def _weight(self, at: datetime) -> float:
        """What a path of this time is to be added as."""
        if self._landmark is None or self.as_of is None:
            self._landmark = self.as_of = at
        if halvings(self._landmark, at, self._half_life) > MOST_HALVINGS:
            self._counts.scale(1 / growth(self._landmark, at, self._half_life))
            self._landmark = at
        self.as_of = max(at, self.as_of)
        return growth(self._landmark, at, self._half_life)


def period_of(at: datetime, every_s: int) -> int:
    """The number of the period of so many seconds that a time lies in, from 1970 on."""
    return int(at.timestamp() // every_s)


def start_of(period: int, every_s: int) -> datetime:
    """When a period began."""
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=period * every_s)


def _digest(call_id: str) -> str:
    """48 bits: among 1,000 calls one in 280 thousand million new ones is taken for an old one."""
    return blake2b(call_id.encode(), digest_size=6).hexdigest()
