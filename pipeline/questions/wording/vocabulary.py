"""The names that stand in a store, by the field that has them: what a question in words may mean by its names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from pipeline.questions.condition import Condition
from pipeline.questions.fields import FIELDS, RESULTS, NoField, OutcomeSource, place_of_outcome
from pipeline.questions.narrowing import Asking
from pipeline.store.collections import CALLS
from pipeline.store.known import nearest

Names = Mapping[str, tuple[str, ...]]
"""Of each field the names that are stored, most frequent first."""

_NAMED: Final = (
    *("intent", "topic", "objection", "unanswered", "scenario", "language", "agent", "team", "queue", "campaign"),
    *("compliance", "failed"),
)
_MOST: Final = 10_000


async def names_in(asking: Asking) -> Names:
    """The names of the calls that the asker may see; how calls ended under ``outcome inferred`` and ``… observed``.

    Raises:
        Retryable: the store is away.
    """
    places = {name: FIELDS[name].places[CALLS] for name in _NAMED}
    places |= {_outcomes(source): place_of_outcome(source, result=False) for source in ("inferred", "observed")}
    scope = asking.asker.scope
    found = await asyncio.gather(*(asking.store.values(CALLS, place, scope, _MOST) for place in places.values()))
    return {name: tuple(values) for name, values in zip(places, found, strict=True)}


def check_names(condition: Condition, names: Names, outcomes: OutcomeSource) -> None:
    """Nothing, where what a condition names is stored, or nothing at all is.

    Raises:
        NoField: it is not; the hint has the nearest.
    """
    is_outcome = condition.field == "outcome"
    known = names.get(_outcomes(outcomes) if is_outcome else condition.field)
    if known is None or not any(names.values()):
        return
    for value in condition.values:
        if value in known or (is_outcome and value in RESULTS):
            continue
        near = nearest(value, (*known, *RESULTS) if is_outcome else known)
        hint = f"nearest: {', '.join(near)}" if near else "none is"
        raise NoField(f"no {condition.field} named {value!r} is stored", hint=hint)


def _outcomes(source: OutcomeSource) -> str:
    return f"outcome {source}"
