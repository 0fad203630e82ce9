"""Words for the moves of a made-up call: templates with slots, and the examples of the scenario's taxonomy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict

from pipeline.samples.synthetic.plots import Move
from pipeline.scenarios.model import Edition
from schemas.wire import Role

_SLOT: Final = re.compile(r"\{([a-z]+)\}")


class Lines(BaseModel):
    """The templates of one language; ``words_per_second`` is how fast people speak, of Chinese in characters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words_per_second: float
    joint: str
    openers: Mapping[Role, tuple[str, ...]]
    tails: Mapping[Role, tuple[str, ...]]
    offers: Mapping[str, tuple[str, ...]]
    talk: Mapping[Role, tuple[str, ...]]
    slots: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Said:
    """The words of a move; those that its intent stands on are ``quote``, a part of them."""

    text: str
    quote: str


@cache
def lines_in(language: str) -> Lines:
    """The templates of a language that has any."""
    path = files("pipeline") / "samples" / "synthetic" / f"{language}.yaml"
    return Lines.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def said(move: Move, edition: Edition, random: Random) -> Said:
    """One of many ways to put a move."""
    lines = lines_in(edition.language)
    quote = _SLOT.sub(lambda slot: random.choice(lines.slots[slot[1]]), random.choice(_templates(move, edition, lines)))
    around = (random.choice(lines.openers[move.role]), quote, random.choice(lines.tails[move.role]))
    text = lines.joint.join(filter(None, around))
    return Said(_SLOT.sub(lambda slot: random.choice(lines.slots[slot[1]]), text), quote)


def _templates(move: Move, edition: Edition, lines: Lines) -> tuple[str, ...]:
    if move.offer is not None:
        return lines.offers[move.offer]
    definition = edition.taxonomy.intent(move.intent) if move.intent else None
    return lines.talk[move.role] if definition is None else definition.examples
