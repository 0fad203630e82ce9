"""What paths add up to: steps, what followed what, and what followed what steps before; bounded, and in any unit.

Paths are noted as they come and counted a thousand at a time, with numpy: each step of a path adds to some twenty sums,
which would be as many entries of dictionaries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from pipeline.flow.noted import Ended, Noted
from pipeline.flow.table import LAST, MOST_LABELS, Table, code_of, lighten, numbers_of
from schemas.flow import FlowEdge, FlowGraph, FlowNode, Followed

LONGEST: Final = 3
"""Steps of the longest context: one more says next to nothing of dialogues of some ten steps."""
MOST_LONG: Final = 4_000
"""Entries of contexts of two and three steps that a graph keeps, some 40 bytes each in its record."""
MOST_EARLIER: Final = 4_000
"""Entries of what came next in calls with a step before; of 60 labels all that there can be."""
LEFT: Final = 0.75
"""Of the most that may be kept, what is left when there were more: what is new gets room to become heavier before the
lightest go the next time (as Manku and Motwani, "Approximate frequency counts over data streams", VLDB 2002).
"""
_ROOM: Final = 4
"""Times as many entries may there be between two graphs that are taken."""
_DIGITS: Final = 4
"""Places behind the point that a weight keeps."""
_AT_ONCE: Final = 32_768
"""Steps that are noted until they are counted."""


class Counts:
    """Counts and weights by label; weights are in a unit that the caller decides.

    ``nodes`` and ``edges`` have the sums of ``FlowNode`` and ``FlowEdge``; ``after[k]`` what followed ``k + 1``
    steps in a row, and ``earlier`` what came next when a step had come before.
    """

    def __init__(self) -> None:
        self.labels: list[str] = []
        self._numbers: dict[str, int] = {}
        self._nodes, self._edges = Table(6), Table(4)
        self._after = [Table(3) for _ in range(LONGEST)]
        self._earlier = Table(1)
        self._noted = Noted()

    @property
    def nodes(self) -> Table:
        self._settle()
        return self._nodes

    @property
    def after(self) -> Sequence[Table]:
        self._settle()
        return self._after

    @property
    def earlier(self) -> Table:
        self._settle()
        return self._earlier

    def number(self, label: str) -> int:
        """The number of a label; a new one gets the next.

        Raises:
            ValueError: there are more than 32,768.
        """
        if (number := self._numbers.get(label)) is None:
            if (number := len(self.labels)) == MOST_LABELS:
                msg = f"more than {MOST_LABELS} labels in one graph"
                raise ValueError(msg)
            self._numbers[label] = number
            self.labels.append(label)
        return number

    def add(self, walk: Sequence[str], times: Sequence[int], ended: Ended) -> None:
        """Count a path from start to end; ``times`` of its steps in ms."""
        number = self.number
        self._noted.note([number(label) for label in walk], times, ended)
        if len(self._noted.steps) > _AT_ONCE:
            self._settle()

    def take(self, graph: FlowGraph, factor: float = 1.0) -> None:
        """Add what a graph says, its weights times ``factor``."""
        numbers = [self.number(node.label) for node in graph.nodes]
        nodes = [(one.count, one.calls, one.won, one.lost, one.repeated, one.later) for one in graph.nodes]
        self._nodes.add(np.array(numbers, np.int64), np.array(nodes, np.float64).reshape(-1, 6))
        ends = [code_of((self._numbers[one.source], self._numbers[one.target])) for one in graph.edges]
        edges = [(one.count, one.total_ms, one.won, one.lost) for one in graph.edges]
        self._edges.add(np.array(ends, np.int64), np.array(edges, np.float64).reshape(-1, 4))
        for length, table in enumerate(self._after, 1):
            _take(table, [one for one in graph.contexts if len(one.steps) == length], numbers, factor)
        _take(self._earlier, graph.earlier, numbers, factor)

    def scale(self, factor: float) -> None:
        """Bring weights to another unit, number labels in their order, and let go of the lightest weights."""
        order = sorted(self.labels)
        places = {label: place for place, label in enumerate(order)}
        numbers = np.array([places[label] for label in self.labels], np.int64)
        self._settle()
        for length, table in enumerate((self._nodes, self._edges, *self._after[1:]), 1):
            table.renumber(numbers, length)
        for table in (self._after[0], self._earlier):
            table.renumber(numbers, 2)
        for table in (*self._after, self._earlier):
            table.scale(factor, _DIGITS)
        self._lighten(1)
        self.labels, self._numbers = order, places

    def written(self) -> tuple[tuple[FlowNode, ...], tuple[FlowEdge, ...], tuple[Followed, ...], tuple[Followed, ...]]:
        """Nodes, edges, contexts and what came earlier, as a record has them; labels by their numbers."""
        self._settle()
        nodes = zip(self._nodes.codes.tolist(), self._nodes.sums.astype(np.int64).tolist(), strict=True)
        edges = zip(self._edges.codes.tolist(), self._edges.sums.astype(np.int64).tolist(), strict=True)
        weights = dict(zip(self._after[0].codes.tolist(), self._after[0].sums[:, 0].tolist(), strict=True))
        contexts = [one for length, table in enumerate(self._after, 1) for one in _written(table, length)]
        return (
            tuple(_node(self.labels[number], sums) for number, sums in nodes),
            tuple(self._edge(code, sums, weights.get(code, 0.0)) for code, sums in edges),
            tuple(contexts),
            tuple(_written(self._earlier, 1)),
        )

    def _edge(self, code: int, sums: Sequence[int], weight: float) -> FlowEdge:
        source, target = (self.labels[number] for number in numbers_of(code, 2))
        count, total_ms, won, lost = sums
        return FlowEdge(source=source, target=target, count=count, total_ms=total_ms, won=won, lost=lost, weight=weight)

    def _settle(self) -> None:
        if not self._noted.steps:
            return
        paths, self._noted = self._noted.read(), Noted()
        self._nodes.add(*paths.nodes())
        self._edges.add(*paths.edges())
        for length, table in enumerate(self._after, 2):
            table.add(*paths.after(length))
        self._earlier.add(*paths.earlier())
        self._lighten(_ROOM)

    def _lighten(self, times: int) -> None:
        lighten(self._after[1:], times * MOST_LONG, LEFT)
        lighten([self._earlier], times * MOST_EARLIER, LEFT)


def _take(table: Table, rows: Sequence[Followed], numbers: Sequence[int], factor: float) -> None:
    codes = [code_of([numbers[place] for place in (*one.steps, last)]) for one in rows for last in one.next]
    sums = [part for one in rows for part in zip(one.weight, one.won, one.lost, strict=True)]
    added = np.array(sums, np.float64).reshape(-1, 3)[:, : table.width] * factor
    table.add(np.array(codes, np.int64), added)


def _written(table: Table, length: int) -> Iterator[Followed]:
    last: list[int] = (table.codes & LAST).tolist()
    weight, won, lost = (table.sums[:, min(at, table.width - 1)] * (at < table.width) for at in range(3))
    for context, where in table.rows():
        yield Followed(
            steps=numbers_of(context, length),
            next=tuple(last[where]),
            weight=tuple(weight[where].tolist()),
            won=tuple(won[where].tolist()),
            lost=tuple(lost[where].tolist()),
        )


def _node(label: str, sums: Sequence[int]) -> FlowNode:
    count, calls, won, lost, repeated, later = sums
    return FlowNode(label=label, count=count, calls=calls, won=won, lost=lost, repeated=repeated, later=later)
