"""The day on which something is due, worked out from the words for it and the day of the call; never a guess."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Final

from pipeline.extract import due_chinese, due_english
from pipeline.extract.days import DayRule, on

_ISO: Final = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_RULES: Final = (
    DayRule(_ISO, lambda match, _: on(*map(int, match.group(1, 2, 3)))),
    *due_english.RULES,
    *due_chinese.RULES,
)
_ANY_DAY: Final = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class _When:
    """Words for when in a text (``text[start:end]``), and the day that they name, if they do.

    ``once`` is false of words that are about many days.
    """

    start: int
    end: int
    day: date | None
    once: bool


def due_date(said: str, today: date) -> date | None:
    """The day that the words name when they are said on ``today``; of a week, a month or a year its last.

    English and Chinese. "Monday" is the next one, "next Monday" (下周一) that of the week after this one, weeks begin
    on Monday. None where the words name no day ("soon", "in an hour"), more than one ("Monday or Tuesday"), or one
    that may be today or a later one ("Friday", on a Friday).
    """
    days = {when.day for when in _whens(said, today, _RULES)}
    return days.pop() if len(days) == 1 else None


def plain_date(said: str, today: date) -> date | None:
    """As ``due_date``, for words that may be about the past: a weekday or a date without a year is no day then."""
    days = {when.day for when in _whens(said, today, _RULES, ahead=False)}
    return days.pop() if len(days) == 1 else None


def due_said(text: str) -> str | None:
    """The first words for when in a text, as they stand there."""
    found = (when for when in _whens(text, _ANY_DAY, _RULES) if when.once)
    first = min(found, key=lambda when: when.start, default=None)
    return None if first is None else text[first.start : first.end]


def _whens(text: str, today: date, rules: tuple[DayRule, ...], *, ahead: bool = True) -> list[_When]:
    found: list[_When] = []
    for rule, match in _matches(text, rules):
        start, end = match.span()
        if all(end <= other.start or other.end <= start for other in found):
            day = rule.day(match, today) if rule.day and (ahead or not rule.ahead) else None
            found.append(_When(start, end, day, once=rule.day is not None))
    return found


def _matches(text: str, rules: tuple[DayRule, ...]) -> Iterator[tuple[DayRule, re.Match[str]]]:
    return chain.from_iterable(((rule, match) for match in rule.words.finditer(text)) for rule in rules)
