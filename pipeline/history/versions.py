"""The two versions of what is mined from calls: the generations ``old`` and ``new`` of each collection, and their run.

Only ``intents`` and ``calls`` have a new one: words, suggestions and knowledge are the same for both. What stands in
the generations' own notes is all that there is to know of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from pipeline.errors import ConvmineError
from pipeline.history.run import Run, Which
from pipeline.store.collections import BY_NAME, CALLS, INTENTS
from pipeline.store.connections import Connection
from pipeline.store.embedding.options import stamp_of
from pipeline.store.generations.applying import Installation
from pipeline.store.generations.current import check
from pipeline.store.generations.names import Generations, catalogue, make_all_current
from pipeline.store.generations.physical import Origin, Plan, add_indexes, create, info_of, note, note_origin
from pipeline.store.generations.place import Place
from pipeline.store.generations.reextracted import run_of, stamped
from pipeline.store.qdrant import QdrantStore

MINED: Final = (INTENTS, CALLS)
"""The collections that a re-extraction writes, in the order in which they are made and written."""
State = Literal["half built", "built", "current", "dropped in part", "left behind"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One collection: ``old`` and ``new`` are names in Qdrant, or None where that one is not there (any more)."""

    alias: str
    old: str | None
    new: str | None
    current: str | None
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two versions: the collections by name, and a store that keeps to them."""

    places: Mapping[str, Place]
    store: QdrantStore


@dataclass(frozen=True, slots=True)
class Versions:
    """The run and its generations, by collection."""

    run: Run
    pairs: Mapping[str, Pair]

    @property
    def state(self) -> State:
        """How far it has come."""
        pairs = self.pairs.values()
        if all(pair.new and pair.current == pair.new for pair in pairs):
            return "current" if all(pair.old for pair in pairs) else "dropped in part"
        if any(pair.old is None or pair.current != pair.old for pair in pairs):
            return "left behind"
        return "built" if self.run.built and all(pair.new for pair in pairs) else "half built"

    @property
    def turned(self) -> int:
        """The second since 1970 in which the version that is current was made so by this run; 0 is never."""
        now: Which = "new" if self.state in {"current", "dropped in part"} else "old"
        return self.run.turning if self.run.turning_to == now else self.run.turned

    def side(self, to: Installation, which: Which) -> Side:
        """One of them, where it is there."""
        names = {name: pair.old if which == "old" else pair.new for name, pair in self.pairs.items()}
        sure = {name: found for name, found in names.items() if found is not None}
        assert len(sure) == len(MINED)
        store = QdrantStore(to.connection, to.embedder, prefix=to.prefix, layout=to.layout, pinned=sure)
        return Side({name: Place(to.connection, found) for name, found in sure.items()}, store)

    async def note(self, connection: Connection, run: Run) -> Versions:
        """Write down how far the run has come."""
        for pair in self.pairs.values():
            if pair.new is not None:
                await note(connection, pair.new, stamped(run.text()))
        return replace(self, run=run)

    async def note_taken_over(self, connection: Connection, since: int) -> None:
        """Write down that all that was written to the old version before this second is in the new one."""
        for pair in self.pairs.values():
            assert pair.new is not None
            assert pair.old is not None
            await note_origin(connection, pair.new, Origin(pair.old, since))

    @property
    def taken_over(self) -> int:
        """The second before which all that was written to the old version is in the new one."""
        return min(pair.origin.since for pair in self.pairs.values() if pair.origin is not None)

    async def turn(self, connection: Connection, which: Which) -> None:
        """Make this version current, of all collections in one step."""
        names = {pair.alias: pair.old if which == "old" else pair.new for pair in self.pairs.values()}
        await make_all_current(connection, {alias: name for alias, name in names.items() if name is not None})


async def find(to: Installation) -> Versions | None:
    """The re-extraction that has a version beside the current one; None where there is none."""
    known = await catalogue(to.connection)
    found = {name: known.of(to.prefix + name) for name in MINED}
    made = {name: await _made(to.connection, one) for name, one in found.items()}
    runs = [one.run for one in made.values() if one is not None and one.pair.old is not None]
    if not runs:
        return None
    newest = max(runs, key=lambda run: run.began_at)
    pairs = {
        name: one.pair if one is not None and one.run.run_id == newest.run_id else _alone(found[name])
        for name, one in made.items()
    }
    return Versions(newest, pairs)


async def begin(to: Installation, run: Run) -> Versions:
    """Make the generations of a run that are missing; a process that was killed in between goes on here.

    Raises:
        ConvmineError: the collections are not there, or were made before generations.
        Config: another embedder made them.
    """
    stamp = await stamp_of(to.embedder)
    for name in MINED:
        found = (await catalogue(to.connection)).of(to.prefix + name)
        if found.current is None or found.is_bare:
            raise ConvmineError(
                f"the collection {found.alias!r} is not there or has no generations", hint="convmine store apply"
            )
        info = await info_of(to.connection, found.sure)
        check(found.sure, info, stamp)
        made = await _made(to.connection, found)
        if made is None or made.run.run_id != run.run_id:
            plan, new = Plan(BY_NAME[name], stamp, to.layout), found.following
            await create(to.connection, new, plan, Origin(found.sure, int(to.now())), stamped(run.text()))
            # Before the points: the graph of vectors is then built with the filters in mind.
            await add_indexes(to.connection, new, plan.collection, await info_of(to.connection, new))
    begun = await find(to)
    assert begun is not None
    return begun


@dataclass(frozen=True, slots=True)
class _Made:
    """A collection of which the newest generation that a run made is ``pair.new``."""

    pair: Pair
    run: Run


async def _made(connection: Connection, found: Generations) -> _Made | None:
    """What a run has made of a collection, and has not given up: both versions are there, or its own is current."""
    for _, name in sorted(found.numbered.items(), reverse=True):
        info = await info_of(connection, name)
        written, origin = run_of(info), Origin.of(info)
        run = None if written is None else Run.read(written)
        if run is None or origin is None:
            continue
        old = origin.collection if origin.collection in found.numbered.values() else None
        if old is not None or name == found.current:
            return _Made(Pair(found.alias, old, name, found.current, origin), run)
    return None


def _alone(found: Generations) -> Pair:
    """A collection in which a run has no version."""
    return Pair(found.alias, found.current, None, found.current, None)
