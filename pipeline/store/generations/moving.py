"""From local mode to a server: the current generation of each collection, with its vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.errors import Config, ConvmineError
from pipeline.store.collections import COLLECTIONS, Collection
from pipeline.store.connections import Connection
from pipeline.store.generations.applying import Progress
from pipeline.store.generations.copying import Copying, as_they_are
from pipeline.store.generations.current import checked_stamp, prepared
from pipeline.store.generations.names import Catalogue, catalogue
from pipeline.store.generations.physical import Layout, Plan, Stamp, info_of
from pipeline.store.generations.place import Place


@dataclass(frozen=True, slots=True)
class Moved:
    """A collection that is on the server now, its points counted there; ``new`` came in this run."""

    collection: str
    points: int
    new: int


async def move(source: Connection, target: Connection, *, prefix: str, layout: Layout, tell: Progress) -> list[Moved]:
    """Copy what is in one Qdrant to another; what the other has already is not copied again.

    Raises:
        Retryable: the server is away; what was copied stays, and the next run goes on.
        Config: the server has such a collection of another embedder.
        ConvmineError: not everything has arrived.
    """
    held = await catalogue(source)
    moved = []
    for collection, name in _current(held, prefix):
        info = await info_of(source, name)
        made_by = checked_stamp(name, info) if collection.searched else Stamp("", 0)
        alias = prefix + collection.name
        await _refuse_another(target, alias, made_by)
        there = await prepared(target, alias, Plan(collection, made_by, layout))
        copying = Copying(Place(source, name), Place(target, there.name), as_they_are, with_vectors=True)
        moved.append(await _moved(collection.name, copying, info.points_count or 0, tell))
    return moved


async def _moved(collection: str, copying: Copying, points: int, tell: Progress) -> Moved:
    new = await copying.bring(tell=lambda looked: tell({collection: (looked, points)}))
    if missing := await copying.missing():
        raise ConvmineError(f"{missing:,} of {points:,} points of {collection} are not there", hint="run it again")
    return Moved(collection, points, new)


def _current(held: Catalogue, prefix: str) -> Iterator[tuple[Collection, str]]:
    for collection in COLLECTIONS:
        if name := held.of(prefix + collection.name).current:
            yield collection, name


async def _refuse_another(target: Connection, alias: str, stamp: Stamp) -> None:
    name = (await catalogue(target)).of(alias).current
    if name is None or not stamp.name:
        return
    there = checked_stamp(name, await info_of(target, name))
    if there != stamp:
        raise Config(
            "CONVMINE_STORE_EMBEDDER",
            f"on the server {name!r} was made by the embedder {there}, and here by {stamp}",
            hint="bring both to one with convmine store apply --re-embed",
        )
