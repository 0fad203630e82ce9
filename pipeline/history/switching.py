"""Which of the two versions is current: switched to the new one, rolled back to the old one, and the other deleted.

All aliases are turned in one step. What is written to a version that is not current, as workers do until they are
started again, is taken over whenever one of these is asked for again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.errors import ConvmineError
from pipeline.history.run import Which
from pipeline.history.settling import Settling, redone_calls, until_little
from pipeline.history.versions import Versions
from pipeline.store.generations.applying import Installation
from pipeline.store.generations.next_generation import CLOCKS_S
from pipeline.store.generations.place import Place, since

_LATELY_S: Final = 60
"""Seconds without a word from a worker after which it is taken to have been started again."""


@dataclass(frozen=True, slots=True)
class Turned:
    """What was done: whether the version is current only now, and how many points were taken over from the other."""

    is_new: bool
    taken_over: int


async def switch(to: Installation, versions: Versions) -> Turned:
    """Make the new version current.

    Raises:
        ConvmineError: it is not whole, or another version has been made current meanwhile.
        Retryable: Qdrant is away; asked for again it goes on.
    """
    if versions.state == "current":
        return Turned(is_new=False, taken_over=await take_over(to, versions))
    _refuse(versions, "built")
    taken = await take_over(to, versions)
    forward = await _settling(to, versions, "old", "new")
    first = await until_little(forward, versions.taken_over, lambda: int(to.now()))
    await versions.note_taken_over(to.connection, first)
    return Turned(is_new=True, taken_over=taken + await _turn(to, versions, "new", first))


async def roll_back(to: Installation, versions: Versions) -> Turned:
    """Make the old version current again; the new one stays, to be switched to once more.

    Raises:
        ConvmineError: the new version is not current, or the old one is being deleted.
        Retryable: Qdrant is away; asked for again it goes on.
    """
    if versions.state == "built" and versions.turned:
        return Turned(is_new=False, taken_over=await take_over(to, versions))
    _refuse(versions, "current")
    taken = await take_over(to, versions)
    backward = await _settling(to, versions, "new", "old")
    turned = versions.turned
    first = await until_little(backward, turned, lambda: int(to.now()), turned=turned)
    return Turned(is_new=True, taken_over=taken + await _turn(to, versions, "old", first))


async def take_over(to: Installation, versions: Versions) -> int:
    """Bring what was written to the version that is not current since it was; how many points that changed."""
    turned = versions.turned
    if not turned:
        return 0
    settling = await _settling(to, versions, *_aside(versions))
    return await settling.settle(turned, doubted=turned, before=turned + 1)


async def drop(to: Installation, versions: Versions) -> tuple[str, ...]:
    """Delete the version that is not current, when what was written to it has been taken over; their names in Qdrant.

    Raises:
        ConvmineError: workers still write to it.
        Retryable: Qdrant is away; asked for again it goes on.
    """
    if versions.state == "current" or (versions.state == "built" and versions.turned):
        await take_over(to, versions)
        await _refuse_written(to, versions)
    names = [pair.old if pair.current == pair.new else pair.new for pair in versions.pairs.values()]
    for name in filter(None, names):
        await _delete(to, name)
    return tuple(filter(None, names))


async def _turn(to: Installation, versions: Versions, which: Which, first: int) -> int:
    """Turn the aliases, noting before that it is done, and bring what was written until then."""
    now = int(to.now())
    about = {"turned": versions.turned, "turning": now, "turning_to": which}
    versions = await versions.note(to.connection, versions.run.model_copy(update=about))
    await versions.turn(to.connection, which)
    settling = await _settling(to, versions, *(("old", "new") if which == "new" else ("new", "old")))
    taken = await settling.settle(first, doubted=now, before=now + 1)
    await versions.note_taken_over(to.connection, now)
    return taken


def _aside(versions: Versions) -> tuple[Which, Which]:
    return ("old", "new") if versions.state == "current" else ("new", "old")


async def _settling(to: Installation, versions: Versions, source: Which, target: Which) -> Settling:
    new = versions.side(to, "new")
    sides = {"new": new, "old": versions.side(to, "old")}
    return Settling(versions.run, sides[source], sides[target], set(await redone_calls(new, versions.run)))


def _refuse(versions: Versions, wanted: str) -> None:
    state, title = versions.state, versions.run.title
    if state == wanted:
        return
    says = {
        "half built": (f"{title} is not done", "convmine reextract goes on with it"),
        "built": (f"the version of {title} is not current", "convmine reextract switch"),
        "current": (f"the version of {title} is current", None),
        "dropped in part": (f"the version before {title} is being deleted", "convmine reextract drop"),
        "left behind": (f"another version was made current since {title}", "convmine reextract drop deletes its own"),
    }
    message, hint = says[state]
    raise ConvmineError(message, hint=hint)


async def _refuse_written(to: Installation, versions: Versions) -> None:
    aside, _ = _aside(versions)
    first = max(versions.turned + CLOCKS_S, int(to.now()) - _LATELY_S)
    for pair in versions.pairs.values():
        name = pair.old if aside == "old" else pair.new
        if name is not None and await Place(to.connection, name).count(since(first)):
            raise ConvmineError(
                f"workers still write to {name!r}, which is not current",
                hint="start them again, so that they follow, and in a minute: convmine reextract drop",
            )


async def _delete(to: Installation, name: str) -> None:
    await to.connection.run(lambda client: client.delete_collection(name))
