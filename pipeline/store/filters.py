"""Filters: two of ours into one, and ours into Qdrant's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.ports import Where

if TYPE_CHECKING:
    from qdrant_client import models

Value = str | int | bool | Sequence[str]


def of_tenant(tenant_id: str) -> Where:
    """The points of one tenant; every question is asked inside it."""
    return Where(equal={"tenant_id": tenant_id})


def both(one: Where, other: Where) -> Where:
    """What matches both: values of a field that both name are cut to the common ones, ranges to the narrower."""
    return Where(
        equal=_merged(one.equal, other.equal, _common),
        unequal=_merged(one.unequal, other.unequal, _either),
        at_least={**one.at_least, **{key: max(low, one.at_least.get(key, low)) for key, low in other.at_least.items()}},
        below={**one.below, **{key: min(high, one.below.get(key, high)) for key, high in other.below.items()}},
    )


def to_filter(where: Where, *, without: Sequence[str] = ()) -> models.Filter:
    """Qdrant's filter of a ``Where``, leaving out the points with these ids."""
    from qdrant_client import models

    must_not: list[models.Condition] = [_matches(key, value) for key, value in where.unequal.items()]
    if without:
        must_not.append(models.HasIdCondition(has_id=list(without)))
    return models.Filter(
        must=[*(_matches(key, value) for key, value in where.equal.items()), *_ranges(where)],
        must_not=must_not,
    )


def _matches(key: str, value: Value) -> models.FieldCondition:
    from qdrant_client import models

    match = models.MatchValue(value=value) if isinstance(value, str | int) else models.MatchAny(any=list(value))
    return models.FieldCondition(key=key, match=match)


def _ranges(where: Where) -> Iterator[models.FieldCondition]:
    from qdrant_client import models

    for key in sorted({*where.at_least, *where.below}):
        yield models.FieldCondition(key=key, range=models.Range(gte=where.at_least.get(key), lt=where.below.get(key)))


def _merged(
    one: Mapping[str, Value], other: Mapping[str, Value], join: Callable[[Value, Value], Value]
) -> dict[str, Value]:
    merged = dict(one)
    for key, value in other.items():
        merged[key] = join(merged[key], value) if key in merged and merged[key] != value else value
    return merged


def _common(one: Value, other: Value) -> Value:
    kept = set(_listed(other))
    return [value for value in _listed(one) if value in kept]


def _either(one: Value, other: Value) -> Value:
    return [*_listed(one), *(value for value in _listed(other) if value not in _listed(one))]


def _listed(value: Value) -> list[str]:
    return [str(value)] if isinstance(value, str | int) else list(value)
