"""Where the boxes of a flow stand: a layered drawing from left to right.

The four steps of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures", IEEE
Transactions on Systems, Man, and Cybernetics 11 (1981): edges that close a cycle are turned round, each box gets the
layer of its longest way from the start, long edges get a place in each layer that they pass, the order within layers is
that of barycentres, swept forth and back. Heights are then the isotonic regression (pool adjacent violators) of where
the neighbours stand, which moves the boxes of a layer the least that keeps them apart and in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from pipeline.flow.drawing_directions import Edge, layers, led_right, turned_round

_SWEEPS: Final = 12
_ALIGNINGS: Final = 8
_WORK: Final = 40_000
"""Places that are looked at in all sweeps together: some 0.2 s, and as much again to align them."""
_PASSING: Final = 14.0
"""Pixels that an edge takes in a layer that it only passes."""
_APART: Final = 22.0
"""Pixels between two boxes of a layer."""
_GAP: Final = 96.0
"""Pixels between two layers: room for an edge's figure."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The middle of each box, for each edge the points that it goes through from source to target, and the whole size.

    All are pixels from the upper left. Edges in ``turned`` lead back.
    """

    middles: tuple[tuple[float, float], ...]
    routes: tuple[tuple[tuple[float, float], ...], ...]
    turned: frozenset[int]
    width: float
    height: float


def laid_out(
    sizes: Sequence[tuple[float, float]], edges: Sequence[Edge], *, start: int, end: int, firm: int | None = None
) -> Layout:
    """Where boxes stand and edges go.

    Args:
        sizes: width and height of each box.
        edges: each between two different boxes, the heaviest first.
        start: the box that stands leftmost.
        end: the box that stands rightmost.
        firm: how many of the edges, from the first on, say which way the flow goes; all where it is not given.
    """
    turned = turned_round(len(sizes), edges, start=start, end=end, firm=len(edges) if firm is None else firm)
    forward = led_right(edges, turned)
    layer_of = layers(len(sizes), forward, start=start, end=end)
    grid = _Grid.of(layer_of, forward)
    grid.order()
    heights = [size[1] for size in sizes] + [_PASSING] * (len(grid.layer_of) - len(sizes))
    ys = grid.heights(heights)
    columns = _columns(sizes, grid)
    top = min((y - heights[at] / 2 for at, y in enumerate(ys)), default=0.0)
    ys = [y - top for y in ys]
    routes = [_route(way, grid, columns, ys) for way in grid.ways]
    return Layout(
        tuple((sum(columns[layer_of[at]]) / 2, ys[at]) for at in range(len(sizes))),
        tuple(tuple(reversed(route)) if at in turned else tuple(route) for at, route in enumerate(routes)),
        frozenset(turned),
        columns[-1][1],
        max((y + heights[at] / 2 for at, y in enumerate(ys)), default=0.0),
    )


@dataclass(slots=True)
class _Grid:
    """Boxes, and after them the places of edges that pass a layer; ``ways`` has the places of each edge."""

    layer_of: list[int]
    ways: list[list[int]]
    before: list[list[int]]
    after: list[list[int]]
    layers: list[list[int]] = field(default_factory=list)

    @classmethod
    def of(cls, layer_of: Sequence[int], forward: Iterable[Edge]) -> _Grid:
        """With a place in each layer between the two ends of an edge."""
        places, ways = list(layer_of), []
        for source, target in forward:
            passed = range(places[source] + 1, places[target])
            ways.append([source, *range(len(places), len(places) + len(passed)), target])
            places += passed
        before: list[list[int]] = [[] for _ in places]
        after: list[list[int]] = [[] for _ in places]
        layers: list[list[int]] = [[] for _ in range(max(places, default=0) + 1)]
        for way in ways:
            for left, right in pairwise(way):
                after[left].append(right)
                before[right].append(left)
        for at, layer in enumerate(places):
            layers[layer].append(at)
        return cls(places, ways, before, after, layers)

    def order(self) -> None:
        """By the barycentres of the layer before, then of the layer after, and so on; the best order seen is kept."""
        best, least = [list(layer) for layer in self.layers], self._crossings()
        place = [0.5] * len(self.layer_of)
        for layer in self.layers:
            _place(layer, place)
        for sweep in range(min(_SWEEPS, _WORK // len(self.layer_of))):
            forth = sweep % 2 == 0
            neighbours = self.before if forth else self.after
            for layer in self.layers if forth else reversed(self.layers):
                keys = {at: (_mean([place[one] for one in neighbours[at]], place[at]), place[at]) for at in layer}
                layer.sort(key=keys.__getitem__)
                _place(layer, place)
            crossings = self._crossings()
            if crossings < least:
                best, least = [list(layer) for layer in self.layers], crossings
            if not least:
                break
        self.layers = best

    def _crossings(self) -> int:
        """How often lines between neighbouring layers cross: inversions, counted with a binary indexed tree."""
        return sum(self._crossed(left, right) for left, right in pairwise(self.layers))

    def _crossed(self, left: list[int], right: list[int]) -> int:
        place = {at: number for number, at in enumerate(right)}
        tree, seen, found = [0] * (len(right) + 1), 0, 0
        for at in left:
            targets = [place[one] for one in self.after[at]]
            for target in targets:
                at_most, index = 0, target + 1
                while index:
                    at_most += tree[index]
                    index &= index - 1
                found += seen - at_most
            for target in targets:
                index = target + 1
                while index < len(tree):
                    tree[index] += 1
                    index += index & -index
                seen += 1
        return found

    def heights(self, sizes: Sequence[float]) -> list[float]:
        """The middle of each place, pixels from some line."""
        ys = [0.0] * len(self.layer_of)
        for layer in self.layers:
            offsets = _offsets(layer, sizes)
            for at, offset in zip(layer, offsets, strict=True):
                ys[at] = offset - offsets[-1] / 2
        turns = max(2, min(_ALIGNINGS, _WORK // len(self.layer_of)))
        for turn in range(turns):
            forth = turn % 2 == 0
            for layer in self.layers if forth else reversed(self.layers):
                wanted = [_wanted(self, at, ys, both=turn >= turns - 2, forth=forth) for at in layer]
                offsets = _offsets(layer, sizes)
                fitted = _isotonic([want - offset for want, offset in zip(wanted, offsets, strict=True)])
                for at, fit, offset in zip(layer, fitted, offsets, strict=True):
                    ys[at] = fit + offset
        return ys


def _place(layer: Sequence[int], place: list[float]) -> None:
    """Where each stands in its layer, 0 to 1."""
    for number, at in enumerate(layer):
        place[at] = number / (len(layer) - 1) if len(layer) > 1 else 0.5


def _wanted(grid: _Grid, at: int, ys: Sequence[float], *, both: bool, forth: bool) -> float:
    near = [*(grid.before[at] if both or forth else ()), *(grid.after[at] if both or not forth else ())]
    return _mean([ys[one] for one in near], ys[at])


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _offsets(layer: Sequence[int], sizes: Sequence[float]) -> list[float]:
    """How far each stands below the first when all stand as close as they may."""
    found = [0.0]
    for above, below in pairwise(layer):
        found.append(found[-1] + (sizes[above] + sizes[below]) / 2 + _APART)
    return found[: len(layer)]


def _isotonic(wanted: Sequence[float]) -> list[float]:
    """The rising values nearest to these (Barlow and others, "Statistical inference under order restrictions")."""
    blocks: list[tuple[float, int]] = []
    for value in wanted:
        mean, size = value, 1
        while blocks and blocks[-1][0] > mean:
            above, count = blocks.pop()
            mean, size = (mean * size + above * count) / (size + count), size + count
        blocks.append((mean, size))
    return [mean for mean, size in blocks for _ in range(size)]


def _columns(sizes: Sequence[tuple[float, float]], grid: _Grid) -> list[tuple[float, float]]:
    """From where to where each layer is, by its widest box."""
    found, x = [], 0.0
    for layer in grid.layers:
        width = max((sizes[at][0] for at in layer if at < len(sizes)), default=0.0)
        found.append((x, x + width))
        x += width + _GAP
    return found


def _route(
    way: Sequence[int], grid: _Grid, columns: Sequence[tuple[float, float]], ys: Sequence[float]
) -> list[tuple[float, float]]:
    """From one middle to the other, straight through the layers between, so that it meets no box there."""
    first, *passed, last = way
    through = [(x, ys[at]) for at in passed for x in columns[grid.layer_of[at]]]
    ends = [(sum(columns[grid.layer_of[at]]) / 2, ys[at]) for at in (first, last)]
    return [ends[0], *through, ends[1]]
