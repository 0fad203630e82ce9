"""Whether a name stands in the store at all, and the nearest that do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipeline.errors import ConvmineError
from pipeline.ports import VectorStore, Where

_MOST: Final = 10_000


class Unknown(ConvmineError):
    """A name that stands nowhere; the hint has the nearest that do."""


@dataclass(frozen=True, slots=True)
class Named:
    """A value that should stand in this field of this collection; ``what`` is what people call it."""

    what: str
    collection: str
    field: str
    value: str


async def check_known(store: VectorStore, scope: Where, named: Named) -> None:
    """Nothing, where a point has this value; only what lies in ``scope`` is looked at and told.

    Raises:
        Unknown: none has; the hint has the nearest that are there.
    """
    known = await store.values(named.collection, named.field, scope, limit=_MOST)
    if named.value in known:
        return
    near = nearest(named.value, known)
    hint = f"nearest: {', '.join(near)}" if near else "nothing of the kind is stored yet; see convmine calls list"
    raise Unknown(f"no {named.what} named {named.value!r} is stored", hint=hint)


def nearest(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The names that are most like this one, best first."""
    from rapidfuzz import process

    return [one for one, *_ in process.extract(name, list(known), limit=most)]
