"""Calls at a steady rate: in the order in which they are due, each a new one, none published too early."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_calls import Due

from benchmarks.steady_calls import Calls, Rates, in_order, steady
from pipeline.errors import Retryable
from workers.edge import Edge
from workers.records import NewRecord

REACH_S = 10.0


def due(at_s: float, name: str = "call") -> Due:
    return Due(at_s, NewRecord("topic", f"tenant:{name}".encode(), b"", ()))


def call_of(one: Due) -> str:
    return one.record.key.decode().partition(":")[2]


class Told:
    """An edge that keeps what is published and when; it refuses from the record of this name on."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.records: list[tuple[float, str]] = []

    @contextmanager
    def publishing(self) -> Iterator[Callable[[Sequence[NewRecord]], None]]:
        def publish(records: Sequence[NewRecord]) -> None:
            for record in records:
                if self.refused and self.refused.encode() in record.key:
                    raise Retryable("away", dependency="kafka")
                self.records.append((time.monotonic(), record.key.decode().partition(":")[2]))

        yield publish


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(0, REACH_S)), max_size=60))
def test_what_comes_too_early_by_less_than_the_reach_is_put_in_order(starts: list[tuple[float, float]]) -> None:
    dues = [due(start + offset) for start, offset in sorted(starts)]
    assert [one.at_s for one in in_order(dues, REACH_S)] == sorted(one.at_s for one in dues)


def test_no_more_is_held_than_the_reach() -> None:
    made = 0

    def endless() -> Iterator[Due]:
        nonlocal made
        while True:
            made += 1
            yield due(float(made))

    ordered = in_order(endless(), REACH_S)
    assert [next(ordered).at_s for _ in range(100)] == [float(number) for number in range(1, 101)]
    assert made <= 100 + REACH_S + 2


def test_all_kinds_come_at_their_rates_in_order_and_each_call_once(tmp_path: Path) -> None:
    dues = list(steady(tmp_path, Rates(recorded=2, live=0.5, written=3), seconds=4))
    assert [one.at_s for one in dues] == sorted(one.at_s for one in dues)
    calls = Counter(call_of(one) for one in dues)
    kinds = Counter(name.partition("-")[0] for name in calls)
    assert kinds == {"recorded": 8, "live": 2, "written": 12}
    assert {count for name, count in calls.items() if not name.startswith("live")} == {1}
    assert {one.name for one in tmp_path.iterdir()} == {f"recorded-{number:04}.wav" for number in range(8)}


def test_written_calls_differ_in_what_is_said(tmp_path: Path) -> None:
    dues = steady(tmp_path, Rates(recorded=0, live=0, written=50), seconds=1)
    written = [json.loads(one.record.value or b"") for one in dues if call_of(one).startswith("written")]
    assert len({tuple(segment["text"] for segment in one["segments"]) for one in written}) == 50


def test_the_rate_is_that_of_all_kinds_together() -> None:
    rates = Rates.of(5.0)
    assert (rates.recorded, rates.live, rates.written) == (2.0, 1.0, 2.0)


def test_nothing_is_published_before_it_is_due_and_all_in_the_end() -> None:
    edge, begin = Told(), time.monotonic()
    with Calls(cast("Edge", edge), [due(0.0, "a"), due(0.1, "b"), due(0.3, "c")]) as calls:
        pass
    assert [name for _, name in edge.records] == ["a", "b", "c"]
    assert edge.records[-1][0] - begin >= 0.3
    assert (calls.published, calls.records, calls.going_on) == ({"a", "b", "c"}, 3, False)


def test_a_broker_that_refuses_is_told_to_whoever_watches() -> None:
    with Calls(cast("Edge", Told(refused="b")), [due(0.0, "a"), due(0.3, "b")]) as calls:
        pass
    with pytest.raises(Retryable):
        _ = calls.going_on
    assert calls.published == {"a"}
