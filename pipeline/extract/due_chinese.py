"""Chinese words for the day on which something is due."""

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
_WEEKDAYS: Final = {
    letter: number for letters in ("一二三四五六日", "1234567") for number, letter in enumerate(letters)
}
_WEEKDAYS_TOO: Final = _WEEKDAYS | {"天": _SUNDAY}
_N: Final = r"(?:\d{1,3}|[一二两三四五六七八九十百]{1,4})"
_WEEK: Final = r"(?:周|星期|礼拜)"
_DAY_UNIT: Final = r"(?P<unit>个?工作日|天|日|个?小时|个?钟头|周|个?星期|个?礼拜|个月|年)"
_WEEKS: Final = {"下下": 2, "下": 1}


def _count(said: str) -> int:
    """A number; of "two or three" (两三) the larger."""
    written = digits(said)
    return int(written) if written.isdigit() else int(digits(said[-1]))


def _later(match: re.Match[str], today: date) -> date | None:
    count, unit = _count(match["count"]), match["unit"].removeprefix("个")
    if unit == "工作日":
        return in_working_days(today, count)
    if unit in {"小时", "钟头"}:
        return in_hours(today, count)
    if unit in {"天", "日"}:
        return in_days(today, count)
    if unit in {"月", "年"}:
        return in_months(today, count * (12 if unit == "年" else 1))
    return in_days(today, 7 * count)


def _weekday(match: re.Match[str], today: date) -> date | None:
    which, weekday = match["which"] or "", _WEEKDAYS_TOO[match["day"]]
    if which in _WEEKS:
        return of_week(today, weekday, _WEEKS[which])
    if which in {"这", "本"}:
        found = of_week(today, weekday)
        return found if found is not None and found >= today else None
    return None if which == "上" else coming_weekday(today, weekday)


def _of_month(match: re.Match[str], today: date) -> date | None:
    month, number, year = _count(match["month"]), _count(match["number"]), match["year"]
    if not year:
        return coming(today, month, number)
    named = {"今": today.year, "明": today.year + 1, "后": today.year + 2}.get(year[0])
    return on(named or int(digits(year.removesuffix("年"))), month, number)


def _numbered(match: re.Match[str], today: date) -> date | None:
    which, number = match["which"], _count(match["number"])
    if not which:
        return coming_number(today, number)
    month = in_months(today.replace(day=1), _WEEKS.get(which, 0))
    return month and on(month.year, month.month, number)


def _month_end(match: re.Match[str], today: date) -> date | None:
    return month_end(today, _WEEKS.get(match["which"] or "", 0))


def _named_month_end(match: re.Match[str], today: date) -> date | None:
    month = _count(match["month"])
    first = on(today.year + (month < today.month), month, 1)
    return first and month_end(first)


def _week_end(match: re.Match[str], today: date) -> date | None:
    return of_week(today, _SUNDAY, _WEEKS.get(match["which"] or "", 0))


def _year_end(match: re.Match[str], today: date) -> date | None:
    return on(today.year + int(match["which"] == "明"), _DECEMBER, 31)


def _plain(days: int) -> Callable[[re.Match[str], date], date | None]:
    return lambda _, today: in_days(today, days)


def _no_day(_match: re.Match[str], _today: date) -> None:
    """Words for when that name no day, and hold others that would."""


def _rule(words: str, day: Callable[[re.Match[str], date], date | None] | None, *, ahead: bool = False) -> DayRule:
    return DayRule(re.compile(words), day, ahead)


RULES: Final = (
    _rule(rf"每(?:个)?(?:{_WEEK}[一二三四五六日天]?|月(?:{_N}[号日])?|天|年)", None),
    _rule(r"(?:下|这|本)?(?:个)?(?:周|星期|月)初|年初", _no_day),
    _rule(r"几(?:个)?(?:小时|工作日|天|周|星期|月)(?:之内|以内|内|之后|以后|后)", _no_day),
    _rule(
        r"(?P<year>\d{4}年|[〇零一二三四五六七八九]{4}年|今年|明年|后年)?"
        rf"(?P<month>{_N})月份?(?P<number>{_N})[日号]",
        _of_month,
        ahead=True,
    ),
    _rule(rf"(?:{_N}(?:到|至|[-~\u2013])|)(?P<count>{_N}){_DAY_UNIT}(?:之内|以内|内|之后|以后|后)", _later),
    _rule(r"大后天", _plain(3)),
    _rule(r"后天", _plain(2)),
    _rule(r"明(?:天|日|早|晚|儿)", _plain(1)),
    _rule(r"今(?:天|日|早|晚|儿)|当天|当日", _plain(0)),
    _rule(rf"(?P<which>下下|下)个?{_WEEK}(?P<day>[一二三四五六日天1-6])", _weekday),
    _rule(
        rf"(?<![一两三四五六七八九十百半整每\d])(?P<which>这|本|上)?个?{_WEEK}(?P<day>[一二三四五六日天1-6])",
        _weekday,
        ahead=True,
    ),
    _rule(rf"(?P<which>下下|下|这|本)?个?{_WEEK}末|(?:这|本)?个?{_WEEK}内", _week_end),
    _rule(rf"(?P<which>下下|下|这|本)个?{_WEEK}(?:之?内|以内)?(?![初末一二三四五六日天])", _week_end),
    _rule(rf"(?P<month>{_N})月份?(?:底|末)", _named_month_end, ahead=True),
    _rule(r"(?P<which>下下|下|这|本)?个?月(?:底|末)", _month_end),
    _rule(rf"(?P<which>下下|下|这|本)个?月(?P<number>{_N})[号日]", _numbered),
    _rule(r"(?P<which>下下|下|这|本)个?月(?:之?内|以内)?(?![初底末\d一二三四五六七八九十])", _month_end),
    _rule(r"(?P<which>明|今)?年(?:底|末)", _year_end),
    _rule(
        rf"(?<![\d一二两三四五六七八九十百月第])(?P<which>)(?P<number>{_N})[号日]"
        r"(?=\s*$|[，。！？、；,.!?;]|之前|以前|前|上午|下午|早上|晚上|中午|当天|那天|再)",  # noqa: RUF001 - Chinese punctuation
        _numbered,
        ahead=True,
    ),
)
"""In this order: a place that one has taken is not given to a later one."""
