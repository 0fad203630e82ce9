"""What a slot measures: a number with its unit, or a day; in English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from pipeline.extract.due import plain_date
from pipeline.extract.numbers import digits
from pipeline.scenarios.model import EntityDefinition

PERCENT: Final = "%"

_NUMBER: Final = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
# Signs and words of money: the currency that they mean anywhere, or None where it is the desk's own.
_CURRENCIES: Final = (
    (re.compile(r"€|\beuros?\b|欧元", re.IGNORECASE), "EUR"),
    (re.compile(r"£|\bpounds?\b|英镑", re.IGNORECASE), "GBP"),
    (re.compile(r"美元|美金", re.IGNORECASE), "USD"),
    (re.compile(r"\b(?:yuan|rmb)\b|人民币", re.IGNORECASE), "CNY"),
    (re.compile(r"[$¥￥]|\bdollars?\b|\bbucks\b|\bcents?\b|元|块|毛|角|分", re.IGNORECASE), None),
)
_CENTS: Final = re.compile(r"(?:(\d+) ?dollars?(?: and)? )?(\d{1,3}) ?cents?", re.IGNORECASE)
# 99块9, 5毛, 3角5分
_HAN_MONEY: Final = re.compile(r"(?:(\d+(?:\.\d+)?)(?:块钱?|元))?(?:(\d)[毛角]?(?:(\d)分?)?)?")
_DISCOUNT: Final = re.compile(r"(\d(?:\.\d)?|\d{2})折")
_UNITS: Final = {
    **dict.fromkeys(("hour", "小时"), "hour"),
    **dict.fromkeys(("day", "天"), "day"),
    **dict.fromkeys(("week", "星期", "周"), "week"),
    **dict.fromkeys(("month", "月"), "month"),
    **dict.fromkeys(("year", "年"), "year"),
}
_DURATION: Final = re.compile(r"(\d+|an?)[ -]?个?(hour|day|week|month|year|小时|天|星期|周|月|年)s?", re.IGNORECASE)
_HALF_YEAR: Final = "半年"
_DATA: Final = re.compile(r"(\d+(?:\.\d+)?) ?个?(g|m)(?:b|igs?|igabytes?|egabytes?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit (``USD``, ``%``, ``GB``, ``month``), or a day; nothing of it where nothing is sure."""

    amount: float | None = None
    unit: str | None = None
    day: date | None = None


def quantity(said: str, definition: EntityDefinition, called_on: date | None) -> Quantity:
    """What the words of a slot measure, as its definition says what it is.

    Args:
        said: the words.
        definition: of the slot.
        called_on: the day of the call; without it only a whole date is a day.
    """
    text = digits(said)
    match definition.kind:
        case "money":
            return _money(text, definition.currency)
        case "percent":
            return _percent(text)
        case "duration":
            return _duration(text)
        case "data":
            return _data(text)
        case "date":
            return Quantity(day=_day(said, called_on))
        case _:
            return Quantity()


def _money(text: str, currency: str | None) -> Quantity:
    unit = next((code or currency for pattern, code in _CURRENCIES if pattern.search(text)), None)
    if cents := _CENTS.fullmatch(text.strip()):
        amount: float | None = int(cents[1] or 0) + int(cents[2]) / 100
    else:
        amount = _han_amount(text) if re.search("[块毛角]", text) else _number(text)
    return Quantity() if unit is None or amount is None else Quantity(amount, unit)


def _han_amount(text: str) -> float | None:
    """Yuan, tenths and hundredths: 99块9 is 99.90, 5毛 is 0.50."""
    found = _HAN_MONEY.fullmatch(text.replace(" ", ""))
    if found is None or not any(found.groups()):
        return None
    whole, tenths, hundredths = (float(part or 0) for part in found.groups())
    return round(whole + tenths / 10 + hundredths / 100, 2)


def _percent(text: str) -> Quantity:
    """As it is said; of a price, what it goes down by: 8折 and "half price" are 20 and 50 percent off."""
    if discount := _DISCOUNT.search(text):
        share = float(discount[1])
        return Quantity(round(100 - share * (1 if share >= 10 else 10), 1), PERCENT)  # noqa: PLR2004 - 85折 is 8.5折
    if text.lower().startswith("half"):
        return Quantity(50.0, PERCENT)
    return Quantity(number, PERCENT) if (number := _number(text)) is not None else Quantity()


def _duration(text: str) -> Quantity:
    if text == _HALF_YEAR:
        return Quantity(6.0, "month")
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        return Quantity()
    return Quantity(float(found[1]) if found[1].isdecimal() else 1.0, _UNITS[found[2].lower()])


def _data(text: str) -> Quantity:
    """An amount of data; megabits and 兆, which may be a speed, are none."""
    found = _DATA.fullmatch(text.strip())
    return Quantity(float(found[1]), f"{found[2].upper()}B") if found else Quantity()


def _day(said: str, called_on: date | None) -> date | None:
    if called_on is not None:
        return plain_date(said, called_on)
    try:
        return date.fromisoformat(said.strip())
    except ValueError:
        return None


def _number(text: str) -> float | None:
    """The one number of a text; of "30 to 40" there is none."""
    found = _NUMBER.findall(text)
    return float(found[0].replace(",", "")) if len(found) == 1 else None
