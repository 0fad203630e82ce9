"""What the rules find in the turns of a prompt, as plain values by the names that schemas use for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from workers.fake_llm.labels import LEAST, Labeller, clauses
from workers.fake_llm.prompt import Named, Reading, Turn
from workers.fake_llm.summary import summary_of

_Found = dict[str, Any]

_NUMBER: Final = (
    r"(?:\d[\d,.]*|(?:a|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty"
    r"|sixty|seventy|eighty|ninety|hundred|thousand)(?:[ -](?:one|two|three|four|five|six|seven|eight|nine|hundred))*)"
)
_DIGITS_ZH: Final = r"[\d零一二两三四五六七八九十百千]+"
_DAY: Final = (
    r"today|tomorrow|yesterday|tonight|next (?:week|month|year)|(?:next |this |on )?(?:mon|tues|wednes|thurs|fri|satur"
    r"|sun)day|\d{4}-\d{2}-\d{2}|今天|明天|后天|昨天|今晚|下周[一二三四五六日天]?|下个月|月底"
)
_PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    (
        r"money|amount|price|金额|价格|费用",
        rf"[$¥€£]\s?\d[\d,.]*\d|\b{_NUMBER} ?(?:dollars?|euros?|bucks|cents?)\b|{_DIGITS_ZH}(?:元|块钱|块)",
    ),
    (r"percent|discount|折扣|比例", rf"\b{_NUMBER} ?(?:%|percent\b)|百分之{_DIGITS_ZH}|[一二三四五六七八九]折"),
    (r"\btime|时间", r"\bat (?:noon|\d{1,2}(?::\d\d)?(?: ?[ap]m)?)\b|[上下]午\S{1,2}点"),
    (r"date|day|日期", rf"\b(?:{_DAY})|{_DAY}"),
    (
        r"duration|period|时长|期限",
        rf"\b{_NUMBER}[ -](?:days?|weeks?|months?|years?|hours?)\b|{_DIGITS_ZH}(?:个月|个星期|天|年|小时)",
    ),
    (r"data|volume|speed|流量", rf"\b{_NUMBER} ?(?:gb|mb|gigs?|gigabytes?|mbps)\b|{_DIGITS_ZH} ?(?:GB|G|兆)"),
)
_OBJECTION: Final = re.compile(
    r"too (?:expensive|much|high|long|slow)|not interested|do(?:n't| not) (?:need|want|trust|like)|can(?:'t|not) afford"
    r"|cheaper|太贵|太高|太多|太慢|太长|不需要|不感兴趣|不划算|便宜",
    re.IGNORECASE,
)
_FOLLOW_UP: Final = re.compile(
    r"\b(?:i|we)(?:'ll| will| am going to| are going to) |\blet me (?:send|call|check)"
    r"|我(?:们)?(?:会|来|给您|帮您)|稍后",
    re.IGNORECASE,
)
_DUE: Final = re.compile(rf"\b(?:{_DAY})\b|{_DAY}", re.IGNORECASE)


_CLAIM: Final = ("segment", "segment_id", "role", "quote")
_ONE_WORD: Final = 0.5
"""The least score of a name among few: one word in common will do."""


def found_in(reading: Reading) -> _Found:
    """By field: intents, entities, topics, outcome, objections, follow_ups, summary; each claim with its quote."""
    intents = list(_intents(reading))
    outcome = _outcome(reading, intents)
    return {
        "intents": intents,
        "entities": list(_entities(reading)),
        "topics": _topics(reading, intents),
        "outcome": outcome,
        "objections": list(_objections(reading.turns)),
        "follow_ups": list(_follow_ups(reading.turns)),
        "summary": summary_of(reading, intents, outcome),
    }


def _intents(reading: Reading) -> Iterator[_Found]:
    labeller = _labeller(reading.names.get("intents", ()))
    for turn in reading.turns:
        seen: set[str] = set()
        for clause in clauses(turn.text):
            match = labeller.best(clause.text, turn.role)
            if match is not None and match.name not in seen:
                seen.add(match.name)
                yield _claim(turn, clause.text) | {"intent": match.name, "confidence": match.confidence}


def _entities(reading: Reading) -> Iterator[_Found]:
    finders = [(named.name, pattern) for named in reading.names.get("entities", ()) if (pattern := _pattern(named))]
    for turn in reading.turns:
        for name, pattern in finders:
            for said in pattern.finditer(turn.text):
                yield _claim(turn, said[0]) | {"entity": name, "value": said[0]}


@lru_cache(maxsize=256)
def _pattern(named: Named) -> re.Pattern[str] | None:
    about = f"{named.name} {named.title}".lower()
    pattern = next((pattern for words, pattern in _PATTERNS if re.search(words, about)), None)
    return None if pattern is None else re.compile(pattern, re.IGNORECASE)


def _topics(reading: Reading, intents: Sequence[_Found]) -> list[str]:
    """The topics whose words stand in the names of the intents."""
    labeller, words = _labeller(reading.names.get("topics", ()), _ONE_WORD), _words_of_intents(reading)
    matches = (labeller.best(words[intent["intent"]]) for intent in intents)
    return list(dict.fromkeys(match.name for match in matches if match is not None))


def _outcome(reading: Reading, intents: Sequence[_Found]) -> _Found | None:
    """The outcome that shares a word with the name of an intent; the last such intent counts."""
    labeller, words = _labeller(reading.names.get("outcomes", ()), _ONE_WORD), _words_of_intents(reading)
    for intent in reversed(intents):
        if match := labeller.best(words[intent["intent"]]):
            return {key: intent[key] for key in _CLAIM} | {
                "name": match.name,
                "reason": f"{intent['role']}: {intent['quote']}",
            }
    return None


def _words_of_intents(reading: Reading) -> dict[str, str]:
    return {named.name: f"{named.name.replace('_', ' ')} {named.title}" for named in reading.names.get("intents", ())}


def _objections(turns: Sequence[Turn]) -> Iterator[_Found]:
    for number, turn in enumerate(turns):
        if turn.role != "customer" or (said := _clause_with(turn, _OBJECTION)) is None:
            continue
        answer = next((later for later in turns[number + 1 : number + 3] if later.role == "agent"), None)
        reply = (
            None if answer is None else _claim(answer, next((one.text for one in clauses(answer.text)), answer.text))
        )
        yield _claim(turn, said) | {"handling": "ignored" if reply is None else "answered", "reply": reply}


def _follow_ups(turns: Sequence[Turn]) -> Iterator[_Found]:
    for turn in turns:
        if turn.role != "customer" and (said := _clause_with(turn, _FOLLOW_UP)) is not None:
            due = _DUE.search(said)
            kind = "next_step" if re.match(r"(?i)we\b|我们", said) else "promise"
            due_said = None if due is None else due[0]
            yield _claim(turn, said) | {"kind": kind, "what": said, "due_said": due_said}


def _clause_with(turn: Turn, pattern: re.Pattern[str]) -> str | None:
    return next((clause.text for clause in clauses(turn.text) if pattern.search(clause.text)), None)


def _claim(turn: Turn, quote: str) -> _Found:
    return {"segment": turn.id, "segment_id": turn.id, "role": turn.role, "quote": quote}


@lru_cache(maxsize=64)
def _labeller(names: tuple[Named, ...], least: float = LEAST) -> Labeller:
    return Labeller(names, least)
