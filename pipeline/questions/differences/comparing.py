"""In what two sets of calls differ: intents, topics, objections and how they were handled, and phrases.

That the sets differ in something is no reason why they do: nothing here is a cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.errors import ConvmineError
from pipeline.ports import Where
from pipeline.questions.condition import Condition
from pipeline.questions.differences.call_sets import Tally, beside, roles_of, tally
from pipeline.questions.differences.contrasts import Contrast, What, contrasted
from pipeline.questions.differences.sampling import sampled, spoken, words_of
from pipeline.questions.fields import OutcomeSource
from pipeline.questions.narrowing import Asking, combined, emptied_by, narrowed
from pipeline.questions.question import Compare
from pipeline.store.collections import CALLS
from pipeline.store.filters import both
from schemas.wire import Role

FEW: Final = 30
"""Calls below which only very large differences can be seen: 30 beside 30 show those of some 35 points."""

INFERRED: Final = (
    "how calls ended is inferred from what was said: what it is inferred from differs for that reason alone"
)
"""What a reader has to know of differences between calls that seem to have ended one way or the other."""


class Overlap(ConvmineError):
    """Two sets of calls that have calls in common; such are not two samples."""


@dataclass(frozen=True, slots=True)
class Side:
    """A set of calls: its conditions, how many calls it has, and of how many the words were read for phrases."""

    said: str
    calls: int
    read: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Differences of a less b, strongest first.

    ``intents`` to ``handling`` are adjusted together. Phrases are adjusted by themselves, and only those that are sure
    are listed. ``outcomes`` is who said how calls ended, None where that was not asked about. ``tested`` is how many
    names were compared. ``notes`` are what a reader has to know, a sentence each.
    """

    a: Side
    b: Side
    outcomes: OutcomeSource | None
    intents: tuple[Contrast, ...] = ()
    objections: tuple[Contrast, ...] = ()
    topics: tuple[Contrast, ...] = ()
    handling: tuple[Contrast, ...] = ()
    phrases: tuple[Contrast, ...] = ()
    tested: int = 0
    tested_phrases: int = 0
    notes: tuple[str, ...] = ()
    emptied_by: str | None = None


async def compare(asking: Asking, question: Compare) -> Compared:
    """Two sets of calls beside each other.

    Raises:
        NoField: a condition cannot be asked.
        Overlap: calls are in both.
        Unknown: a name that was asked for is not in the store.
        TooWide: a condition matches too many calls for one filter.
    """
    of_a = await narrowed(asking, CALLS, (*question.where, *question.a), question.outcomes)
    of_b = await narrowed(asking, CALLS, (*question.where, *question.b), question.outcomes)
    where_a, where_b = combined(asking.asker, of_a), combined(asking.asker, of_b)
    a, b = await tally(asking, where_a), await tally(asking, where_b)
    source = question.outcomes if asks_outcome((*question.where, *question.a, *question.b)) else None
    if not (a.calls and b.calls):
        empty = await emptied_by(asking, CALLS, of_b if a.calls else of_a)
        return Compared(_side(question.a, a, 0), _side(question.b, b, 0), source, emptied_by=empty)
    await _check_apart(asking, where_a, where_b)
    words_a = await words_of(asking, await sampled(asking, where_a))
    words_b = await words_of(asking, await sampled(asking, where_b))
    sides = _side(question.a, a, len(words_a)), _side(question.b, b, len(words_b))
    tested = contrasted(beside(a, b, await roles_of(asking, {**a.intents, **b.intents})))
    phrases = spoken(words_a, words_b, (Role.AGENT, Role.CUSTOMER), question.limit)

    def of(what: What) -> tuple[Contrast, ...]:
        return tuple([one for one in tested if one.what == what][: question.limit])

    return Compared(
        *sides,
        source,
        intents=of("intent"),
        objections=of("objection"),
        topics=of("topic"),
        handling=of("handling"),
        phrases=phrases.contrasts,
        tested=len(tested),
        tested_phrases=phrases.tested,
        notes=tuple(_notes(sides, source)),
    )


def asks_outcome(conditions: Iterable[Condition]) -> bool:
    """Whether one of them is on how calls ended."""
    return any(condition.field == "outcome" for condition in conditions)


async def _check_apart(asking: Asking, a: Where, b: Where) -> None:
    shared = await asking.store.count(CALLS, both(a, b))
    if shared:
        raise Overlap(
            f"{shared:,} {'call is' if shared == 1 else 'calls are'} in both sets",
            hint="add a condition that parts them, such as intent!=… on the one side",
        )


def _side(conditions: Sequence[Condition], of: Tally, read: int) -> Side:
    return Side(" and ".join(map(str, conditions)), of.calls, read)


def _notes(sides: Sequence[Side], source: OutcomeSource | None) -> Iterator[str]:
    for letter, side in zip("ab", sides, strict=True):
        if side.calls < FEW:
            yield f"{letter} has only {side.calls} calls: nothing but a large difference can be seen"
        if side.read < side.calls:
            yield f"phrases are of {side.read:,} of the {side.calls:,} calls of {letter}, drawn by a hash of their ids"
    if source == "inferred":
        yield INFERRED
