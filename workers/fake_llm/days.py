"""Which days a question means: "last week", "in March", "过去30天"; a half-open span, reckoned from today."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

Span = tuple[date | None, date | None]
"""The first day, and the day after the last; None where there is no bound."""

_DAY: Final = timedelta(days=1)
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)


def span_in(text: str, today: date) -> Span:
    """The days that the words name; without any, no bounds."""
    for pattern, span in _SPANS.items():
        if found := re.search(pattern, text, re.IGNORECASE):
            return span(found, today)
    return None, None


def _month(first: date) -> Span:
    first = first.replace(day=1)
    return first, (first + 31 * _DAY).replace(day=1)


def _week(day: date) -> Span:
    monday = day - day.weekday() * _DAY
    return monday, monday + 7 * _DAY


def _between(found: re.Match[str], _: date) -> Span:
    return date.fromisoformat(found[1]), date.fromisoformat(found[2]) + _DAY


def _named_month(found: re.Match[str], today: date) -> Span:
    """The month of that year, else the latest of that name that has begun."""
    said, year = found["month"].lower(), found["year"]
    month = int(said) if said.isdigit() else _MONTHS.index(said) + 1
    if not 1 <= month <= len(_MONTHS):
        return None, None
    return _month(date(int(year) if year else today.year - (month > today.month), month, 1))


_DATE: Final = r"(\d{4}-\d{2}-\d{2})"
_SPANS: Final[Mapping[str, Callable[[re.Match[str], date], Span]]] = {
    rf"{_DATE} ?(?:to|and|until|-|到|至) ?{_DATE}": _between,
    rf"(?:since|from|after|自从?|从) ?{_DATE}|{_DATE} ?(?:以来|之后|以后)": lambda found, _: (
        date.fromisoformat(found[1] or found[2]),
        None,
    ),
    rf"(?:before|until) {_DATE}|{_DATE} ?(?:之前|以前)": lambda found, _: (
        None,
        date.fromisoformat(found[1] or found[2]),
    ),
    rf"{_DATE}": lambda found, _: (date.fromisoformat(found[1]), date.fromisoformat(found[1]) + _DAY),
    r"(?:last|past) (\d{1,3}) days|(?:最近|过去)(\d{1,3})天": lambda found, today: (
        today - int(found[1] or found[2]) * _DAY,
        None,
    ),
    r"last week|上(?:个星期|一?周)": lambda _, today: _week(today - 7 * _DAY),
    r"this week|[本这](?:个星期|一?周)": lambda _, today: _week(today),
    r"last month|上个?月": lambda _, today: _month(today.replace(day=1) - _DAY),
    r"this month|[本这]个?月": lambda _, today: _month(today),
    r"yesterday|昨天": lambda _, today: (today - _DAY, today),
    r"\btoday\b|今天": lambda _, today: (today, None),
    rf"\b(?:in|of|during) (?P<month>{'|'.join(_MONTHS)})(?: (?P<year>\d{{4}}))?": _named_month,
    r"(?:(?P<year>\d{4})年)?(?P<month>\d{1,2})月": _named_month,
}
