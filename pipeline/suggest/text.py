"""The text of a card with its slots filled from what was heard in the call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from schemas.insight import Entity

_SLOT: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_ASIDE: Final = re.compile(r"\s?[(\uff08]([^()\uff08\uff09]{0,200})[)\uff09]")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])\s*")
_HAN_ENDS: Final = ("\u3002", "\uff01", "\uff1f")
_LONGEST_VALUE: Final = 80


def fill(template: str, values: Mapping[str, str]) -> str | None:
    """Fill each ``{slot}``; None if nothing of the text can be said.

    A slot without a value takes the brackets around it along, and where there are none its whole sentence: advice never
    shows a gap, and never names what was not heard. Values are data: braces in them stay as they are.
    """
    cut = (_filled(sentence, values) for sentence in sentences(template))
    text = ""
    for sentence in filter(None, cut):
        glue = "" if not text or text.endswith(_HAN_ENDS) else " "
        text += glue + sentence
    return text or None


def sentences(text: str) -> list[str]:
    """The sentences of a text in order, each with its mark."""
    return _SENTENCE.split(text.strip())


def slots_of(template: str) -> tuple[str, ...]:
    """The names of its slots, each once."""
    return tuple(dict.fromkeys(slot[1] for slot in _SLOT.finditer(template)))


def values_at(entities: Sequence[Entity], until_ms: int) -> dict[str, str]:
    """The value of each slot as last said until then, or first said after; one line, at most 80 characters."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for entity in sorted(entities, key=_order):
        value = " ".join(entity.value.split())[:_LONGEST_VALUE]
        if not value:
            continue
        if _order(entity)[0] <= until_ms:
            before[entity.name] = value
        else:
            after.setdefault(entity.name, value)
    return after | before


def _filled(sentence: str, values: Mapping[str, str]) -> str | None:
    sentence = _ASIDE.sub(lambda aside: aside[0] if _known(aside[1], values) else "", sentence)
    if not _known(sentence, values):
        return None
    return _SLOT.sub(lambda slot: values[slot[1]], sentence).strip()


def _known(text: str, values: Mapping[str, str]) -> bool:
    return all(slot[1] in values for slot in _SLOT.finditer(text))


def _order(entity: Entity) -> tuple[int, str]:
    return min(evidence.start_ms for evidence in entity.evidence), entity.entity_id
