"""Rows that match: calls, utterances, intents or suggestions, page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from pipeline.ports import Hit, Order
from pipeline.questions.fields import NoField, Of, field_named
from pipeline.questions.narrowing import Asking, combined, emptied_by, narrowed
from pipeline.questions.question import Query
from pipeline.questions.searching import utterance_of
from pipeline.store.answers import Found, FoundSuggestion
from pipeline.store.calls import advice_of, intent_of, row_of


async def query(asking: Asking, question: Query) -> Found[Any]:
    """A page of rows: ``CallRow``, ``Utterance``, ``FoundIntent`` or ``FoundSuggestion``.

    Raises:
        NoField: a condition cannot be asked, or the field of the order is no time or number of these.
        NoMark: the mark to go on from is none.
        Unknown: a name that was asked for is not in the store.
        TooWide: a condition matches too many calls for one query.
    """
    order = None if question.sort is None else order_of(question.sort, question.of)
    narrowings = await narrowed(asking, question.of, question.where, question.outcomes)
    where = combined(asking.asker, narrowings)
    hits, following = await asking.store.page(question.of, where, question.limit, question.after, order=order)
    if hits or question.after is not None:
        return Found(tuple(_ROW[question.of](hit) for hit in hits if _has_come(question.of, hit)), following)
    return Found((), emptied_by=await emptied_by(asking, question.of, narrowings))


def order_of(sort: str, of: Of) -> Order:
    """The order by a field, such as ``-started``.

    Raises:
        NoField: there is no such field, it is no time or number, or these do not have it.
    """
    field = field_named(sort.removeprefix("-"))
    if field.type == "name" or of not in field.places:
        raise NoField(f"{of} have no order by {field.name}", hint="such as started, -started or confidence")
    return Order(field.places[of], descending=sort.startswith("-"))


def _has_come(of: Of, hit: Hit) -> bool:
    """What became of a suggestion may be there before itself is."""
    return of != "suggestions" or "title" in hit.payload


def _suggestion(hit: Hit) -> FoundSuggestion:
    found = hit.payload
    return FoundSuggestion(
        **asdict(advice_of(found)),
        call_id=found["call_id"],
        started_at=found.get("started_at"),
        scenario=found.get("scenario"),
        agent=found.get("agent"),
    )


_ROW: Final[Mapping[Of, Callable[[Hit], object]]] = {
    "calls": lambda hit: row_of(hit.payload),
    "utterances": utterance_of,
    "intents": lambda hit: intent_of(hit.payload),
    "suggestions": _suggestion,
}
