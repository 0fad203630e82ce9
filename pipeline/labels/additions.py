"""An item that a person adds: only names of the taxonomy, and words that stand in the turn that is named."""

from __future__ import annotations

import re
from typing import Final

from pipeline.backtest.cases import CasesUnreadable, named_item, names_of
from pipeline.backtest.items import Item
from pipeline.extract.entities import normalised_value
from pipeline.extract.findings import SIDES
from pipeline.extract.quotes import find_quote
from pipeline.labels.label import LabelledField
from pipeline.labels.mined_call import Extracted, MinedCall
from pipeline.scenarios.model import Edition, Taxonomy
from schemas.transcript import Segment
from schemas.wire import Role

SUMMARY: Final = "summary"
WITHOUT_WORDS: Final = frozenset({"topics", SUMMARY})
"""Fields whose items stand on no words of one turn."""
_TURN: Final = re.compile(r"s?(?P<number>\d{1,6})", re.IGNORECASE)


class CannotBeAdded(ValueError):
    """The name, the turn or the words do not fit; the message says why."""


def names_in(taxonomy: Taxonomy, field: LabelledField) -> tuple[str, ...]:
    """What an item of this field can be called."""
    return (SUMMARY,) if field == SUMMARY else names_of(taxonomy, field)


def check_name(taxonomy: Taxonomy, field: LabelledField, name: str) -> str:
    """The name.

    Raises:
        CannotBeAdded: the taxonomy has no such name in this field; the message has the nearest that it has.
    """
    if field == SUMMARY:
        if name != SUMMARY:
            raise CannotBeAdded(f"summary: is called {SUMMARY!r}, not {name!r}")
        return name
    try:
        named_item(taxonomy, field, Item(name))
    except CasesUnreadable as error:
        raise CannotBeAdded(error.message) from None
    return name


def turn_named(call: MinedCall, text: str) -> Segment:
    """The turn ``s3``, or ``3``.

    Raises:
        CannotBeAdded: there is none.
    """
    found = _TURN.fullmatch(text.strip())
    number = int(found["number"]) if found else 0
    if not 1 <= number <= len(call.segments):
        raise CannotBeAdded(f"there is no turn {text!r}: they are s1 to s{len(call.segments)}")
    return call.segments[number - 1]


def addition(edition: Edition, field: LabelledField, name: str, turn: Segment, words: str) -> Extracted:
    """The item that stands on these words of a turn; a follow-up has them for what is to be done.

    Args:
        edition: whose names and sides hold.
        field: none of ``WITHOUT_WORDS``.
        name: one of ``names_in``.
        turn: where it was said.
        words: compared with the turn as quotes of a model are (``pipeline.extract.quotes``).

    Raises:
        CannotBeAdded: the words do not stand there, or it is not for this side to say.
    """
    if (quote := find_quote(words, turn.text, mention=field == "entities")) is None:
        raise CannotBeAdded(f"these words do not stand in that turn: {words!r}")
    if (side := _side(edition.taxonomy, field, name)) is not None and side not in SIDES[turn.role]:
        raise CannotBeAdded(f"{name} is for the {side.value} to say, that turn is the {turn.role.value}'s")
    value = _value(edition.taxonomy, field, name, quote)
    segment_id = None if field == "outcome" else turn.segment_id
    return Extracted(field, name, segment_id, value, quote, stands_in=turn.segment_id)


def whole_call_addition(field: LabelledField, name: str, text: str | None = None) -> Extracted:
    """A topic, or a summary with its text."""
    return Extracted(field, name, value=text if field == SUMMARY else None)


def _side(taxonomy: Taxonomy, field: LabelledField, name: str) -> Role | None:
    if field == "objections":
        return Role.CUSTOMER
    definition = taxonomy.intent(name) if field == "intents" else None
    return definition.role if definition else None


def _value(taxonomy: Taxonomy, field: LabelledField, name: str, quote: str) -> str | None:
    if field == "entities":
        return normalised_value(quote, next((one for one in taxonomy.entities if one.name == name), None))
    return quote if field == "follow_ups" else None
