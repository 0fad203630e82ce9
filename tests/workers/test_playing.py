from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence

import pytest

from workers.playing import Place, play, stopped_by_signal
from workers.records import NewRecord


class Broker:
    """Takes records, slowly if asked to, and remembers when each came."""

    def __init__(self, slow_s: float = 0.0) -> None:
        self.slow_s = slow_s
        self.came: list[tuple[float, bytes]] = []
        self.batches: list[int] = []

    def publish(self, records: Sequence[NewRecord]) -> list[Place]:
        now = time.monotonic()
        self.batches.append(len(records))
        self.came += ((now, record.key) for record in records)
        time.sleep(self.slow_s)
        return [("audio", 0, len(self.came) - len(records) + n) for n in range(len(records))]


def course(name: str, count: int, every_ms: int) -> list[tuple[int, NewRecord]]:
    return [(n * every_ms, NewRecord("audio", f"{name}{n}".encode(), b"", ())) for n in range(count)]


def test_each_record_goes_out_when_it_is_due_however_long_publishing_takes() -> None:
    broker = Broker(slow_s=0.02)
    before = time.monotonic()
    done = play([course("a", 11, 100)], broker.publish, speed=2.0, stop=threading.Event())
    late = [came - before - n * 0.05 for n, (came, _) in enumerate(broker.came)]
    assert all(-0.001 <= one < 0.2 for one in late)
    assert abs(late[-1] - late[0]) < 0.1, "what publishing takes does not add up"
    assert done.calls[0].whole
    assert (done.calls[0].events, done.calls[0].up_to_ms) == (11, 1_000)


def test_calls_go_on_side_by_side_each_in_order() -> None:
    broker = Broker()
    done = play([course("a", 4, 30), course("b", 3, 40)], broker.publish, speed=1.0, stop=threading.Event())
    assert [key.decode() for _, key in broker.came] == ["a0", "b0", "a1", "b1", "a2", "b2", "a3"]
    assert [played.events for played in done.calls] == [4, 3]
    assert (done.calls[0].first, done.calls[0].last) == (("audio", 0, 0), ("audio", 0, 6))


def test_what_is_behind_catches_up_in_batches() -> None:
    broker = Broker(slow_s=0.1)
    play([course("a", 50, 5)], broker.publish, speed=1.0, stop=threading.Event())
    assert len(broker.came) == 50
    assert len(broker.batches) < 8


def test_making_the_connection_makes_nothing_late() -> None:
    broker = Broker()

    def publish(records: Sequence[NewRecord]) -> list[Place]:
        if not broker.came:
            time.sleep(0.5)
        return broker.publish(records)

    done = play([course("a", 3, 200)], publish, speed=1.0, stop=threading.Event())
    (_, second, third) = (came for came, _ in broker.came)
    assert done.late_ms < 400
    assert third - second > 0.1


def test_as_fast_as_possible_waits_for_nothing() -> None:
    broker = Broker()
    before = time.monotonic()
    done = play([course("a", 1_000, 1_000)], broker.publish, speed=0.0, stop=threading.Event())
    assert time.monotonic() - before < 2
    assert done.late_ms == 0
    assert max(broker.batches) == 200


@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_once_it_is_stopped_nothing_more_goes_out(speed: float) -> None:
    stop = threading.Event()
    broker = Broker()

    def publish(records: Sequence[NewRecord]) -> list[Place]:
        stop.set()
        return broker.publish(records)

    done = play([course("a", 500, 1_000)], publish, speed=speed, stop=stop)
    assert done.calls[0].events == len(broker.came) < 500
    assert not done.calls[0].whole


def test_a_second_signal_does_what_it_did_before() -> None:
    # A shell starts what is in its background with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with stopped_by_signal() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.wait(5)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
