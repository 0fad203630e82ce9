from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.questions.counts.periods import unbroken

DAYS = st.dates(date(1990, 1, 1), date(2060, 1, 1))


@given(DAYS, st.integers(0, 800))
def test_no_day_week_or_month_between_two_is_left_out(first: date, days: int) -> None:
    every = [first + timedelta(days=number) for number in range(days + 1)]
    for period, name in (
        ("day", date.isoformat),
        ("week", lambda day: f"{day.isocalendar().year}-W{day.isocalendar().week:02}"),
        ("month", lambda day: f"{day:%Y-%m}"),
    ):
        between = list(dict.fromkeys(map(name, every)))
        assert unbroken({between[0], between[-1]}, period, 1_000) == between  # type: ignore[arg-type]  # one of a table


def test_of_many_periods_the_last_are_kept_and_the_calendar_may_begin() -> None:
    assert unbroken(["0001-01-02", "2026-03-01"], "day", 2) == ["2026-02-28", "2026-03-01"]
    assert unbroken(["0001-01-01", "0001-01-02"], "day", 50) == ["0001-01-01", "0001-01-02"]
    assert unbroken([], "week", 5) == []
