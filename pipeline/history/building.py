"""The new version: a copy of the current one, in which the calls in scope are mined again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from pipeline.history.extracting import Mined, Reextraction
from pipeline.history.run import MARK, Run
from pipeline.history.settling import Settling, redone_calls, until_little
from pipeline.history.stored_calls import calls_in
from pipeline.history.versions import Side, Versions, begin
from pipeline.store.collections import CALLS
from pipeline.store.generations.applying import Installation
from pipeline.store.generations.place import Place
from pipeline.store.points import call_point_id

Make = Callable[[Side, Side, Callable[[str], Awaitable[None]]], Reextraction]
"""How calls of the first version are mined again into the second; the last is told of each that is done."""

_MINED: Final = "mined"
"""The name under which progress is told."""
_ROUNDS: Final = 3
"""How often calls are looked for that came, or were transcribed anew, while the others were mined."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a run has come to: calls in scope, those mined anew in all runs and in this one, and why others were not."""

    versions: Versions
    calls: int
    redone: int
    now: int
    wordless: int
    failed: tuple[tuple[str, str], ...]


async def build(to: Installation, run: Run, make: Make) -> Built:
    """Make the new version, or go on with it; what is done is not done again.

    Raises:
        Stopped: no budget is left, or the model is away; the next run goes on.
        Retryable: Qdrant is away; the next run goes on.
        Config: another embedder made the current version.
        ConvmineError: there are no collections yet.
    """
    versions = await begin(to, run)
    old, new = versions.side(to, "old"), versions.side(to, "new")
    redone = await redone_calls(new, run)
    settling = Settling(run, old, new, set(redone), tell=to.tell)
    await settling.copy_all()
    since = await until_little(settling, versions.taken_over, lambda: int(to.now()))
    reextraction = make(old, new, _noting(to, new.places[CALLS], run))
    looked, total = set[str](), Mined(0, 0, ())
    for _ in range(_ROUNDS):
        listed = await calls_in(old.store, run.scope)
        pending = [one.call_id for one in listed if one.call_id not in settling.redone | looked]
        if not pending:
            break
        total = _together(total, await reextraction.run(pending, _telling(to, len(listed) - len(pending), len(listed))))
        looked |= {call_id for call_id, _ in total.failed}
        settling.redone.update(await redone_calls(new, run))
        looked |= set(pending) - settling.redone  # without words
        since = await until_little(settling, since, lambda: int(to.now()))
    await versions.note_taken_over(to.connection, since)
    listed = await calls_in(old.store, run.scope)
    built = run.model_copy(update={"built": True, "failed": len(total.failed)})
    versions = await versions.note(to.connection, built)
    redone = await redone_calls(new, run)
    return Built(versions, len(listed), len(redone), total.done, total.wordless, total.failed)


def _noting(to: Installation, calls: Place, run: Run) -> Callable[[str], Awaitable[None]]:
    async def done(call_id: str) -> None:
        id_ = call_point_id(run.scope.tenant_id, call_id)
        await to.connection.run(
            lambda client: client.set_payload(calls.name, {MARK: run.run_id}, points=[id_], wait=True)
        )

    return done


def _telling(to: Installation, before: int, calls: int) -> Callable[[int], None]:
    return lambda looked: to.tell({_MINED: (before + looked, calls)})


def _together(one: Mined, other: Mined) -> Mined:
    return Mined(one.done + other.done, one.wordless + other.wordless, (*one.failed, *other.failed))
