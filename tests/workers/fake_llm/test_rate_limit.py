from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.fake_llm.rate_limit import RateLimit


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(
    per_minute=st.integers(1, 6_000),
    burst=st.integers(1, 100),
    waits=st.lists(st.floats(0, 5), max_size=60),
)
def test_no_more_pass_than_the_burst_and_what_the_time_brings(per_minute: int, burst: int, waits: list[float]) -> None:
    clock = Clock()
    limit = RateLimit(per_minute, burst, clock)
    passed = 0
    for wait in waits:
        clock.now += wait
        passed += limit.take().passed
    assert passed <= burst + (clock.now - 100.0) * per_minute / 60 + 1e-6


def test_who_waits_as_long_as_told_passes_and_not_before() -> None:
    clock = Clock()
    limit = RateLimit(600, 1, clock)
    assert limit.take().passed
    refused = limit.take()
    assert not refused.passed
    assert refused.wait_s == pytest.approx(0.1)
    clock.now += refused.wait_s * 0.9
    assert not limit.take().passed
    clock.now += refused.wait_s * 0.11
    assert limit.take().passed


def test_the_headers_say_the_limit_what_is_left_and_when_it_is_whole_again() -> None:
    clock = Clock()
    limit = RateLimit(60, 2, clock)
    assert limit.take().headers == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "1",
        "x-ratelimit-reset-requests": "1s",
    }
    limit.take()
    clock.now += 0.4
    assert limit.take().headers == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1.6s",
        "retry-after": "1",
        "retry-after-ms": "600",
    }


@pytest.mark.parametrize(("burst", "reset"), [(30, "250ms"), (7_320, "1m1s")])
def test_a_time_is_written_as_openai_writes_it(burst: int, reset: str) -> None:
    limit = RateLimit(7_200 if burst > 60 else 240, burst, Clock())
    for _ in range(burst if burst > 60 else 1):
        told = limit.take().headers
    assert told["x-ratelimit-reset-requests"] == reset


def test_without_a_burst_a_whole_minute_may_come_at_once() -> None:
    limit = RateLimit(5, clock=Clock())
    assert [limit.take().passed for _ in range(6)] == [True] * 5 + [False]
