"""The next generation of a collection, built while the current one is read and written, then made current.

Until it is, nobody else writes to it, and it becomes what the old one is. Workers that run keep to the old one until
they are started again; what they write there meanwhile is taken over when this is asked for again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from pipeline.store.connections import Connection
from pipeline.store.generations.copying import Copying, Remake, Tell
from pipeline.store.generations.names import Generations, make_current
from pipeline.store.generations.physical import Origin, Plan, Stamp, add_indexes, create, info_of, note_origin
from pipeline.store.generations.place import Place, since
from pipeline.store.generations.reextracted import run_of

CLOCKS_S: Final = 5
"""Seconds by which the clocks of workers may differ."""
_LITTLE: Final = 256
"""Points that were written during a pass, with which it is time to swap."""
_PASSES: Final = 10
_LATELY_S: Final = 60
"""Seconds without a word from a worker after which it is taken to have been started again."""


@dataclass(frozen=True, slots=True)
class Work:
    """How a generation is made: from which plan, and what becomes of each point; ``now`` is in seconds since 1970."""

    connection: Connection
    plan: Plan
    remake: Remake
    with_vectors: bool = False
    tell: Tell = lambda _: None
    now: Callable[[], float] = time.time

    def second(self) -> int:
        """The second that it is."""
        return int(self.now())

    def copying(self, source: str, target: str) -> Copying:
        """From one generation to another."""
        return Copying(Place(self.connection, source), Place(self.connection, target), self.remake, self.with_vectors)


async def build(work: Work, found: Generations) -> str:
    """Make the next generation as the current one is, or go on with one that was begun; its name.

    Raises:
        Retryable: Qdrant or the embedder's server is away; what was made so far is gone on with.
    """
    name, origin = await _begun(work, found, found.sure)
    copying = work.copying(found.sure, name)
    await copying.bring(tell=work.tell)
    origin = await _catch_up(work, copying, origin)
    await copying.remove_gone()
    await _catch_up(work, copying, origin)
    return name


async def swap(work: Work, found: Generations, name: str) -> None:
    """Make a generation current that was built, and bring what was written to the old one until then."""
    origin = await _origin(work, name)
    swapped = replace(origin, swapped=work.second())
    await note_origin(work.connection, name, swapped)
    await make_current(work.connection, found.alias, name)
    await take_over(work, name, swapped, before=swapped.swapped + 1)


async def take_over(work: Work, name: str, origin: Origin, *, before: int | None = None) -> int:
    """Bring what workers with the old embedder wrote to the old generation since; how many points that changed.

    What this generation has from the second of the swap or before was copied: no worker starts within a second. What
    somebody wrote to it from the second ``before`` on stays as it is.
    """
    began = work.second()
    copying = work.copying(origin.collection, name)
    brought = await copying.bring(
        origin.since - CLOCKS_S, doubted=origin.swapped, before=began if before is None else before
    )
    removed = await copying.remove_gone(before=origin.swapped + 1)
    await note_origin(work.connection, name, replace(origin, since=began))
    return brought + removed


async def still_written(work: Work, origin: Origin) -> bool:
    """Whether the old generation was written to lately, since it is the old one."""
    first = max(origin.swapped + CLOCKS_S, work.second() - _LATELY_S)
    return await Place(work.connection, origin.collection).count(since(first)) > 0


async def _begun(work: Work, found: Generations, source: str) -> tuple[str, Origin]:
    for name in reversed(found.others):
        info = await info_of(work.connection, name)
        origin = Origin.of(info)
        is_ours = not work.plan.collection.searched or Stamp.of(info) == work.plan.stamp
        if is_ours and run_of(info) is None and origin is not None and origin.collection == source:
            await add_indexes(work.connection, name, work.plan.collection, info)
            return name, origin
    name, origin = found.following, Origin(source, work.second())
    await create(work.connection, name, work.plan, origin)
    # Before the points: the graph of vectors is then built with the filters in mind.
    await add_indexes(work.connection, name, work.plan.collection, await info_of(work.connection, name))
    return name, origin


async def _catch_up(work: Work, copying: Copying, origin: Origin) -> Origin:
    """Bring what was written since the last pass, until that is little."""
    for _ in range(_PASSES):
        began = work.second()
        new = await copying.bring(origin.since - CLOCKS_S, doubted=inf)
        origin = replace(origin, since=began)
        await note_origin(work.connection, copying.target.name, origin)
        if new <= _LITTLE:
            break
    return origin


async def _origin(work: Work, name: str) -> Origin:
    origin = Origin.of(await info_of(work.connection, name))
    assert origin is not None
    return origin
