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
_SCALES: Final = {"hundred": 100, "thousand": 1_000}
_ENGLISH: Final = re.compile(
    rf"\b(?:a (?=hundred\b|thousand\b))?(?:{'|'.join([*_UNITS, *_TENS, *_SCALES])})"
    rf"(?:(?:[ -]|(?<=hundred) and |(?<=thousand) and )(?:{'|'.join([*_UNITS, *_TENS, *_SCALES])}))*\b",
    re.IGNORECASE,
)
_HAN_DIGITS: Final = {letter: value for value, letter in enumerate("零一二三四五六七八九")} | {"两": 2}
_HAN_SCALES: Final = {"十": 10, "百": 100, "千": 1_000}
# 星期三 and 周三 are names of days, not numbers.
_HAN: Final = re.compile(r"(?<![周期拜零一二两三四五六七八九十百千])[零一二两三四五六七八九十百千]+")
_PERCENT: Final = re.compile(r"百分之([零一二两三四五六七八九十百]+|\d+)")


def digits(text: str) -> str:
    """The text with every spoken number written in digits; what is no well-formed number stays as it was said."""
    text = _PERCENT.sub(lambda match: f"{_han(match[1])}%", text)
    return _HAN.sub(lambda match: _han(match[0]), _ENGLISH.sub(lambda match: _english(match[0]), text))


def _english(said: str) -> str:
    words = [word for word in re.split(r"[ -]", said.lower()) if word not in {"a", "and"}]
    if len(words) > 1 and all(_UNITS.get(word, 10) < 10 for word in words):  # noqa: PLR2004 - spelled digit by digit
        return "".join(str(_UNITS[word]) for word in words)
    total = group = 0
    room = 1_000  # the next word must be smaller than this to belong to the same number
    for word in words:
        if word in _SCALES:
            scale = _SCALES[word]
            group = max(group, 1) * scale
            room = scale
            if scale == 1_000:  # noqa: PLR2004 - thousands are counted apart from what follows
                total, group = total + group, 0
        else:
            value = _UNITS.get(word, _TENS.get(word, 0))
            if value >= room or (value == 0 and len(words) > 1):
                return said
            group += value
            room = 10 if value >= 20 else 1  # noqa: PLR2004 - twenty takes a unit after it, a teen nothing
    return str(total + group)


def _han(said: str) -> str:
    if said.isdigit():
        return said
    if not set(said) & _HAN_SCALES.keys():
        return "".join(str(_HAN_DIGITS[letter]) for letter in said)
    total, digit = 0, 0
    for letter in said:
        if letter in _HAN_SCALES:
            total, digit = total + max(digit, 1) * _HAN_SCALES[letter], 0
        else:
            digit = _HAN_DIGITS[letter]
    return str(total + digit)
