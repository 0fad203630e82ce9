"""The benchmark of re-extraction: that calls differ, and what counts as the rate of a server."""

from __future__ import annotations

import pytest

from benchmarks.reextract import Watched, stored_calls


def test_no_two_calls_are_one() -> None:
    calls = stored_calls(30)
    assert len({call.call_id for call in calls}) == len({call.segments[0].text for call in calls}) == 30


def test_the_rate_is_that_of_the_time_in_which_the_limit_was_felt() -> None:
    watched = Watched("", [(0.0, 0), (1.0, 20), (2.0, 30), (3.0, 40), (9.0, 40)])
    assert watched.rate(20, 40) == pytest.approx(10)
    assert Watched("", [(0.0, 0)]).rate(20, 40) == 0
