"""The ``Retry-After`` header in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait; None where it does not say so in a form that can be read.

    Source: RFC 9110, 10.2.3: a number of seconds, or a date, which is taken against the answer's own ``Date``.
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        until, now = _date(value), _date(headers.get("date", ""))
        return None if until is None or now is None else max(0.0, (until - now).total_seconds())
    return max(0.0, seconds) if isfinite(seconds) else None


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
