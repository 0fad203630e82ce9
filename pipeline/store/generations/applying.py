"""``store apply``: what the collections lack is made, what the settings have changed is changed, old generations go.

Each step looks first whether it is needed, so that a second run has nothing to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipeline.errors import ConvmineError
from pipeline.ports import Embedder
from pipeline.store.collections import COLLECTIONS, Collection
from pipeline.store.connections import Connection
from pipeline.store.embedding.options import stamp_of
from pipeline.store.generations.copying import as_they_are, embedded_by
from pipeline.store.generations.current import RE_EMBED, begin, check, checked_stamp
from pipeline.store.generations.derived import fill
from pipeline.store.generations.names import Generations, catalogue, make_current
from pipeline.store.generations.next_generation import Work, build, still_written, swap, take_over
from pipeline.store.generations.physical import Layout, Origin, Plan, add_indexes, info_of, lay_out
from pipeline.store.generations.place import Place, since
from pipeline.store.generations.reextracted import kept

if TYPE_CHECKING:
    from qdrant_client import models

Progress = Callable[[Mapping[str, tuple[int, int]]], None]
"""Is told of each collection how many points are done, of how many."""

_QUIET_S: Final = 10
"""Seconds for which nobody may have written to a collection that has to be moved aside for its alias."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A store as it is set up: where, with which embedder, how laid out; ``now`` is in seconds since 1970."""

    connection: Connection
    embedder: Embedder
    prefix: str = ""
    layout: Layout = field(default_factory=Layout)
    tell: Progress = lambda _: None
    now: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done to a collection, in words."""

    collection: str
    done: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done, and which generations stand beside the current ones."""

    steps: tuple[Step, ...]
    others: tuple[str, ...]


async def apply(to: Installation, *, re_embed: bool = False, drop_old: bool = False) -> Applied:
    """Bring the collections to what program and settings expect of them.

    Args:
        to: whose collections.
        re_embed: make those anew that another embedder made, and take over what was written to their old generations.
        drop_old: take over likewise, then delete all generations but the current ones.

    Raises:
        Retryable: Qdrant or the embedder's server is away; what was done stays, and the rest is done next time.
        Config: another embedder made a collection, and it is not to be made anew.
        ConvmineError: workers write where nobody may.
    """
    stamp = await stamp_of(to.embedder)
    steps: list[Step] = []
    for collection in COLLECTIONS:
        plan = Plan(collection, stamp, to.layout)
        steps += [Step(collection.name, done) for done in await _apply_one(to, plan, re_embed, drop_old)]
    known = await catalogue(to.connection)
    others = [name for one in COLLECTIONS for name in await _superseded(to, known.of(to.prefix + one.name))]
    return Applied(tuple(steps), tuple(others))


async def _apply_one(to: Installation, plan: Plan, re_embed: bool, drop_old: bool) -> list[str]:  # noqa: FBT001 - as asked
    done = list[str]()
    found = await _look(to, plan.collection)
    if found.current is None:
        await begin(to.connection, found, plan)
        done.append(f"made {found.first}")
        found = await _look(to, plan.collection)
    info = await _info(to, found)
    if not re_embed and plan.collection.searched:
        check(found.sure, info, plan.stamp)
    done += await _mend(to, plan, found.sure, info)
    moved_aside = found.is_bare
    if moved_aside:
        done.append(await _move_aside(to, plan, found, info))
        found = await _look(to, plan.collection)
    if re_embed and (made_anew := await _re_embedded(to, plan, found, moved_aside=moved_aside)):
        done += made_anew
        found = await _look(to, plan.collection)
    if (re_embed or drop_old) and (others := await _superseded(to, found)):
        done += await _settled(to, plan, found, others, drop_old=drop_old)
    return done


async def _mend(to: Installation, plan: Plan, name: str, info: models.CollectionInfo) -> list[str]:
    """Indexes, settings and fields of the current generation."""
    indexed = await add_indexes(to.connection, name, plan.collection, info)
    changed = await lay_out(to.connection, name, plan.collection, info, plan.layout)
    filled = await fill(Place(to.connection, name), plan.collection.name, int(to.now()))
    return [
        *([f"indexed {', '.join(indexed)}"] if indexed else []),
        *changed,
        *(f"filled in {field} of {count:,} points" for field, count in filled.items()),
    ]


