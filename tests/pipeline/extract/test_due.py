from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.due import due_date, due_said, plain_date

WEDNESDAY = date(2026, 3, 4)


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ("today", "2026-03-04"),
        ("later today", "2026-03-04"),
        ("by the end of the day", "2026-03-04"),
        ("tomorrow morning", "2026-03-05"),
        ("the day after tomorrow", "2026-03-06"),
        ("in two days", "2026-03-06"),
        ("in 10 days' time", "2026-03-14"),
        ("within a week", "2026-03-11"),
        ("within the next three weeks", "2026-03-25"),
        ("in two to three days", "2026-03-07"),
        ("within 3-5 business days", "2026-03-11"),
        ("in three working days", "2026-03-09"),
        ("within twenty four hours", "2026-03-05"),
        ("in 48 hours", "2026-03-06"),
        ("in a month", "2026-04-04"),
        ("two weeks from today", "2026-03-18"),
        ("a week from monday", "2026-03-16"),
        ("on monday", "2026-03-09"),
        ("by Friday", "2026-03-06"),
        ("this friday", "2026-03-06"),
        ("next friday", "2026-03-13"),
        ("next Monday", "2026-03-09"),
        ("this week", "2026-03-08"),
        ("by the end of next week", "2026-03-15"),
        ("at the end of the month", "2026-03-31"),
        ("next month", "2026-04-30"),
        ("the end of June", "2026-06-30"),
        ("end of the year", "2026-12-31"),
        ("on the weekend", "2026-03-08"),
        ("on the fifth", "2026-03-05"),
        ("by the 2nd", "2026-04-02"),
        ("on the twenty first of next month", "2026-04-21"),
        ("March 3rd", "2027-03-03"),
        ("march fifth", "2026-03-05"),
        ("on the 3rd of May", "2026-05-03"),
        ("on May 3, 2027", "2027-05-03"),
        ("2026-04-01", "2026-04-01"),
        ("on monday, march ninth", "2026-03-09"),
        ("今天", "2026-03-04"),
        ("今晚", "2026-03-04"),
        ("明天上午", "2026-03-05"),
        ("后天", "2026-03-06"),
        ("大后天", "2026-03-07"),
        ("三天内", "2026-03-07"),
        ("两三天之内", "2026-03-07"),
        ("3到5个工作日内", "2026-03-11"),
        ("二十四小时内", "2026-03-05"),
        ("一周内", "2026-03-11"),
        ("两个星期后", "2026-03-18"),
        ("一个月内", "2026-04-04"),
        ("周五", "2026-03-06"),
        ("这周五之前", "2026-03-06"),
        ("下周一", "2026-03-09"),
        ("下个星期天", "2026-03-15"),
        ("下下周二", "2026-03-17"),
        ("下周", "2026-03-15"),
        ("本周内", "2026-03-08"),
        ("周末", "2026-03-08"),
        ("月底", "2026-03-31"),
        ("下个月底", "2026-04-30"),
        ("六月底", "2026-06-30"),
        ("下个月五号", "2026-04-05"),
        ("下个月", "2026-04-30"),
        ("年底", "2026-12-31"),
        ("五号之前", "2026-03-05"),
        ("二号", "2026-04-02"),
        ("三月三号", "2027-03-03"),
        ("3月15日", "2026-03-15"),
        ("明年1月1号", "2027-01-01"),
        ("二零二七年五月三日", "2027-05-03"),
    ],
)
def test_the_day_is_worked_out_from_what_was_said_and_the_day_of_the_call(said: str, due: str) -> None:
    found = due_date(said, WEDNESDAY)
    assert str(found) == due


@pytest.mark.parametrize(
    "said",
    [
        *("soon", "as soon as possible", "later", "in an hour", "in a few days", "in five minutes", "next weekend"),
        *("monday or tuesday", "from monday to friday", "last monday", "every monday", "on mondays", "wednesday"),
        *("this tuesday", "at the beginning of next month", "on the fourth", "the fifth line", "february 30th", ""),
        *("you may first want to call", "i will tell you this second", "five", "march on"),
        *("过几天", "几天后", "一周一次", "每周一", "周三", "这周二", "下个月初", "上周五", "四号", "二月三十号"),
        *("第三号", "三号线", "周一或者周二", "半个月内", "两小时内", "马上"),
    ],
)
def test_a_day_that_was_not_said_for_sure_is_none(said: str) -> None:
    assert due_date(said, WEDNESDAY) is None


