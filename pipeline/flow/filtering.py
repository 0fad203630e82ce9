"""Which edges of the steps that followed each other make up the flow, and which are noise.

The rules, in their order:

1. A step said again at once is one step. A label that closes conversations is part of the end mark.
2. Counts of direct successions are those of the Heuristics Miner, with its dependency measure: (|ab| - |ba|) /
   (|ab| + |ba| + 1) says whether b follows a or they only stand beside each other. Sources: Weijters and van der Aalst,
   "Rediscovering workflow models from event-based data using Little Thumb", Integrated Computer-Aided Engineering 10
   (2003); Weijters, van der Aalst and Alves de Medeiros, "Process mining with the HeuristicsMiner algorithm" (2006).
3. An edge a → b is a candidate when it depends (> 0), when in most conversations that have both a first comes before
   b, and when it is at least a tenth of what leaves a and of what reaches b.
4. Of the candidates the strongest from each step and the strongest to each step stay (best successor and best
   predecessor of Little Thumb). Strength is |ab| times the share in which a comes first.
5. An edge that leads where a longer way leads, too, is that way with steps left out, and falls, weakest first, unless
   the longer way is much rarer. That is transitive reduction (Aho, Garey and Ullman, SIAM Journal on Computing 1,
   1972), here of a graph that may have cycles.
6. Conversations that mostly go along the edges that stayed say more about the flow than those that wander. So counting
   and 2 to 5 are done twice more, each conversation weighted by the square of the share of its steps that were along
   those edges, as iteratively reweighted estimates do with points far from the line (Holland and Welsch, Communications
   in Statistics A6, 1977).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

from pipeline.flow.graph import END, START

Labels = tuple[str, ...]
Edge = tuple[str, str]

_MARKS: Final = frozenset({START, END})
_TENTH: Final = 0.1
"""Share of what leaves and of what reaches a step, below which an edge is noise. It was fitted: of 0.05, 0.075, 0.1,
0.125, 0.15 and 0.2 it is the best on any five of the six STAR tasks.
"""
_QUARTER: Final = 0.25
"""How strong each edge of a longer way must be, beside the one that shortens it: what most calls do is no shortcut of
what few do. From 0 to 0.25 all is the same on the STAR tasks; at 0.33 one edge more stays.
"""
_CLOSES: Final = 0.8
"""Share of a label's places that are the last of their conversation, from which on it closes."""
_CLOSES_OFTEN: Final = 0.1
"""Share of the conversations that a closing label must be in; a rarer one can be last by chance."""
_FROM_ANYWHERE: Final = 0.5
"""Share of a closing label's places that any one step may lead to."""
_ROUNDS: Final = 2
"""How often counts are weighted anew; on the STAR tasks a third round changed nothing."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """The labels that close conversations, and the edges that make up the flow of the rest, with START and END."""

    closing: frozenset[str]
    kept: frozenset[Edge]


def filtered(paths: Iterable[Sequence[str]]) -> Filtered:
    """The flow of these conversations; the order in which they come does not matter."""
    given = list(paths)
    closing = closing_labels(given)
    ways = Counter(tuple(path[at] for at in places(path, closing)) for path in given)
    return Filtered(closing, _flow(ways))


def places(path: Sequence[str], closing: Collection[str]) -> list[int]:
    """Where the steps of a path stand that count: rule 1. A label that is named as a mark is none."""
    found: list[int] = []
    for at, label in enumerate(path):
        if label not in closing and label not in _MARKS and (not found or path[found[-1]] != label):
            found.append(at)
    return found


def closing_labels(paths: Iterable[Sequence[str]]) -> frozenset[str]:
    """The labels that are nearly always the last of a conversation and are reached from anywhere, as a goodbye is.

    One that is mostly reached from one step is the last step of a way.
    """
    merged = [[path[at] for at in places(path, ())] for path in paths]
    said = Counter(label for path in merged for label in path)
    last = Counter(path[-1] for path in merged if path)
    held = Counter(label for path in merged for label in set(path))
    reached: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for path in merged:
        for source, target in pairwise((START, *path)):
            reached[target][source] += 1
    return frozenset(
        label
        for label in last
        if last[label] >= _CLOSES * said[label]
        and held[label] >= _CLOSES_OFTEN * len(merged)
        and max(reached[label].values()) < _FROM_ANYWHERE * said[label]
    )


def dependency(forth: float, back: float) -> float:
    """Weijters and van der Aalst's measure of how surely one step follows another, -1 to 1."""
    return (forth - back) / (forth + back + 1)


