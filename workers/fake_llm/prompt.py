"""What a prompt lists and which turns it shows, read from its text as a model would read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from workers.fake_llm.question import Question
from workers.fake_llm.shape import schema_of_shape

_TURN: Final = re.compile(r"^\[(?P<id>[^\]\s]+)\] (?P<role>\w+) (?P<start>[\d.]+)s: (?P<text>.*)$", re.MULTILINE)
_PART: Final = re.compile(r"^\d+\. (.+)$", re.MULTILINE)
_BULLET: Final = re.compile(
    r"^- (?P<name>[a-z][a-z0-9_]*) ?[(\uff08](?P<role>\w+)[)\uff09][:\uff1a] ?(?P<text>.+)$", re.MULTILINE
)
_ITEM: Final = r"[a-z][a-z0-9_]*(?: ?[(\uff08][^()\uff08\uff09]*[)\uff09])?"
_LIST: Final = re.compile(
    rf"^(?P<heading>[^:\uff1a\n]{{1,40}})[:\uff1a] ?(?P<items>{_ITEM}(?:[,、] ?{_ITEM})*) *$", re.MULTILINE
)
_NAMED: Final = re.compile(r"([a-z][a-z0-9_]*)(?: ?[(\uff08]([^()\uff08\uff09]*)[)\uff09])?")
_HEADINGS: Final[Mapping[str, str]] = {
    "outcome": "outcomes",
    "结果": "outcomes",
    "entit": "entities",
    "槽位": "entities",
    "topic": "topics",
    "主题": "topics",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of the transcript."""

    id: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Named:
    """A name that the prompt allows, and what it says about it; ``role`` is whose it is, where that is said."""

    name: str
    title: str = ""
    text: str = ""
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the rules work with; ``names`` by what is listed: intents, outcomes, entities, topics."""

    turns: tuple[Turn, ...]
    names: Mapping[str, tuple[Named, ...]]
    schema: Mapping[str, Any] | None
    parts: tuple[str, ...] = ()
    """The numbered lines of a prompt that shows no turns: summaries of parts."""

    @property
    def is_chinese(self) -> bool:
        """Whether the turns are mostly in Chinese characters."""
        text = "".join(turn.text for turn in self.turns)
        return sum("\u4e00" <= character <= "\u9fff" for character in text) * 2 > len(text)


def read_prompt(question: Question) -> Reading:
    """The turns of the newest message that shows any, and the names of the schema as the instructions explain them."""
    turns = next((found for said in reversed(question.messages) if (found := _turns(said.text))), ())
    told = "\n".join(said.text for said in question.messages if said.role in {"system", "developer"})
    names = names_in(told or question.text)
    schema = question.schema or schema_of_shape(
        told or question.text, {kind: tuple(one.name for one in listed) for kind, listed in names.items()}
    )
    parts = () if turns else tuple(_PART.findall(question.messages[-1].text))
    return Reading(turns, _with_schema(names, schema), schema, parts)


@lru_cache(maxsize=64)
def names_in(instructions: str) -> Mapping[str, tuple[Named, ...]]:
    """What the instructions list: intents as bullets with a role, the rest as a heading and names."""
    found: dict[str, tuple[Named, ...]] = {}
    if intents := tuple(_bulleted(instructions)):
        found["intents"] = intents
    for line in _LIST.finditer(instructions):
        heading = line["heading"].lower()
        if kind := next((kind for word, kind in _HEADINGS.items() if word in heading), None):
            found[kind] = tuple(Named(name, title) for name, title in _NAMED.findall(line["items"]))
    return found


def _turns(text: str) -> tuple[Turn, ...]:
    return tuple(Turn(line["id"], line["role"], line["text"]) for line in _TURN.finditer(text) if line["text"].strip())


def _bulleted(instructions: str) -> Iterator[Named]:
    for line in _BULLET.finditer(instructions):
        title, _, text = re.sub(r"[.。] ?", "\n", line["text"], count=1).partition("\n")
        yield Named(line["name"], title, text, line["role"])


def _with_schema(
    names: Mapping[str, tuple[Named, ...]], schema: Mapping[str, Any] | None
) -> Mapping[str, tuple[Named, ...]]:
    """Where the instructions list nothing of a kind, what the schema enumerates, explained by the names alone."""
    if schema is None:
        return names
    listed = dict(names)
    for kind, field in (("intents", "intent"), ("entities", "entity"), ("outcomes", "name")):
        if kind not in listed and (values := _enumerated(schema, field)):
            listed[kind] = tuple(Named(value, value.replace("_", " ")) for value in values)
    return listed


def _enumerated(schema: object, field: str) -> Sequence[str]:
    """The values of the first property of this name that has an enumeration."""
    if isinstance(schema, list):
        return next((found for part in schema if (found := _enumerated(part, field))), ())
    if not isinstance(schema, dict):
        return ()
    properties = schema.get("properties")
    if isinstance(properties, dict) and isinstance(properties.get(field), dict):
        values = properties[field].get("enum", ())
        if values:
            return [str(value) for value in values]
    return next((found for part in schema.values() if (found := _enumerated(part, field))), ())
