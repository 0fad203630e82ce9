from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.questions.condition import parse_since

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("12h", NOW - timedelta(hours=12)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T10:00:00+01:00", datetime(2026, 3, 1, 9, tzinfo=UTC)),
    ],
)
def test_a_time_ago_or_a_date_is_an_instant(text: str, expected: datetime) -> None:
    assert parse_since(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "7", "d", "-3d", "2026-13-01"])
def test_anything_else_says_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 90m, 12h, 7d, 4w nor a date"):
        parse_since(text, NOW)


def test_a_time_before_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="before the calendar"):
        parse_since("999999w", NOW)
