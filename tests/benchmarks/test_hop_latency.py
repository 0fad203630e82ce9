"""Latencies out of what was sent and seen, and their percentiles."""

from __future__ import annotations

import pytest

from benchmarks.hop_latency import Times
from benchmarks.report import percentiles


def times(count: int) -> Times:
    """Sent ten milliseconds apart; event ``n`` seen after 1 ms where it came from and ``n`` ms where it went."""
    found = Times("in", "out")
    for number in range(count):
        event, at = f"call-{number}", number / 100
        found.sent[event] = at
        found.seen["in"][event] = at + 0.001
        found.seen["out"][event] = at + number / 1_000
    return found


def test_a_latency_is_from_sent_to_seen_in_milliseconds() -> None:
    found = times(5).latencies(leave_out=0)
    assert found.hop_ms == pytest.approx([0, 1, 2, 3, 4])
    assert found.direct_ms == pytest.approx([1] * 5)


def test_the_first_are_left_out() -> None:
    found = times(5).latencies(leave_out=2)
    assert found.hop_ms == pytest.approx([2, 3, 4])


def test_the_rate_is_that_at_which_the_rest_was_sent() -> None:
    assert times(50).latencies(leave_out=10).per_second == pytest.approx(100)


def test_an_event_that_was_not_seen_is_an_error_and_not_passed_over() -> None:
    found = times(5)
    del found.seen["out"]["call-3"]
    with pytest.raises(KeyError, match="call-3"):
        found.latencies(leave_out=0)


def test_percentiles_lie_between_the_values_that_are_around_them() -> None:
    assert percentiles(range(101)) == {"p50": 50, "p95": 95, "p99": 99}
    assert percentiles([1.0, 2.0])["p50"] == 1.5


def test_one_slow_event_in_a_hundred_is_seen_at_the_end_alone() -> None:
    found = percentiles([1.0] * 98 + [900.0] * 2)
    assert (found["p50"], found["p95"]) == (1.0, 1.0)
    assert found["p99"] == 900.0
