"""Amounts and dates in a text, each with the words that say of what: a sentence, or a table's cell with its heads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from pipeline.discovery.content_words import content_words
from pipeline.extract.days import on
from pipeline.extract.numbers import digits
from pipeline.knowledge.relevance import stem
from pipeline.store.sparse import tokens

_NUMBER: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_UNITS: Final = (
    ("EUR", rf"€ ?({_NUMBER})|({_NUMBER}) ?(?:€|euros?\b|欧元)"),
    ("GBP", rf"£ ?({_NUMBER})|({_NUMBER}) ?(?:pounds?\b|英镑)"),
    ("money", rf"[$¥￥] ?({_NUMBER})|({_NUMBER}) ?(?:dollars?\b|bucks\b|usd\b|yuan\b|rmb\b|元|块)"),
    ("%", rf"({_NUMBER}) ?(?:%|percent\b)"),
    ("GB", rf"({_NUMBER}) ?个?(?:gb?|gigabytes?|gigs?)\b|({_NUMBER})个?G"),
    ("Mbps", rf"({_NUMBER}) ?(?:mbps|mbit/s|megabits?\b|兆)"),
    ("hour", rf"({_NUMBER})[ -]?(?:hours?\b|个?小时)"),
    ("day", rf"({_NUMBER})[ -]?(?:(?:working |business )?days?\b|个?(?:工作日|天))"),
    ("week", rf"({_NUMBER})[ -]?(?:weeks?\b|个?(?:星期|周))"),
    ("month", rf"({_NUMBER})[ -]?(?:months?\b|个月)"),
    ("year", rf"({_NUMBER})[ -]?(?:years?\b|年(?!\d))"),
)
_AMOUNTS: Final = tuple((unit, re.compile(pattern, re.IGNORECASE)) for unit, pattern in _UNITS)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_MONTH: Final = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATES: Final = (
    re.compile(r"(?<!\d)(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?P<y>\d{4}) ?年 ?(?P<m>\d{1,2}) ?月 ?(?P<d>\d{1,2}) ?[日号]"),
    re.compile(rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{_MONTH}),? (?P<y>\d{{4}})", re.IGNORECASE),
    re.compile(rf"(?P<m>{_MONTH}) (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>\d{{4}})", re.IGNORECASE),
)
_SENTENCES: Final = re.compile(r"(?<=[.!?;])\s+|[\u3002\uff01\uff1f\uff1b]")
_WRAP: Final = re.compile(r"\n(?!\s*(?:[-*+|]|\d+[.)]|\n))(?<!\|\n)")
"""The end of a line within a paragraph, and not before an item of a list or a row of a table."""
_RULE: Final = re.compile(r"^[\s|:+-]*$")
_ENGLISH: Final = """
price cost costs fee amount pay pays paid charge charged dollar dollars euro yuan percent per each date valid tax month
months monthly year years yearly day days week weeks hour hours until only now new total including gigabyte gigabytes gb
mbps usd up least most about
"""
_CHINESE: Final = "价格 费用 收取 收费 每月 月租 每年 每天 元 块 天 个月 年 月 日 至 有效 截至 含税 只要 共 起 以内"
_SAID_OF_ANY: Final = frozenset([*(stem(token.term) for token in tokens(_ENGLISH)), *_CHINESE.split()])
"""Stems of what is said of an amount whatever it is of, so that it does not say of what."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a clause says: of what (its stems), in which unit, how much; ``quote`` are its words.

    A clause with several amounts of a unit, as a range has, has all of them.
    """

    about: frozenset[str]
    unit: str
    amounts: frozenset[float | date]
    quote: str


def stated(text: str) -> Iterator[Stated]:
    """The amounts of a text, clause by clause, each unit by itself; spoken numbers count as digits."""
    for said in _clauses(text):
        plain = digits(said)
        rest, found = plain, dict[str, set[float | date]]()
        for pattern in _DATES:
            for match in pattern.finditer(rest):
                if (day := _day(match)) is not None:
                    found.setdefault("date", set()).add(day)
            rest = pattern.sub(" ", rest)
        for unit, pattern in _AMOUNTS:
            for match in pattern.finditer(rest):
                number = next(group for group in match.groups() if group)
                found.setdefault(unit, set()).add(float(number.replace(",", "")))
            rest = pattern.sub(" ", rest)
        words = _about(rest)
        for unit, amounts in found.items():
            yield Stated(words, unit, frozenset(amounts), said.strip())


def _clauses(text: str) -> Iterator[str]:
    """Sentences, lines of lists, and cells of tables; with a cell, its row's first cell and its column's head."""
    head: list[str] = []
    for line in (line.strip() for line in _WRAP.sub(" ", text).split("\n")):
        if not (line.startswith("|") and line.endswith("|")):
            head = []
            yield from (sentence.strip() for sentence in _SENTENCES.split(line) if sentence.strip())
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if _RULE.match(line):
            continue
        if not head:
            head = cells
            continue
        for place, cell in enumerate(cells[1:], 1):
            column = head[place] if place < len(head) else ""
            yield f"{cells[0]}: {column} {cell}"


def _about(text: str) -> frozenset[str]:
    words = content_words(token.term for token in tokens(text))
    return frozenset(one for word in words if not word.isdigit() and (one := stem(word)) not in _SAID_OF_ANY)


def _day(match: re.Match[str]) -> date | None:
    month = match["m"].lower()
    number = int(month) if month.isdigit() else _MONTHS[month[:3]]
    return on(int(match["y"]), number, int(match["d"]))
