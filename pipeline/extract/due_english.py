"""English words for the day on which something is due."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final

from pipeline.extract.days import (
    DayRule,
    coming,
    coming_number,
    coming_weekday,
    in_days,
    in_hours,
    in_months,
    in_working_days,
    month_end,
    of_week,
    on,
)
from pipeline.extract.numbers import digits

_SUNDAY: Final = 6
_DECEMBER: Final = 12
_MONTH_NAMES: Final = "january february march april may june july august september october november december"
_MONTHS: Final = tuple(_MONTH_NAMES.split())
_WEEKDAY_NAMES: Final = "monday tuesday wednesday thursday friday saturday sunday"
_WEEKDAYS: Final = tuple(_WEEKDAY_NAMES.split())
_FIRST_TO_NINTH: Final = "first second third fourth fifth sixth seventh eighth ninth"
_ONES: Final = _FIRST_TO_NINTH.split()
_TENTH_TO_TWENTIETH: Final = (
    "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_TEENS: Final = _TENTH_TO_TWENTIETH.split()
_ORDINALS: Final = {
    word: number
    for number, word in enumerate(
        [*_ONES, *_TEENS, *(f"twenty {one}" for one in _ONES), "thirtieth", "thirty first"], 1
    )
}
_UNIT: Final = "one|two|three|four|five|six|seven|eight|nine"
_COUNT: Final = (
    rf"(?:\d{{1,3}}|an?|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[ -](?:{_UNIT}))?"
    r"|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
    rf"|{_UNIT})"
)
# "You may first …" is no day in May.
_MONTH: Final = "|".join(_MONTHS).replace("|may|", r"|(?<!you )(?<!we )(?<!they )(?<!i )(?<!it )may|")
_DAY: Final = "|".join(_WEEKDAYS)
_ORDINAL: Final = rf"(?:\d{{1,2}}(?:st|nd|rd|th)|{'|'.join(sorted(_ORDINALS, key=len, reverse=True))})".replace(
    " ", "[ -]"
)
_SPAN: Final = (
    rf"(?:{_COUNT}(?: (?:to|or) | ?[-\u2013] ?))?(?P<count>{_COUNT})[ -]"
    r"(?P<unit>(?:business|working) days?|days?|weeks?|months?|years?|hours?)"
)
_PART: Final = r"(?: (?:morning|afternoon|evening|night|at noon))?"


def _count(said: str) -> int:
    return 1 if said.lower() in {"a", "an"} else int(digits(said))


def _number(said: str) -> int:
    written = re.match(r"\d+", said)
    return int(written[0]) if written else _ORDINALS[said.lower().replace("-", " ")]


def _month(said: str) -> int:
    return _MONTHS.index(said.lower()) + 1


def _later(match: re.Match[str], today: date) -> date | None:
    count, unit = _count(match["count"]), match["unit"].lower().rstrip("s")
    if unit in {"business day", "working day"}:
        return in_working_days(today, count)
    if unit == "hour":
        return in_hours(today, count)
    if unit in {"day", "week"}:
        return in_days(today, count * (7 if unit == "week" else 1))
    return in_months(today, count * (12 if unit == "year" else 1))


def _later_than(match: re.Match[str], today: date) -> date | None:
    base = match["base"].lower()
    start = in_days(today, 1) if base == "tomorrow" else today if base in {"now", "today"} else _weekday(base, today)
    return start and _later(match, start)


def _of_month(match: re.Match[str], today: date) -> date | None:
    month, number = _month(match["month"]), _number(match["number"])
    return on(int(match["year"]), month, number) if match["year"] else coming(today, month, number)


def _numbered(match: re.Match[str], today: date) -> date | None:
    number, which = _number(match["number"]), (match["which"] or "").lower()
    if not which:
        return coming_number(today, number)
    month = in_months(today.replace(day=1), int(which == "next"))
    return month and on(month.year, month.month, number)


def _weekday(said: str, today: date) -> date | None:
    which, _, name = said.lower().rpartition(" ")
    weekday = _WEEKDAYS.index(name)
    if which == "next":
        return of_week(today, weekday, 1)
    if which.startswith("this"):
        found = of_week(today, weekday)
        return found if found is not None and found >= today else None
    return None if which == "last" else coming_weekday(today, weekday)


def _end_of(match: re.Match[str], today: date) -> date | None:
    """The last day of a week, which is its Sunday, of a month or a year."""
    later, unit = int((match["which"] or "").lower() == "next"), match["unit"].lower()
    if unit == "week":
        return of_week(today, _SUNDAY, later)
    return month_end(today, later) if unit == "month" else on(today.year + later, _DECEMBER, 31)


def _end_of_month(match: re.Match[str], today: date) -> date | None:
    month = _month(match["month"])
    first = on(today.year + (month < today.month), month, 1)
    return first and month_end(first)


def _plain(days: int) -> Callable[[re.Match[str], date], date | None]:
    return lambda _, today: in_days(today, days)


def _no_day(_match: re.Match[str], _today: date) -> None:
    """Words for when that name no day, and hold others that would."""


def _rule(words: str, day: Callable[[re.Match[str], date], date | None] | None, *, ahead: bool = False) -> DayRule:
    return DayRule(re.compile(rf"\b(?:{words})\b", re.IGNORECASE), day, ahead)


RULES: Final = (
    _rule(rf"(?:every|each|all) (?:{_DAY}|day|week|month|year)|(?:{_DAY})s", None),
    _rule(rf"(?:beginning|start|middle) of (?:the |this |next )?(?:week|month|year|{_MONTH})", _no_day),
    _rule(r"(?:with)?in a (?:few|couple of) (?:minutes|hours|days|weeks|months)", _no_day),
    _rule(rf"(?:with)?in (?:about )?(?:{_COUNT}(?: or | to ))?{_COUNT} minutes?", _no_day),
    _rule(
        rf"(?:the )?(?P<month>{_MONTH}) (?:the )?(?P<number>{_ORDINAL}|\d{{1,2}})(?:,? (?P<year>\d{{4}}))?",
        _of_month,
        ahead=True,
    ),
    _rule(
        rf"(?:the )?(?P<number>{_ORDINAL}|\d{{1,2}}) (?:of )?(?P<month>{_MONTH})(?:,? (?P<year>\d{{4}}))?",
        _of_month,
        ahead=True,
    ),
    _rule(rf"{_SPAN} (?:from|after|on) (?P<base>now|today|tomorrow|(?:next |this )?(?:{_DAY}))", _later_than),
    _rule(rf"(?P<base>{_DAY}) week", lambda m, today: (d := _weekday(m["base"], today)) and in_days(d, 7)),
    _rule(
        rf"(?:(?:with)?in|during|over)(?: the)?(?: next| about| around)? {_SPAN}(?:['\u2019]s?)?(?: time)?",
        _later,
    ),
    _rule(r"(?:the )?day after tomorrow", _plain(2)),
    _rule(rf"(?:by )?tomorrow{_PART}", _plain(1)),
    _rule(
        r"(?:later )?today|tonight|this (?:morning|afternoon|evening)"
        r"|(?:by )?(?:the )?end of (?:the )?(?:business )?day|close of business",
        _plain(0),
    ),
    _rule(rf"(?:by |before )?(?:the )?end of (?P<month>{_MONTH})", _end_of_month, ahead=True),
    _rule(
        r"(?:by |before |at )?(?:the )?end of (?P<which>this|next|the) (?P<unit>week|month|year)",
        _end_of,
    ),
    _rule(r"(?:on |over )?(?:this|the) (?P<unit>week)end(?P<which>)", _end_of),
    _rule(r"next weekend", _no_day),
    _rule(
        rf"(?:(?:on|by|until|till|before|from) )?the (?P<number>{_ORDINAL})"
        r"(?: of (?P<which>the|this|next) month|(?=\s*$|[.,;!?]| at\b| in the (?:morning|afternoon|evening)\b))",
        _numbered,
        ahead=True,
    ),
    _rule(
        rf"(?:(?:on|by|until|till|before) )?(?P<day>next (?:{_DAY})){_PART}", lambda m, today: _weekday(m["day"], today)
    ),
    _rule(
        rf"(?:(?:on|by|until|till|before) )?(?P<day>(?:(?:this|this coming|last) )?(?:{_DAY})){_PART}",
        lambda m, today: _weekday(m["day"], today),
        ahead=True,
    ),
    _rule(r"(?:by |later |sometime )?(?P<which>this|next) (?P<unit>week|month|year)", _end_of),
)
"""In this order: a place that one has taken is not given to a later one."""
