"""Filters: two of ours into one, and ours into Qdrant's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.ports import Where

if TYPE_CHECKING:
    from qdrant_client import models

Value = str | int | bool | Sequence[str]


def of_tenant(tenant_id: str) -> Where:
    """The points of one tenant; every question is asked inside it."""
    return Where(equal={"tenant_id": tenant_id})


def both(one: Where, other: Where) -> Where:
    """What matches both: of a field that both name, a value of each (a list can have both); the narrower ranges."""
    clashing = {key: value for key, value in other.equal.items() if one.equal.get(key, value) != value}
    return Where(
        equal={**one.equal, **{key: value for key, value in other.equal.items() if key not in one.equal}},
        unequal={**one.unequal, **{key: _either(one.unequal.get(key, ()), no) for key, no in other.unequal.items()}},
        at_least={**one.at_least, **{key: max(low, one.at_least.get(key, low)) for key, low in other.at_least.items()}},
        below={**one.below, **{key: min(high, one.below.get(key, high)) for key, high in other.below.items()}},
        also=(*one.also, *other.also, *([Where(equal=clashing)] if clashing else [])),
    )


def to_filter(where: Where, *, without: Sequence[str] = ()) -> models.Filter:
    """Qdrant's filter of a ``Where``, leaving out the points with these ids."""
    from qdrant_client import models

    parts = list(_parts(where))
    must_not: list[models.Condition] = [_matches(key, no) for part in parts for key, no in part.unequal.items()]
    if without:
        must_not.append(models.HasIdCondition(has_id=list(without)))
    must: list[models.Condition] = [_matches(key, value) for part in parts for key, value in part.equal.items()]
    return models.Filter(must=[*must, *(one for part in parts for one in _ranges(part))], must_not=must_not)


def _parts(where: Where) -> Iterator[Where]:
    yield where
    for one in where.also:
        yield from _parts(one)


def _matches(key: str, value: Value) -> models.FieldCondition:
    from qdrant_client import models

    match = models.MatchValue(value=value) if isinstance(value, str | int) else models.MatchAny(any=list(value))
    return models.FieldCondition(key=key, match=match)


def _ranges(where: Where) -> Iterator[models.FieldCondition]:
    from qdrant_client import models

    for key in sorted({*where.at_least, *where.below}):
        yield models.FieldCondition(key=key, range=models.Range(gte=where.at_least.get(key), lt=where.below.get(key)))


def _either(one: Value, other: Value) -> Value:
    if not one or one == other:
        return other
    return [*_listed(one), *(value for value in _listed(other) if value not in _listed(one))]


def _listed(value: Value) -> list[str]:
    return [str(value)] if isinstance(value, str | int) else list(value)
