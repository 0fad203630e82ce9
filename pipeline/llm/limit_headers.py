"""What a server says of its limits: the headers ``x-ratelimit-*`` as OpenAI writes them, and ``Retry-After``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final

from pipeline.retry_after import retry_after_s

UNITS: Final = ("requests", "tokens")
"""What is limited, in the words of the headers."""

_SECONDS: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_DURATION: Final = re.compile(rf"(?:{_PART.pattern})+")
# A longer time is none: some servers write a point in time there.
_LONGEST_S: Final = 31 * 86_400.0


@dataclass(frozen=True, slots=True)
class Told:
    """Of one unit: how many there are in all, how many are left, and in how many seconds all are there again."""

    limit: float | None
    remaining: float | None
    reset_s: float | None


def told_of(unit: str, headers: Mapping[str, str]) -> Told | None:
    """What is said of a unit; None where nothing is."""
    told = Told(
        limit=_number(headers.get(f"x-ratelimit-limit-{unit}")) or None,
        remaining=_number(headers.get(f"x-ratelimit-remaining-{unit}")),
        reset_s=_duration(headers.get(f"x-ratelimit-reset-{unit}")),
    )
    return None if told == Told(None, None, None) else told


def wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait; ``retry-after-ms``, which OpenAI's servers send, is the more precise."""
    milliseconds = _number(headers.get("retry-after-ms"))
    return retry_after_s(headers) if milliseconds is None else milliseconds / 1_000


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if isfinite(number) and number >= 0 else None


def _duration(text: str | None) -> float | None:
    """``6m0s``, ``250ms``, ``1d``, or a number of seconds."""
    seconds = _number(text)
    if seconds is None and text is not None and _DURATION.fullmatch(text):
        seconds = sum(float(amount) * _SECONDS[unit] for amount, unit in _PART.findall(text))
    return seconds if seconds is not None and seconds <= _LONGEST_S else None
