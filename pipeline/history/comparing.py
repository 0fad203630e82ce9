"""The old version against the new one, of the calls that were mined again: intents, outcomes, and calls that differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.history.run import MARK
from pipeline.history.versions import Versions
from pipeline.ports import Where
from pipeline.store.collections import CALLS
from pipeline.store.filters import to_filter
from pipeline.store.generations.applying import Installation

_PAGE: Final = 512
_FIELDS: Final = ["call_id", "intents", "outcome_inferred"]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many calls have an intent, or an outcome, in each version; an outcome of None is none."""

    name: str | None
    old: int
    new: int

    @property
    def difference(self) -> int:
        return self.new - self.old


@dataclass(frozen=True, slots=True)
class ChangedCall:
    """A call of which the versions say different things."""

    call_id: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    outcome_old: str | None
    outcome_new: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of ``calls``: those in which intents differ, those in which the outcome does; the first few of all that do."""

    calls: int
    intents_changed: int
    outcomes_changed: int
    intents: tuple[Counted, ...]
    outcomes: tuple[Counted, ...]
    examples: tuple[ChangedCall, ...]


async def compare(to: Installation, versions: Versions, *, examples: int) -> Comparison:
    """Count both versions; calls that only one of them has, such as erased ones, do not count.

    Args:
        to: where the versions are.
        versions: both must be there.
        examples: at most so many calls that differ, those with the most differences first.
    """
    intents, outcomes = (Counter[str | None](), Counter[str | None]()), (Counter[str | None](), Counter[str | None]())
    calls = intents_changed = outcomes_changed = 0
    changed: list[ChangedCall] = []
    async for old, new in _pairs(to, versions):
        calls += 1
        for side, payload in enumerate((old, new)):
            intents[side].update(set(payload.get("intents", ())))
            outcomes[side][payload.get("outcome_inferred")] += 1
        one = _changed(old, new)
        intents_changed += bool(one.gained or one.lost)
        outcomes_changed += one.outcome_old != one.outcome_new
        if _weight(one):
            # Of many changed calls only the best are held.
            changed = sorted([*changed, one], key=lambda call: (-_weight(call), call.call_id))[:examples]
    return Comparison(calls, intents_changed, outcomes_changed, _counted(*intents), _counted(*outcomes), tuple(changed))


async def _pairs(to: Installation, versions: Versions) -> AsyncIterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """What each version says of a call, of those that were mined again."""
    old, new = (versions.side(to, which).places[CALLS] for which in ("old", "new"))
    marked = to_filter(Where(equal={"tenant_id": versions.run.scope.tenant_id, MARK: versions.run.run_id}))
    async for page in new.pages(marked, _PAGE, _FIELDS):
        records = await old.read([str(one.id) for one in page], fields=_FIELDS)
        before = {str(one.id): one.payload or {} for one in records}
        for record in page:
            if str(record.id) in before:
                yield before[str(record.id)], record.payload or {}


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> ChangedCall:
    before, after = set(old.get("intents", ())), set(new.get("intents", ()))
    return ChangedCall(
        new["call_id"],
        tuple(sorted(after - before)),
        tuple(sorted(before - after)),
        old.get("outcome_inferred"),
        new.get("outcome_inferred"),
    )


def _weight(one: ChangedCall) -> int:
    return len(one.gained) + len(one.lost) + (one.outcome_old != one.outcome_new)


def _counted(old: Counter[str | None], new: Counter[str | None]) -> tuple[Counted, ...]:
    """The largest differences first."""
    found = [Counted(name, old[name], new[name]) for name in old.keys() | new.keys()]
    return tuple(sorted(found, key=lambda one: (-abs(one.difference), one.name or "")))
