"""What a prompt shows that asks which question of a store a person means: their words, stored names, and the day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from workers.fake_llm.question import Question

_WORDS: Final = re.compile(r"<question>\s*(.*?)\s*</question>", re.DOTALL)
_DAY: Final = re.compile(r"(?:Today is|今天是).*?(\d{4}-\d{2}-\d{2})")
_NAMES: Final = re.compile(r"^(?:Stored names|库中的名称)[:\uff1a]\n(?P<lines>(?:- .*\n)*)", re.MULTILINE)
_NAMED: Final = re.compile(r"^- (?P<field>[a-z ]+): (?P<names>.+)$", re.MULTILINE)
_MORE: Final = re.compile(r", (?:and \d+ more|… \+\d+)$")


@dataclass(frozen=True, slots=True)
class Asked:
    """The words, the stored names by field, and today."""

    text: str
    names: Mapping[str, tuple[str, ...]]
    today: date


def read_asked(question: Question) -> Asked | None:
    """What the prompt shows; None where it is not such a prompt."""
    told = "\n".join(said.text for said in question.messages if said.role in {"system", "developer"})
    shown = next(
        (found for said in question.messages if said.role == "user" and (found := _WORDS.search(said.text))), None
    )
    day = _DAY.search(told)
    if shown is None or day is None:
        return None
    listed = _NAMES.search(told)
    names = {
        line["field"]: tuple(_MORE.sub("", line["names"]).split(", "))
        for line in _NAMED.finditer(listed["lines"] if listed else "")
    }
    return Asked(shown[1], names, date.fromisoformat(day[1]))
