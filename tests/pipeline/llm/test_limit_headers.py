from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.limit_headers import Told, told_of, wait_s


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("250ms", 0.25),
        ("1h2m3.5s", 3_723.5),
        ("1d", 86_400.0),
        ("12", 12.0),
        ("0.5", 0.5),
        ("1790000000", None),
        ("soon", None),
        ("1s later", None),
        ("-1", None),
        ("", None),
    ],
)
def test_a_time_is_read_as_servers_write_it_or_not_at_all(written: str, seconds: float | None) -> None:
    told = told_of("requests", {"x-ratelimit-limit-requests": "600", "x-ratelimit-reset-requests": written})
    assert told == Told(600, None, seconds)


def test_each_unit_is_told_by_itself() -> None:
    headers = {
        "x-ratelimit-limit-requests": "600",
        "x-ratelimit-remaining-requests": "599",
        "x-ratelimit-reset-requests": "100ms",
        "x-ratelimit-remaining-tokens": "0",
    }
    assert told_of("requests", headers) == Told(600, 599, 0.1)
    assert told_of("tokens", headers) == Told(None, 0, None)
    assert told_of("tokens", {"content-type": "application/json"}) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "1", "retry-after-ms": "85"}, 0.085),
        ({"retry-after": "1", "retry-after-ms": "x"}, 1.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10.0),
        ({}, None),
    ],
)
def test_the_wait_is_what_the_server_asks_for_most_precisely(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_s(headers) == seconds


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_header_whatever_stands_in_it_is_an_error(one: str, other: str) -> None:
    told = told_of("tokens", {"x-ratelimit-remaining-tokens": one, "x-ratelimit-reset-tokens": other})
    assert told is None or all(value is None or value >= 0 for value in (told.remaining, told.reset_s))
