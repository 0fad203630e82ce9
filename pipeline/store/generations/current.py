"""The generation of a collection that a process keeps to: the current one, made where there is none, and checked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.errors import Config, Retryable
from pipeline.store.connections import Conflict, Connection
from pipeline.store.embedding.options import settings_of
from pipeline.store.generations.names import Catalogue, Generations, catalogue, make_current
from pipeline.store.generations.physical import Plan, Stamp, add_indexes, create, info_of

if TYPE_CHECKING:
    from qdrant_client import models

RE_EMBED: Final = "convmine store apply --re-embed"
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Prepared:
    """A collection that is ready: its name in Qdrant, how many points it has, and which indexes it got just now."""

    name: str
    points: int
    indexed: Sequence[str] = ()


async def prepared(connection: Connection, alias: str, plan: Plan, known: Catalogue | None = None) -> Prepared:
    """Find the current generation or make the first, and check that this embedder made it.

    Args:
        connection: how Qdrant is reached.
        alias: name of the collection, with its prefix.
        plan: what a new one is made of.
        known: what there was a moment ago; None has it asked for.

    Raises:
        Retryable: Qdrant is away.
        Config: it was made with another embedder, or by another program.
    """
    name = await _current(connection, alias, plan, known)
    info = await info_of(connection, name)
    if plan.collection.searched:
        check(name, info, plan.stamp)
    indexed = await add_indexes(connection, name, plan.collection, info)
    return Prepared(name, info.points_count or 0, indexed)


async def _current(connection: Connection, alias: str, plan: Plan, known: Catalogue | None) -> str:
    for _ in range(_TRIES):
        found = (known or await catalogue(connection)).of(alias)
        if found.current is not None:
            return found.current
        await begin(connection, found, plan)
        known = None
    raise Retryable(f"the collection {alias!r} is being made and deleted by others", dependency="qdrant")


async def begin(connection: Connection, found: Generations, plan: Plan) -> None:
    """Make the first generation, where it is missing, and make it current; several processes may do so at once."""
    await create(connection, found.first, plan)
    with suppress(Conflict):  # an older program has just made a collection of the alias' name
        await make_current(connection, found.alias, found.first)


def check(name: str, info: models.CollectionInfo, stamp: Stamp) -> None:
    """Refuse a collection that this embedder has not made.

    Raises:
        Config: it has not; the hint says what can be done.
    """
    made_by = checked_stamp(name, info)
    if made_by != stamp:
        raise Config(
            "CONVMINE_STORE_EMBEDDER",
            f"the collection {name!r} was made by the embedder {made_by}, this program has {stamp}",
            hint=f"{RE_EMBED} makes it anew with this one; to go on with the old: {settings_of(made_by.name)}",
        )


def checked_stamp(name: str, info: models.CollectionInfo) -> Stamp:
    """Which embedder made a collection.

    Raises:
        Config: it does not say.
    """
    stamp = Stamp.of(info)
    if stamp is None:
        raise Config(
            "CONVMINE_STORE_PREFIX",
            f"the collection {name!r} does not say which embedder made it",
            hint="it is another program's, or the server is older than Qdrant 1.16: take a free prefix, or update",
        )
    return stamp
