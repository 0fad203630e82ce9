"""The summary that the rules write: what each side wanted and did, and how it ended, in the language of the turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workers.fake_llm.prompt import Reading


@dataclass(frozen=True, slots=True)
class _Style:
    """The words and marks of one language."""

    customer: str
    agent: str
    outcome: str
    nothing: str
    comma: str
    stop: str
    space: str


_ENGLISH: Final = _Style("Customer: ", "Agent: ", "Outcome: ", "A conversation of {turns} turns.", ", ", ".", " ")
_CHINESE: Final = _Style("客户\uff1a", "坐席\uff1a", "结果\uff1a", "对话共{turns}句。", "、", "。", "")


def summary_of(reading: Reading, intents: Sequence[Mapping[str, Any]], outcome: Mapping[str, Any] | None) -> str:
    """A sentence for each side, and one for the outcome; of parts that are summed up, the first and the last."""
    if reading.parts:
        return " ".join(dict.fromkeys((reading.parts[0], reading.parts[-1])))
    style = _CHINESE if reading.is_chinese else _ENGLISH
    titles = _titles(reading, "intents")
    sentences = []
    for role, label in (("customer", style.customer), ("agent", style.agent)):
        named = dict.fromkeys(titles[one["intent"]] for one in intents if one["role"] == role)
        if named:
            sentences.append(f"{label}{style.comma.join(named)}{style.stop}")
    if outcome is not None:
        sentences.append(f"{style.outcome}{_titles(reading, 'outcomes')[outcome['name']]}{style.stop}")
    return style.space.join(sentences) or style.nothing.format(turns=len(reading.turns))


def _titles(reading: Reading, kind: str) -> dict[str, str]:
    return {one.name: one.title or one.name for one in reading.names.get(kind, ())}
