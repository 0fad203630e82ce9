"""Days counted from a day; None where there is no such day."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_WORKING_DAYS: Final = 5
_HOURS_A_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class DayRule:
    """Words for a day, and the day that they mean when they are said on another; None where they name none.

    ``day`` is None of words that only look like such, as "every Monday". ``ahead``: they mean a day to come only
    because it is a promise ("on Monday"); the words alone do not say so.
    """

    words: re.Pattern[str]
    day: Callable[[re.Match[str], date], date | None] | None
    ahead: bool = False


def on(year: int, month: int, day: int) -> date | None:
    """The day with this number."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def coming(today: date, month: int, day: int) -> date | None:
    """Today, if it is that day, or else the next such day of this year or the next."""
    found = (on(year, month, day) for year in (today.year, today.year + 1))
    return next((one for one in found if one is not None and one >= today), None)


def coming_number(today: date, number: int) -> date | None:
    """The next day with this number in its month; None of today's own number, which may mean today or in a month."""
    this, after = on(today.year, today.month, number), in_months(today.replace(day=1), 1)
    if this == today or after is None:
        return None
    return this if this is not None and this > today else on(after.year, after.month, number)


def in_days(today: date, days: int) -> date | None:
    """So many days later."""
    try:
        return today + timedelta(days=days)
    except OverflowError:
        return None


def in_months(today: date, months: int) -> date | None:
    """The same number so many months later, or the last day of a month that has no such day."""
    years, month = divmod(today.month - 1 + months, 12)
    year, month = today.year + years, month + 1
    if not date.min.year <= year <= date.max.year:
        return None
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))


def month_end(today: date, months: int = 0) -> date | None:
    """The last day of this month, or of one so many months later."""
    found = in_months(today, months)
    return found and found.replace(day=calendar.monthrange(found.year, found.month)[1])


def in_working_days(today: date, days: int) -> date | None:
    """So many days from Monday to Friday later; holidays are not known here."""
    weeks, rest = divmod(days, _WORKING_DAYS)
    found = in_days(today, 7 * weeks)
    while found is not None and rest:
        found = in_days(found, 1)
        rest -= found is not None and found.weekday() < _WORKING_DAYS
    while found is not None and days and found.weekday() >= _WORKING_DAYS:
        found = in_days(found, -1)
    return found


def in_hours(today: date, hours: int) -> date | None:
    """So many hours later, where they are whole days: less may be today or tomorrow."""
    return None if hours % _HOURS_A_DAY else in_days(today, hours // _HOURS_A_DAY)


def of_week(today: date, weekday: int, weeks: int = 0) -> date | None:
    """The day with this number, Monday 0, of this week or of one so many weeks later."""
    return in_days(today, weekday - today.weekday() + 7 * weeks)


def coming_weekday(today: date, weekday: int) -> date | None:
    """The next one; None of today's own, which may mean today or in a week."""
    return None if weekday == today.weekday() else in_days(today, (weekday - today.weekday()) % 7)