async def _move_aside(to: Installation, plan: Plan, found: Generations, info: models.CollectionInfo) -> str:
    """Make a generation of a collection that has the name of the alias: Qdrant cannot rename, so it is copied.

    Between its deletion and the alias there is a moment without either; a store that asks then looks again.

    Raises:
        ConvmineError: somebody writes to it.
    """
    lately = since(int(to.now()) - _QUIET_S)
    place = Place(to.connection, found.alias)
    if to.connection.has_indexes and await place.count(lately):
        raise ConvmineError(
            f"{found.alias!r} was made before generations and has to be copied once, but workers write to it",
            hint=f"stop the workers of stage index, wait {_QUIET_S} s, then: convmine store apply",
        )
    made_by = checked_stamp(found.alias, info) if plan.collection.searched else plan.stamp
    work = _work(to, Plan(plan.collection, made_by, plan.layout), await place.count(), anew=False)
    name = await build(work, found)
    if missing := await work.copying(found.alias, name).missing():
        raise ConvmineError(f"{missing} points of {found.alias!r} were not copied", hint="convmine store apply")
    await to.connection.run(lambda client: client.delete_collection(found.alias))
    await make_current(to.connection, found.alias, name)
    return f"made {name} of it, under an alias"


async def _re_embedded(to: Installation, plan: Plan, found: Generations, *, moved_aside: bool) -> list[str]:
    info = await _info(to, found)
    if not plan.collection.searched or checked_stamp(found.sure, info) == plan.stamp:
        return []
    if moved_aside and to.connection.has_indexes:
        # Workers that run know it by the alias' name and would follow the swap with the wrong vectors.
        return [f"not made anew yet: start its workers again, then: {RE_EMBED}"]
    if await kept(to.connection, found):
        raise ConvmineError(
            f"a re-extraction has a version of {found.alias!r} beside the current one, made by the old embedder",
            hint=f"convmine reextract drop, then: {RE_EMBED}",
        )
    points = info.points_count or 0
    work = _work(to, plan, points, anew=True)
    made = await build(work, found)
    await swap(work, found, made)
    return [f"made {made} with {plan.stamp.name}, {points:,} points"]


async def _superseded(to: Installation, found: Generations) -> list[str]:
    """The generations before the current one, but those that a re-extraction has beside it."""
    kept_back = await kept(to.connection, found)
    return [name for name in found.others if name not in kept_back]


async def _settled(
    to: Installation, plan: Plan, found: Generations, others: Sequence[str], *, drop_old: bool
) -> list[str]:
    """What was written to the old generations is taken over, and they are deleted if that is asked for."""
    done, work = list[str](), _work(to, plan, 0, anew=True)
    origin = Origin.of(await _info(to, found))
    if origin is not None and origin.collection in others:
        if changed := await take_over(work, found.sure, origin):
            done.append(f"took over {changed:,} points from {origin.collection}")
        if drop_old and await still_written(work, origin):
            raise ConvmineError(
                f"workers with the old embedder still write to {origin.collection!r}",
                hint="start them again with the new one, and in a minute: convmine store apply --drop-old",
            )
    for name in others if drop_old else ():
        await _delete(to.connection, name)
        done.append(f"deleted {name}")
    return done


async def _look(to: Installation, collection: Collection) -> Generations:
    return (await catalogue(to.connection)).of(to.prefix + collection.name)


async def _info(to: Installation, found: Generations) -> models.CollectionInfo:
    return await info_of(to.connection, found.sure)


async def _delete(connection: Connection, name: str) -> None:
    await connection.run(lambda client: client.delete_collection(name))


def _work(to: Installation, plan: Plan, points: int, *, anew: bool) -> Work:
    name = plan.collection.name
    return Work(
        to.connection,
        plan,
        embedded_by(to.embedder, plan.collection) if anew else as_they_are,
        with_vectors=not anew,
        tell=lambda looked: to.tell({name: (looked, points)}),
        now=to.now,
    )
