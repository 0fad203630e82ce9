"""What the benchmark of scale makes of what it saw."""

from __future__ import annotations

from collections import Counter

from benchmarks.scale_drain import Drained, outcome
from benchmarks.scale_steady import Change, Hop, by_nearness
from benchmarks.traffic import segments


def test_an_output_that_is_missing_is_lost_and_one_that_is_there_twice_is_repeated() -> None:
    assert outcome(4, [b"a", b"b", b"b", b"b"], 2.0) == Drained(messages=4, lost=2, repeated=2, seconds=2.0)


def test_an_event_belongs_to_the_change_in_which_it_came_in() -> None:
    hops = [Hop("a", 0, at_ms, took_ms) for at_ms, took_ms in ((99, 1), (100, 2), (199, 900), (200, 4))]
    assert Change(1, 2, begin_ms=100, end_ms=200).took_ms(hops) == [2, 900]


def test_events_are_told_by_how_near_they_are_to_the_busiest_call() -> None:
    hops = [Hop("busy", 3, 0, 70), Hop("busy", 3, 1, 80), Hop("near", 3, 2, 5), Hop("far", 4, 3, 6)]
    assert by_nearness(hops) == {"busiest_call": [70, 80], "its_neighbours": [5], "others": [6]}


def test_with_a_skew_the_first_calls_have_most_events() -> None:
    counts = Counter(record.key for record in segments("t", 4_000, skew=1.0))
    ranked = [count for _, count in counts.most_common(2)]
    assert 0.12 < ranked[0] / 4_000 < 0.18
    assert 1.5 < ranked[0] / ranked[1] < 2.6


def test_without_a_skew_no_call_has_much_more_than_others() -> None:
    counts = Counter(record.key for record in segments("t", 20_000, calls=20))
    assert max(counts.values()) < 1.2 * min(counts.values())
