"""Days, ISO weeks and months as they are stored: which come before one, so that none is left out where nothing was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import islice, takewhile
from typing import TypeGuard, get_args

from pipeline.questions.question import Period


def is_period(name: str) -> TypeGuard[Period]:
    """Whether a field is a stretch of time: ``day``, ``week`` or ``month``."""
    return name in get_args(Period)


def unbroken(names: Iterable[str], period: Period, most: int) -> list[str]:
    """From the first of these periods to the last, in order of time, with those between; of many the last ``most``."""
    known = sorted(names)
    if not known:
        return []
    back = takewhile(lambda name: name >= known[0], _back_from(known[-1], period))
    return list(islice(back, most))[::-1]


def _back_from(name: str, period: Period) -> Iterator[str]:
    """The period of this name (``2026-03-31``, ``2026-W14``, ``2026-03``), the one before it, and so on."""
    while True:
        yield name
        try:
            name = _named(_first_day(name, period) - timedelta(days=1), period)
        except OverflowError:  # the calendar begins
            return


def _first_day(name: str, period: Period) -> date:
    if period == "month":
        return date.fromisoformat(f"{name}-01")
    return date.fromisoformat(f"{name}-1" if period == "week" else name)


def _named(day: date, period: Period) -> str:
    if period == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    return f"{day:%Y-%m}" if period == "month" else day.isoformat()
