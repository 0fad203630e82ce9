"""From the conditions of a question to filters of a collection, and which of them left nothing.

A condition on a field that the collection lacks is joined: asked of the calls or of the intents first, whose ids the
filter then names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.errors import ConvmineError
from pipeline.ports import VectorStore, Where
from pipeline.questions.asker import Asker
from pipeline.questions.condition import Condition, check, number_of
from pipeline.questions.fields import RESULTS, Of, OutcomeSource, field_named, place_of_outcome
from pipeline.store.collections import CALLS, INTENTS, UTTERANCES
from pipeline.store.filters import both
from pipeline.store.known import Named, check_known

_MOST_JOINED: Final = 10_000


class TooWide(ConvmineError):
    """A question that goes through more calls than one filter can name."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """One condition as people wrote it, the filter that it means, and the names that it uses."""

    said: str
    where: Where
    named: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """Of whom, by whom and when something is asked."""

    store: VectorStore
    asker: Asker
    now: datetime


async def narrowed(
    asking: Asking, of: Of, conditions: Sequence[Condition], outcomes: OutcomeSource = "inferred"
) -> list[Narrowing]:
    """The filters of a collection that the conditions mean, in their order; those that are joined come last.

    Raises:
        NoField: a condition cannot be asked.
        TooWide: a condition that has to be joined matches too many.
    """
    for condition in conditions:
        check(condition)
    direct = [condition for condition in conditions if _place(condition, of, outcomes)]
    joined = [condition for condition in conditions if condition not in direct]
    found = [_narrowing(condition, of, outcomes, asking.now) for condition in direct]
    of_calls = [one for one in joined if _place(one, "calls", outcomes) and not _is_of_words(one, of)]
    of_intents = [one for one in joined if one not in of_calls and _place(one, "intents", outcomes)]
    of_suggestions = [one for one in joined if one not in of_calls and one not in of_intents]
    if of_calls:
        found.append(await _joined(asking, "calls", of, of_calls, outcomes))
    if of_intents:  # one intent must have it all: with the name and the topic that are asked for
        alike = [
            one for one in conditions if one.field in {"intent", "topic"} and one not in of_intents and of == "calls"
        ]
        found.append(await _joined(asking, "intents", of, [*of_intents, *alike], outcomes))
    if of_suggestions:
        found.append(await _joined(asking, "suggestions", of, of_suggestions, outcomes))
    return found


def combined(asker: Asker, narrowings: Iterable[Narrowing]) -> Where:
    """All of them, of what the asker may see."""
    where = asker.scope
    for narrowing in narrowings:
        where = both(where, narrowing.where)
    return where


async def emptied_by(asking: Asking, of: Of, narrowings: Sequence[Narrowing]) -> str | None:
    """The first condition that leaves nothing; None where there was nothing before.

    Raises:
        Unknown: a name that it uses stands nowhere in what the asker may see.
    """
    store, asker = asking.store, asking.asker
    if not await store.count(of, asker.scope):
        return None
    for number, narrowing in enumerate(narrowings, start=1):
        if await store.count(of, combined(asker, narrowings[:number])):
            continue
        for named in narrowing.named:
            await check_known(store, asker.scope, named)
        return narrowing.said
    return None


def _is_of_words(condition: Condition, of: Of) -> bool:
    """Of utterances, an intent or a topic is that of the words themselves, not one of somewhere in their call."""
    return of == "utterances" and condition.field in {"intent", "topic"}


def _place(condition: Condition, of: Of, outcomes: OutcomeSource) -> str | None:
    """The field of the collection's payload; None where it has none."""
    if condition.field != "outcome":
        return field_named(condition.field).places.get(of)
    if of != "calls" and (of, outcomes) != ("intents", "inferred"):
        return None
    return place_of_outcome(outcomes, result=RESULTS.issuperset(condition.values))


def _narrowing(condition: Condition, of: Of, outcomes: OutcomeSource, now: datetime) -> Narrowing:
    place = _place(condition, of, outcomes)
    assert place is not None
    said = f"{condition} ({outcomes})" if condition.field == "outcome" else str(condition)
    if condition.op in {"at_least", "below"}:
        limits = {place: number_of(condition, now)}
        return Narrowing(said, Where(at_least=limits) if condition.op == "at_least" else Where(below=limits))
    one = condition.values[0] if len(condition.values) == 1 else condition.values
    if condition.op == "is_not":
        return Narrowing(said, Where(unequal={place: one}))
    is_listed = bool(field_named(condition.field).values) or place.endswith("_result")
    named = () if is_listed else tuple(Named(condition.field, of, place, value) for value in condition.values)
    return Narrowing(said, Where(equal={place: one}), named)


async def _joined(
    asking: Asking, provider: Of, of: Of, conditions: Sequence[Condition], outcomes: OutcomeSource
) -> Narrowing:
    """The calls, or of utterances the utterances, in which all these conditions hold."""
    narrowings = [_narrowing(condition, provider, outcomes, asking.now) for condition in conditions]
    where = combined(asking.asker, narrowings)
    by_words = provider == INTENTS and of == UTTERANCES
    ids = await asking.store.values(provider, "utterance_ids" if by_words else "call_id", where, _MOST_JOINED + 1)
    said = " and ".join(narrowing.said for narrowing in narrowings)
    if len(ids) > _MOST_JOINED:
        raise TooWide(
            f"{said} matches more than {_MOST_JOINED:,} {'utterances' if by_words else CALLS}, too many for one filter",
            hint="narrow it by started, scenario, agent or call",
        )
    place = "utterance_id" if by_words else "call_id"
    return Narrowing(said, Where(equal={place: sorted(ids)}), tuple(one for each in narrowings for one in each.named))