def _flow(variants: Mapping[Labels, int]) -> frozenset[Edge]:
    """The edges that stay, of ways and how many conversations took each."""
    ways = sorted(variants)  # sums of fractions must not depend on the order of rows
    first = _first_before(variants)
    weights = {way: float(variants[way]) for way in ways}
    kept = _chosen(weights, first)
    for _ in range(_ROUNDS):
        weights = {way: variants[way] * _along(way, kept) ** 2 for way in ways}
        kept = _chosen(weights, first)
    return frozenset(kept | _marks({way: float(variants[way]) for way in ways}))


def _first_before(variants: Mapping[Labels, int]) -> Counter[Edge]:
    """In how many conversations the first a comes before the first b."""
    found: Counter[Edge] = Counter()
    for way, calls in variants.items():
        for ends in combinations(dict.fromkeys(way), 2):
            found[ends] += calls
    return found


def _along(way: Labels, kept: Collection[Edge]) -> float:
    """The share of a conversation's steps that are along these edges; a half counts of one that has a single step."""
    steps = list(pairwise(way))
    return (sum(step in kept for step in steps) + 1) / (len(steps) + 1)


@dataclass(frozen=True, slots=True)
class _Followed:
    """Direct successions as they are weighted, and what they add up to at each end."""

    edges: Mapping[Edge, float]
    leaving: Mapping[str, float]
    reaching: Mapping[str, float]

    def is_a_tenth(self, edge: Edge) -> bool:
        count = self.edges[edge]
        return count >= _TENTH * self.leaving[edge[0]] and count >= _TENTH * self.reaching[edge[1]]


def _followed(weights: Mapping[Labels, float]) -> _Followed:
    edges: defaultdict[Edge, float] = defaultdict(float)
    leaving: defaultdict[str, float] = defaultdict(float)
    reaching: defaultdict[str, float] = defaultdict(float)
    for way, weight in weights.items():
        for source, target in pairwise((START, *way, END)):
            edges[source, target] += weight
            leaving[source] += weight
            reaching[target] += weight
    return _Followed(edges, leaving, reaching)


def _chosen(weights: Mapping[Labels, float], first: Mapping[Edge, int]) -> set[Edge]:
    """Rules 2 to 5."""
    followed = _followed(weights)
    strengths: dict[Edge, float] = {}
    for (source, target), count in followed.edges.items():
        if source != START and target != END:
            strengths[source, target] = count * _precedence(first, source, target)
    onward: defaultdict[str, float] = defaultdict(float)
    inward: defaultdict[str, float] = defaultdict(float)
    for (source, target), strength in strengths.items():
        onward[source] = max(onward[source], strength)
        inward[target] = max(inward[target], strength)
    return _reduced(
        {
            (source, target): strength
            for (source, target), strength in strengths.items()
            if strength in {onward[source], inward[target]}
            and followed.is_a_tenth((source, target))
            and dependency(followed.edges[source, target], followed.edges.get((target, source), 0)) > 0
            and _precedence(first, source, target) >= 0.5  # noqa: PLR2004 - as often as not
        }
    )


def _precedence(first: Mapping[Edge, int], source: str, target: str) -> float:
    """The share of conversations with both in which the first source comes first; a half is added to either count.

    Source of the half: Krichevsky and Trofimov, IEEE Transactions on Information Theory 27 (1981).
    """
    before, after = first.get((source, target), 0), first.get((target, source), 0)
    return (before + 0.5) / (before + after + 1)


def _reduced(strengths: Mapping[Edge, float]) -> set[Edge]:
    """Without the edges that only shorten a longer way, looked at from the weakest to the strongest."""
    onward: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for (source, target), strength in strengths.items():
        onward[source][target] = strength
    for source, target in sorted(strengths, key=lambda edge: (strengths[edge], edge)):
        strength = onward[source].pop(target)
        if not _leads(onward, source, target, least=_QUARTER * strength):
            onward[source][target] = strength
    return {(source, target) for source, targets in onward.items() for target in targets}


def _leads(onward: Mapping[str, Mapping[str, float]], source: str, target: str, *, least: float) -> bool:
    """Whether a way of edges of at least this strength leads from one to the other."""
    seen, todo = {source}, [source]
    while todo:
        for label, strength in onward.get(todo.pop(), {}).items():
            if strength < least or label in seen:
                continue
            if label == target:
                return True
            seen.add(label)
            todo.append(label)
    return False


def _marks(weights: Mapping[Labels, float]) -> set[Edge]:
    """Where conversations begin and end: a tenth of either side, and in any case the most usual way in and out."""
    followed = _followed(weights)
    found = set[Edge]()
    for marks in (
        [edge for edge in followed.edges if edge[0] == START],
        [edge for edge in followed.edges if edge[1] == END],
    ):
        if marks:
            usual = max(marks, key=lambda edge: (followed.edges[edge], edge))
            found |= {edge for edge in marks if edge == usual or followed.is_a_tenth(edge)}
    return found
