"""What is written to one of the two versions is taken over into the other, and what was taken away there goes.

Points are copied as they are, save for the calls that were mined again: of those each version keeps its own intents,
and what came in from elsewhere (an observed outcome, a failure) is set on both. Where one has a newer transcript of
such a call, that one counts in both. Neither side stands still meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Final

from pipeline.history.run import MARK, Run
from pipeline.history.versions import MINED, Side
from pipeline.ports import Point, Where
from pipeline.store.amendments import failure, observed
from pipeline.store.changing import change
from pipeline.store.collections import CALLS, INTENTS
from pipeline.store.filters import to_filter
from pipeline.store.generations.applying import Progress
from pipeline.store.generations.copying import Copying, Tell, as_they_are
from pipeline.store.generations.next_generation import CLOCKS_S
from pipeline.store.generations.place import Place, Structs, since
from pipeline.store.points import Fields, call_point_id, of_call, with_fields
from pipeline.store.structs import STORED
from schemas.wire import Lane

if TYPE_CHECKING:
    from qdrant_client import models

_PAGE: Final = 1_024
_LITTLE: Final = 256
"""Points that were written during a pass, with which no further is needed before the switch."""
_PASSES: Final = 10
_BEFORE_S: Final = 60
"""How long before it is stored a failure may have happened, in seconds."""


@dataclass(frozen=True, slots=True)
class Settling:
    """From which version into which, and the calls that were mined again (``redone``, of the run's tenant)."""

    run: Run
    source: Side
    target: Side
    redone: set[str]
    tell: Progress = lambda _: None

    async def copy_all(self) -> None:
        """Bring everything, or what is still missing of it; calls that were mined again stay as they are."""
        for name in MINED:
            points = await self.source.places[name].count()
            await self._copying(name).bring(tell=self._telling(name, points))

    async def settle(self, first: int, *, doubted: float = inf, before: int | None = None) -> int:
        """Bring what was written from the second ``first`` on, and take away what has gone; how many that were.

        Args:
            first: what was written before has been brought.
            doubted: is copied again although it is there, if it was written up to this second.
            before: leaves alone what was written to the target from this second on, as by workers.
        """
        first -= CLOCKS_S
        changed = await self._amend(first, before)
        for name in MINED:
            changed += await self._copying(name).bring(first, doubted=doubted, before=before)
        return changed + await self._remove_gone(before)

    def _copying(self, name: str) -> Copying:
        return Copying(self.source.places[name], self.target.places[name], self._not_redone, with_vectors=True)

    async def _not_redone(self, records: Sequence[models.Record]) -> Structs:
        return await as_they_are([one for one in records if not self._is_redone(one.payload or {})])

    def _is_redone(self, payload: Mapping[str, Any]) -> bool:
        return payload.get("tenant_id") == self.run.scope.tenant_id and payload.get("call_id") in self.redone

    def _telling(self, name: str, points: int) -> Tell:
        return lambda looked: self.tell({name: (looked, points)})

    async def _amend(self, first: int, before: int | None) -> int:
        """Of the calls that were mined again and written since: what came in from elsewhere, or the newer transcript.

        A call with a newer transcript is no longer among those that were mined again, so that it is copied.
        """
        changed = 0
        async for record in _all(self.source.places[CALLS], since(first), None):
            payload = record.payload or {}
            if not self._is_redone(payload):
                continue
            there = await self.target.store.get(CALLS, [str(record.id)])
            if not there or _is_newer(payload, there[0].payload):
                self.redone.discard(payload["call_id"])
                await self._replace(payload["call_id"], before)
                changed += 1
            else:
                changed += await self._amend_one(str(record.id), payload, first)
        return changed

    async def _replace(self, call_id: str, before: int | None) -> None:
        """All of a call as the source has it; what others have written to the target just now stays."""
        where = of_call(self.run.scope.tenant_id, call_id)
        over = None if before is None else Where(below={STORED: before})
        for name in MINED:
            held = [one async for one in _all(self.source.places[name], to_filter(where), None)]
            ids = [str(one.id) for one in held]
            await self.target.store.remove(name, where, keep=ids)
            if records := await self.source.places[name].read(ids, with_vectors=True):
                await self.target.places[name].write(await as_they_are(records), over)

    async def _amend_one(self, id_: str, source: Mapping[str, Any], first: int) -> bool:
        """What was set on it from outside, where that is later; a failure from before it was mined again is over."""
        came = observed(source) | (failure(source) if source.get("failed_ts", 0) >= first - _BEFORE_S else {})
        amended = False

        def make(call: Fields) -> Point | None:
            nonlocal amended
            later = {
                name: value
                for part, at in ((observed, "outcome_observed_ts"), (failure, "failed_ts"))
                if part(came).get(at, 0) > part(call).get(at, 0)
                for name, value in part(came).items()
            }
            amended = bool(call and later)
            return with_fields(Point(id_, call["text"], call), later) if amended else None

        await change(self.target.store, CALLS, id_, make)
        return amended

    async def _remove_gone(self, before: int | None) -> int:
        """What the source no longer has; of a call that was mined again all, once its own point has gone."""
        dead = await self._dead()
        self.redone.difference_update(dead)
        removed = 0
        for name in (INTENTS, CALLS):
            source, target = self.source.places[name], self.target.places[name]
            gone: list[str] = []
            async for page in target.pages(None, _PAGE, [STORED, "tenant_id", "call_id"]):
                there = {str(one.id) for one in await source.read([str(one.id) for one in page], fields=[STORED])}
                gone += [str(one.id) for one in page if str(one.id) not in there and self._goes(one, dead, before)]
            for at in range(0, len(gone), _PAGE):
                await target.delete(gone[at : at + _PAGE])
            removed += len(gone)
        return removed

    def _goes(self, record: models.Record, dead: set[str], before: int | None) -> bool:
        payload = record.payload or {}
        if payload.get("tenant_id") == self.run.scope.tenant_id and payload.get("call_id") in dead:
            return True
        return not self._is_redone(payload) and (before is None or payload.get(STORED, 0) < before)

    async def _dead(self) -> set[str]:
        """The calls that were mined again and are not in the source any more, such as those that were erased."""
        ids = {call_point_id(self.run.scope.tenant_id, call_id): call_id for call_id in self.redone}
        every, there = list(ids), set[str]()
        for at in range(0, len(every), _PAGE):
            found = await self.source.places[CALLS].read(every[at : at + _PAGE], fields=[STORED])
            there |= {str(one.id) for one in found}
        return {call_id for id_, call_id in ids.items() if id_ not in there}


async def until_little(settling: Settling, first: int, second: Callable[[], int], *, turned: int | None = None) -> int:
    """Settle again and again, until little has been written meanwhile; the second before which all is there.

    Where others may write to the target, too, ``turned`` is the second since which it is not current.
    """
    for _ in range(_PASSES):
        began = second()
        if turned is None:
            changed = await settling.settle(first)
        else:
            changed = await settling.settle(first, doubted=turned, before=began)
        first = began
        if changed <= _LITTLE:
            break
    return first


async def redone_calls(new: Side, run: Run) -> dict[str, int]:
    """The calls that the new version has mined again, with the revision of their transcripts."""
    marked = to_filter(Where(equal={"tenant_id": run.scope.tenant_id, MARK: run.run_id}))
    return {
        record.payload["call_id"]: int(record.payload.get("revision", 0))
        async for record in _all(new.places[CALLS], marked, ["call_id", "revision"])
        if record.payload
    }


def _is_newer(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a call's point is of a newer transcript: a recording's before a live one, then the higher revision."""

    def rank(call: Mapping[str, Any]) -> tuple[int, int]:
        return (1 if call.get("lane") == Lane.LIVE else 2 if "lane" in call else 0, int(call.get("revision", 0)))

    return rank(one) > rank(other)


async def _all(place: Place, condition: models.Filter | None, fields: list[str] | None) -> AsyncIterator[models.Record]:
    async for page in place.pages(condition, _PAGE, fields):
        for record in page:
            yield record