@pytest.mark.parametrize(
    ("said", "today", "due"),
    [
        ("in a month", date(2026, 1, 31), date(2026, 2, 28)),
        ("in two working days", date(2026, 3, 6), date(2026, 3, 10)),
        ("in five business days", date(2026, 3, 7), date(2026, 3, 13)),
        ("next monday", date(2026, 3, 8), date(2026, 3, 9)),
        ("on the 31st", date(2026, 4, 2), date(2026, 5, 31)),
        ("on the 31st", date(2026, 12, 31), None),
        ("february 29th", date(2026, 3, 1), None),
        ("february 29th", date(2027, 3, 1), date(2028, 2, 29)),
        ("tomorrow", date.max, None),
        ("in two years", date.max, None),
        ("end of the month", date.max, date.max),
        ("下周一", date.max, None),
    ],
)
def test_ends_of_months_weeks_and_time_are_minded(said: str, today: date, due: date | None) -> None:
    assert due_date(said, today) == due


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("okay I will call you back Tomorrow morning about it", "Tomorrow morning"),
        ("we send it within three business days to you", "within three business days"),
        ("my colleague rings on friday", "on friday"),
        ("that is done in a few days", "in a few days"),
        ("我下周一再给您打电话", "下周一"),
        ("三个工作日内会退到您的卡上", "三个工作日内"),
        ("i will check that", None),
        ("you pay it every month", None),
        ("每个月五十九元", None),
    ],
)
def test_the_words_for_when_are_found_as_they_stand_in_a_text(text: str, said: str | None) -> None:
    assert due_said(text) == said


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("tomorrow", date(2026, 3, 5)),
        ("下周一", date(2026, 3, 9)),
        ("on friday", None),
        ("march 3rd", None),
        ("三月三号", None),
    ],
)
def test_a_date_that_may_be_past_is_only_a_day_where_its_words_say_so(said: str, day: date | None) -> None:
    assert plain_date(said, WEDNESDAY) == day


DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@given(st.text(max_size=60), st.dates())
def test_any_words_on_any_day_have_a_day_or_none(said: str, today: date) -> None:
    due_date(said, today)
    words = due_said(said)
    assert words is None or words in said


PIECES = "in within next this on by the of end monday week month days two five 31st march"
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"


# Pieces of such words, strung together.
@given(
    st.lists(
        st.sampled_from(
            [*PIECES.split(), *"明下周一三月底五号天内个"],
        ),
        max_size=6,
    ),
    DAYS,
)
def test_no_due_day_lies_before_the_call(parts: list[str], today: date) -> None:
    for said in (" ".join(parts), "".join(parts)):
        due = due_date(said, today)
        assert due is None or today <= due <= today + timedelta(days=3_000)


@given(st.integers(1, 300), DAYS)
def test_so_many_days_are_so_many_days_in_both_languages(count: int, today: date) -> None:
    expected = today + timedelta(days=count)
    assert due_date(f"in {count} days", today) == due_date(f"{count}天内", today) == expected


@given(st.sampled_from(range(7)), DAYS)
def test_a_weekday_is_within_a_week_and_the_next_one_in_the_week_after_this(weekday: int, today: date) -> None:
    english = WEEKDAYS.split()[weekday]
    plain = due_date(f"on {english}", today)
    assert plain == due_date(f"星期{'一二三四五六日'[weekday]}", today)
    assert plain is None if weekday == today.weekday() else plain is not None and 0 < (plain - today).days < 7
    following = due_date(f"next {english}", today)
    assert following == due_date(f"下周{'一二三四五六日'[weekday]}", today)
    assert following is not None
    assert following.isocalendar()[:2] == (today + timedelta(days=7)).isocalendar()[:2]
    assert following.weekday() == weekday
