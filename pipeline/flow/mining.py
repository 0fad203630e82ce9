"""The flow of many conversations: its steps and edges with counts, times and outcomes, and which edges stay."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

from pipeline.flow.filtering import Edge, dependency, filtered, places
from pipeline.flow.graph import END, START
from pipeline.questions.differences.statistics import wilson


@dataclass(frozen=True, slots=True)
class Walk:
    """The way of one conversation: its labels, and where they are known the times of each and of the whole in ms.

    ``result`` is how it ended: won, lost or open.
    """

    labels: tuple[str, ...]
    at_ms: tuple[int, ...] | None = None
    duration_ms: int | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How conversations ended that passed somewhere.

    Args:
        won: how many were won.
        lost: how many were lost.
        rate: the share that was won, of those won or lost; None of none.
        low: where its interval of 95 % begins.
        high: where it ends.
    """

    won: int
    lost: int
    rate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class MinedStep:
    """A label, or one of the marks ``(start)`` and ``(end)``.

    Args:
        label: its name.
        count: how often it was come to; said again at once it is the same time.
        calls: the conversations that passed it.
        share: their share of all.
        again: of those, the ones that came back to it.
        repeats: how often it was said again at once.
        closes: whether it ends conversations; then it is part of ``(end)`` and has no edges.
        ended: how those conversations ended.
    """

    label: str
    count: int
    calls: int
    share: float
    again: int
    repeats: int
    closes: bool
    ended: Ended


@dataclass(frozen=True, slots=True)
class MinedEdge:
    """One step right after another.

    Args:
        source: the first.
        target: the second.
        count: how often.
        calls: in how many conversations.
        probability: the share of what followed the first.
        dependency: -1 to 1: how surely the second follows the first (``pipeline.flow.filtering``).
        median_ms: from the start of the first to the start of the second, where times are known.
        kept: whether it is part of the flow; what is not is noise, or the flow with steps left out.
        ended: how those conversations ended.
    """

    source: str
    target: str
    count: int
    calls: int
    probability: float
    dependency: float
    median_ms: int | None
    kept: bool
    ended: Ended


@dataclass(frozen=True, slots=True)
class MinedFlow:
    """The flow of so many conversations; steps and edges by how often they were taken."""

    calls: int
    closing: tuple[str, ...]
    steps: tuple[MinedStep, ...]
    edges: tuple[MinedEdge, ...]

    def document(self) -> dict[str, Any]:
        """As JSON has it: ``nodes`` and ``edges`` with ``from`` and ``to``."""
        return {
            "calls": self.calls,
            "closing": list(self.closing),
            "nodes": [{"label": one.label, **_figures(one, ("label",))} for one in self.steps],
            "edges": [
                {"from": one.source, "to": one.target, **_figures(one, ("source", "target"))} for one in self.edges
            ],
        }


def _figures(one: MinedStep | MinedEdge, without: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name not in without}


@dataclass(slots=True)
class _Passed:
    """What passed a step or an edge, while it is being counted."""

    count: int = 0
    calls: int = 0
    again: int = 0
    repeats: int = 0
    results: Counter[str | None] = field(default_factory=Counter)
    times: list[int] = field(default_factory=list)

    def ended(self) -> Ended:
        won, lost = self.results["won"], self.results["lost"]
        if not won + lost:
            return Ended(won, lost, None, None, None)
        low, high = wilson(won, won + lost)
        return Ended(won, lost, won / (won + lost), low, high)


def mined(walks: Iterable[Walk]) -> MinedFlow:
    """The flow of these conversations; the order in which they come does not matter."""
    given = list(walks)
    flow = filtered(walk.labels for walk in given)
    steps: defaultdict[str, _Passed] = defaultdict(_Passed)
    edges: defaultdict[Edge, _Passed] = defaultdict(_Passed)
    for walk in given:
        _count_steps(steps, walk)
        _count_edges(edges, walk, flow.closing)
    leaving: Counter[str] = Counter()
    for (source, _), passed in edges.items():
        leaving[source] += passed.count
    return MinedFlow(
        len(given),
        tuple(sorted(flow.closing)),
        tuple(
            MinedStep(
                label=label,
                count=one.count,
                calls=one.calls,
                share=one.calls / len(given),
                again=one.again,
                repeats=one.repeats,
                closes=label in flow.closing,
                ended=one.ended(),
            )
            for label, one in sorted(steps.items(), key=lambda pair: (-pair[1].calls, -pair[1].count, pair[0]))
        ),
        tuple(
            MinedEdge(
                source=ends[0],
                target=ends[1],
                count=one.count,
                calls=one.calls,
                probability=one.count / leaving[ends[0]],
                dependency=dependency(one.count, back.count if (back := edges.get((ends[1], ends[0]))) else 0),
                median_ms=round(median(one.times)) if one.times else None,
                kept=ends in flow.kept,
                ended=one.ended(),
            )
            for ends, one in sorted(edges.items(), key=lambda pair: (-pair[1].count, pair[0]))
        ),
    )


def _count_steps(steps: defaultdict[str, _Passed], walk: Walk) -> None:
    """Closing labels count as steps, although they have no edges."""
    labels = [walk.labels[at] for at in places(walk.labels, ())]
    for label, count in Counter((START, *labels, END)).items():
        passed = steps[label]
        passed.count += count
        passed.calls += 1
        passed.again += count > 1
        passed.results[walk.result] += 1
    for one, following in pairwise(walk.labels):
        if one == following and one in steps:
            steps[one].repeats += 1


def _count_edges(edges: defaultdict[Edge, _Passed], walk: Walk, closing: frozenset[str]) -> None:
    at = places(walk.labels, closing)
    labels = (START, *(walk.labels[one] for one in at), END)
    times: list[int | None] = [None] * len(labels)
    if walk.at_ms is not None:
        times = [0, *(walk.at_ms[one] for one in at), walk.duration_ms]
    taken = list(pairwise(labels))
    for ends, (left, reached) in zip(taken, pairwise(times), strict=True):
        edges[ends].count += 1
        if left is not None and reached is not None:
            edges[ends].times.append(max(0, reached - left))
    for ends in set(taken):
        edges[ends].calls += 1
        edges[ends].results[walk.result] += 1
