"""Which edges of a drawing lead back, and in which layer each box stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

Edge = tuple[int, int]


def turned_round(count: int, edges: Sequence[Edge], *, start: int, end: int, firm: int) -> set[int]:
    """The numbers of the edges that lead back, so that without them, or with them turned round, there is no cycle.

    Of the first ``firm`` edges they are those that close a cycle; the others follow the layers that these make.
    """
    turned = {at for at, (source, target) in enumerate(edges) if target == start or source == end}
    turned |= _closing_cycles(count, led_right(edges[:firm], turned), start)
    rough = layers(count, led_right(edges[:firm], turned), start=start, end=end)
    rest = enumerate(edges[firm:], firm)
    return turned | {at for at, (one, other) in rest if (rough[one], one) > (rough[other], other)}


def led_right(edges: Sequence[Edge], turned: Collection[int]) -> list[Edge]:
    """The edges as they are laid out, those that lead back turned round."""
    return [(target, source) if at in turned else (source, target) for at, (source, target) in enumerate(edges)]


def _closing_cycles(count: int, edges: Sequence[Edge], start: int) -> set[int]:
    """The edges that lead back to a box on the way to them, in a search that takes the heaviest first."""
    onward: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for at, (source, target) in enumerate(edges):
        onward[source].append((at, target))
    found: set[int] = set()
    state = [0] * count  # 1: on the way, 2: done
    for root in (start, *range(count)):
        if state[root]:
            continue
        state[root] = 1
        stack = [(root, iter(onward[root]))]
        while stack:
            box, rest = stack[-1]
            for at, target in rest:
                if state[target] == 1:
                    found.add(at)
                elif not state[target]:
                    state[target] = 1
                    stack.append((target, iter(onward[target])))
                    break
            else:
                state[box] = 2
                stack.pop()
    return found


def layers(count: int, forward: Iterable[Edge], *, start: int, end: int) -> list[int]:
    """The longest way from the start; what cannot be reached from it stands right after it."""
    onward: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for source, target in forward:
        onward[source].append(target)
        waiting[target] += 1
    layer = [0 if box == start else 1 for box in range(count)]
    todo = [box for box in range(count) if not waiting[box]]
    while todo:
        box = todo.pop()
        for target in onward[box]:
            layer[target] = max(layer[target], layer[box] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                todo.append(target)
    layer[end] = max([layer[end], *(one + 1 for box, one in enumerate(layer) if box != end)])
    return layer
