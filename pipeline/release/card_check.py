"""Whether a card fits its scenario, and cards in files as ``playbook.yaml`` has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import RootModel

from pipeline.scenarios.card_editions import check_fits
from pipeline.scenarios.files import ScenarioError, read_part, validated
from pipeline.scenarios.model import Card, Edition
from pipeline.suggest.text import slots_of

_NOBODY: Final = "-"
"""Stands in a draft for who approves it, whom a card cannot do without."""


class _CardFile(RootModel[Any]):
    """A card, a list of cards, or a list under ``cards:``, as playbooks and ``convmine coach`` have it."""


def card_in(file: Path, card_id: str) -> Mapping[str, Any]:
    """What a file says of a card.

    Raises:
        ScenarioError: it cannot be read, or has no such card.
    """
    root = read_part(file.parent, _CardFile, file.name).root
    found = root.get("cards", root) if isinstance(root, dict) else root
    if isinstance(found, dict):
        return {"id": card_id, **found}
    cards = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    if not cards:
        raise ScenarioError(f"{file.name}: is no card, and no list of cards")
    for one in cards:
        if one.get("id") == card_id:
            return one
    there = ", ".join(str(one.get("id")) for one in cards)
    raise ScenarioError(f"{file.name}: id: no card is {card_id!r}; there are {there}")


def fitting(content: Mapping[str, Any], card_id: str, edition: Edition) -> Card:
    """A draft's content as a card that this edition has all names of.

    Raises:
        ScenarioError: it is not valid or does not fit; each complaint names the field.
    """
    where = f"card {card_id}"
    card = validated(Card, {**content, "approved_by": _NOBODY}, where)
    if card.id != card_id:
        raise ScenarioError(f"{where}: id: is {card.id!r}")
    check_fits(card, edition)
    if complaints := tuple(unknown_slots((card,), edition)):
        raise ScenarioError(*(f"{where}: {what}" for _, what in complaints))
    return card


def unknown_slots(cards: Iterable[Card], edition: Edition) -> Iterator[tuple[str, str]]:
    """The id of each card whose text has a slot that is no entity, and what is wrong with it."""
    entities = {entity.name for entity in edition.taxonomy.entities}
    for card in cards:
        for name in slots_of(card.text):
            if name not in entities:
                there_are = ", ".join(sorted(entities)) or "none"
                yield card.id, f"text: {{{name}}} is no entity; there are {there_are}"
