"""Spoken numbers as digits: "forty five dollars" is "45 dollars", a Chinese 五十九元 is 59元."""

from __future__ import annotations

import re
from typing import Final

_SMALL: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_UNITS: Final = {word: value for value, word in enumerate(_SMALL.split())}
_DECADES: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS: Final = {word: 10 * value for value, word in enumerate(_DECADES.split(), 2)}
_SCALES: Final = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_WORD: Final = "|".join([*_UNITS, *_TENS, *_SCALES])
_DIGIT: Final = "|".join(list(_UNITS)[:10])
_ENGLISH: Final = re.compile(
    rf"\b(?:a (?=hundred\b|thousand\b|million\b))?(?:{_WORD})"
    rf"(?:(?:[ -]|(?<=hundred) and |(?<=thousand) and |(?<=million) and )(?:{_WORD}))*"
    rf"(?: point (?:{_DIGIT})(?: (?:{_DIGIT}))*)?\b",
    re.IGNORECASE,
)
_HAN_DIGITS: Final = {letter: value for value, letter in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}  # noqa: RUF001 - the Chinese zero
_HAN_SCALES: Final = {"十": 10, "百": 100, "千": 1_000}
_HAN_GROUPS: Final = {"万": 10_000, "亿": 100_000_000}
_HAN_LETTERS: Final = "".join([*_HAN_DIGITS, *_HAN_SCALES])
# 星期三 and 周三 are names of days, not numbers. 万 alone is a name, too: 万一 is "in case".
_HAN: Final = re.compile(
    rf"(?<![周期拜{_HAN_LETTERS}万亿])[{_HAN_LETTERS}][{_HAN_LETTERS}万亿]*"
    rf"(?:点[{''.join(_HAN_DIGITS)}]+(?![{_HAN_LETTERS}分刻钟半]))?"
)
_PERCENT: Final = re.compile(rf"百分之(\d+(?:\.\d+)?|[{_HAN_LETTERS}]+(?:点[{''.join(_HAN_DIGITS)}]+)?)")


# Digits with a word for what they count: 2 million, 3.5万.
_SCALED: Final = re.compile(
    r"(?<![\d.,])(\d{1,6})(?:\.(\d{1,4}))?(?: (thousand|million)\b|(万|亿))(?![零一二两三四五六七八九千百十\d])"
)


def digits(text: str) -> str:
    """The text with every spoken number written in digits; what is no well-formed number stays as it was said.

    "Two or three" as 两三 is no number, and stays.
    """
    text = _SCALED.sub(_in_full, _PERCENT.sub(lambda match: f"{_han(match[1])}%", text))
    return _HAN.sub(lambda match: _han(match[0]), _ENGLISH.sub(lambda match: _english(match[0]), text))


def _in_full(match: re.Match[str]) -> str:
    whole, decimals, word, letter = match.groups(default="")
    scale = _SCALES.get(word) or _HAN_GROUPS[letter]
    return str(int(whole + decimals) * scale // 10 ** len(decimals))


def _english(said: str) -> str:
    whole, _, decimals = said.lower().partition(" point ")
    words = [word for word in re.split(r"[ -]", whole) if word not in {"a", "and"}]
    if len(words) > 1 and all(_UNITS.get(word, 10) < 10 for word in words):  # noqa: PLR2004 - spelled digit by digit
        value = "".join(str(_UNITS[word]) for word in words)
    elif (number := _english_value(words)) is None:
        return said
    else:
        value = str(number)
    return f"{value}.{''.join(str(_UNITS[word]) for word in decimals.split())}" if decimals else value


def _english_value(words: list[str]) -> int | None:
    """What they add up to, None where they are no one number."""
    total = group = 0
    room = 1_000  # the next word must be smaller than this to belong to the same number
    for word in words:
        if word in _SCALES:
            scale = _SCALES[word]
            group = max(group, 1) * scale
            room = scale
            if scale >= 1_000:  # noqa: PLR2004 - thousands are counted apart from what follows
                total, group = total + group, 0
        else:
            value = _UNITS.get(word, _TENS.get(word, 0))
            if value >= room or (value == 0 and len(words) > 1):
                return None
            group += value
            room = 10 if value >= 20 else 1  # noqa: PLR2004 - twenty takes a unit after it, a teen nothing
    return total + group


def _han(said: str) -> str:
    if said.replace(".", "", 1).isdigit():
        return said
    whole, _, decimals = said.partition("点")
    if not set(whole) & (_HAN_SCALES.keys() | _HAN_GROUPS.keys()):
        if _is_about(whole):
            return said
        value = "".join(str(_HAN_DIGITS[letter]) for letter in whole)
    elif (number := _han_value(whole)) is None:
        return said
    else:
        value = str(number)
    return f"{value}.{''.join(str(_HAN_DIGITS[letter]) for letter in decimals)}" if decimals else value


def _is_about(letters: str) -> bool:
    """Two neighbours, as in 两三天: two or three days."""
    values = [_HAN_DIGITS[letter] for letter in letters]
    return len(values) == 2 and 1 <= values[0] == values[1] - 1  # noqa: PLR2004 - a pair


def _han_value(said: str) -> int | None:
    """What they add up to, None where they are no one number; a last digit counts tenths of what it follows: 一百二."""
    total = group = 0
    digit: int | None = None
    room, group_room = 10_000, 1_000_000_000  # the next scale must be smaller than these to belong to the same number
    unit = 1  # what the last scale was
    for letter in said:
        if letter in _HAN_DIGITS:
            if digit:
                return None
            digit, unit = _HAN_DIGITS[letter], 1 if digit == 0 or letter in "零〇" else unit
        elif letter in _HAN_SCALES:
            scale = _HAN_SCALES[letter]
            if scale >= room:
                return None
            group, digit, room, unit = group + max(digit or 0, 1) * scale, None, scale, scale
        else:
            unit = _HAN_GROUPS[letter]
            if unit >= group_room:
                return None
            total, group = total + (group + (digit or 0)) * unit, 0
            digit, room, group_room = None, 10_000, unit
    return total + group + (digit or 0) * (unit // 10 if unit > 10 else 1)  # noqa: PLR2004 - 十五 is fifteen
