"""Values of parameters as test inputs: every combination of them, or a sample in which every value occurs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from random import Random

Value = str | int | float | bool
Values = Mapping[str, Sequence[Value]]
"""Of each parameter the values that it takes, at least one."""


def each_once(values: Sequence[Value]) -> tuple[Value, ...]:
    """The values without repetitions, in order; ``1``, ``1.0`` and ``True`` are three."""
    return tuple({(type(value), value): value for value in values}.values())


def size(values: Values) -> int:
    """How many combinations there are."""
    return prod(len(given) for given in values.values())


def expanded(values: Values, *, limit: int | None = None, seed: int = 1) -> Iterator[Mapping[str, Value]]:
    """The combinations in a stable order: the last parameter changes with each, the first one slowest.

    Args:
        values: each value once.
        limit: draw so many at most; every value is in one of them where the limit is no less than the number of values
            of any parameter, else as many of them as can be.
        seed: the same one draws the same.
    """
    total = size(values)
    if limit is None or limit >= total:
        numbers: Sequence[int] = range(total)
    else:
        numbers = _drawn(values, limit, Random(seed))  # noqa: S311 - a sample to look at, no secret
    return (_combination(values, number) for number in numbers)


def left_out(values: Values, rows: Sequence[Mapping[str, Value]]) -> Mapping[str, Sequence[Value]]:
    """Of each parameter the values that stand in none of these combinations; empty where none is left out."""
    used = {name: {(type(row[name]), row[name]) for row in rows} for name in values}
    missing = {name: [one for one in given if (type(one), one) not in used[name]] for name, given in values.items()}
    return {name: given for name, given in missing.items() if given}


def _drawn(values: Values, limit: int, rng: Random) -> list[int]:
    """The numbers of some combinations, sorted: first those that show every value, then any others."""
    drawn = set(_covering(values, rng)[:limit])
    total = size(values)
    while len(drawn) < limit:
        drawn.add(rng.randrange(total))
    return sorted(drawn)


def _covering(values: Values, rng: Random) -> list[int]:
    """As few combinations as the longest list of values has; the first N of them show N values of it."""
    orders = {name: rng.sample(range(len(given)), len(given)) for name, given in values.items()}
    longest = max((len(order) for order in orders.values()), default=0)
    return [
        _number(values, {name: order[row % len(order)] for name, order in orders.items()}) for row in range(longest)
    ]


def _number(values: Values, places: Mapping[str, int]) -> int:
    number = 0
    for name, given in values.items():
        number = number * len(given) + places[name]
    return number


def _combination(values: Values, number: int) -> Mapping[str, Value]:
    """The combination of a number, as a number of mixed radix is read."""
    found: dict[str, Value] = {}
    for name, given in reversed(list(values.items())):
        number, place = divmod(number, len(given))
        found[name] = given[place]
    return {name: found[name] for name in values}
