"""What a soak says: nothing where all is well, and each thing that is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import generate_latest

from benchmarks.memory import Sample
from benchmarks.soak_outcome import Settled, lost
from benchmarks.soak_report import Soaked, figures, missed, processes, table, worst_growth
from benchmarks.soak_workers import Told, Watched
from pipeline.stages import STAGES
from workers.health import Health
from workers.measures import Measures


def watched(name: str, first_mb: float, last_mb: float, *, port: int | None = 1) -> Watched:
    """An hour of samples: twice as much before the warm-up has ended, then from one value to the other."""
    one = Watched(name, 1, port)
    for number in range(360):
        memory = 2 * first_mb if number < 60 else first_mb + (last_mb - first_mb) * (number - 60) / 299
        one.samples.append(Sample(number * 10.0, memory, memory, memory, cpu_s=number * 0.5))
    if port is not None:
        one.told.append(Told({"handled": 100, "dead": 0}, lag=3))
    return one


def soaked(*processes: Watched) -> Soaked:
    chosen = processes or (watched("flow.batch", 100, 102), watched("(broker)", 100, 300, port=None))
    return Soaked(chosen, 600.0, 3_600.0, Settled(4, 0, 2.0), 3_600, 30_000, {}, 0)


def test_nothing_is_missed_where_all_is_well() -> None:
    assert missed(soaked()) == []
    assert worst_growth(soaked()) == pytest.approx(0.018, abs=0.001)


def test_a_worker_that_has_grown_is_named() -> None:
    (said,) = missed(soaked(watched("flow.batch", 100, 102), watched("asr.live", 100, 107)))
    assert said.startswith("asr.live has grown by 6.")


def test_what_is_no_worker_may_grow() -> None:
    assert missed(soaked(watched("flow.batch", 100, 100), watched("(store stand-in)", 50, 500, port=None))) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"lost": {"path": ["live-07", "live-09"]}}, "2 calls without path, such as live-07, live-09"),
        ({"dead_letters": 3}, "3 dead letters"),
        ({"settled": Settled(9, 5, 300.0)}, "5 events still wait"),
    ],
)
def test_each_thing_that_is_not_as_it_must_be_is_said(wrong: dict[str, object], said: str) -> None:
    assert missed(replace(soaked(), **wrong)) == [said]  # type: ignore[arg-type]  # one field by its name


def test_the_table_has_a_line_for_each_process() -> None:
    head, worker, broker = table(soaked()).splitlines()
    assert "growth" in head
    assert worker.split()[:2] == ["flow.batch", "100.1"]
    assert worker.split()[-3:] == ["100", "0", "0"]
    assert broker.startswith("(broker)")


def test_programs_are_told_the_same() -> None:
    told = processes(soaked())
    worker = told["flow.batch"]
    assert isinstance(worker, dict)
    assert worker["rss_mb"]["last"] == pytest.approx(101.9, abs=0.1)
    assert worker["cores"] == 0.05
    assert figures(soaked())["lost"] == 0


def test_a_call_is_lost_that_is_missing_at_any_end_of_the_way() -> None:
    found = {"path": {"a", "b", "c"}, "insight": {"a", "c"}, "stored": {"a", "b"}}
    assert lost({"a", "b", "c"}, found) == {"insight": ["b"], "stored": ["c"]}
    assert lost({"a"}, found) == {}


def test_what_a_worker_says_of_all_of_its_stages_is_added_up() -> None:
    first, second = STAGES[:2]
    health, measures = Health(STAGES[:2], stall_s=60.0), Measures()
    measures.show(health)
    measures.of(first).handled.inc(3)
    measures.of(second).handled.inc(4)
    measures.of(second).retried.inc()
    health.of(first).assigned([("topic", 0), ("topic", 1)])
    health.of(first).measured({("topic", 0): 5, ("topic", 1): 6})
    told = Told.of(generate_latest(measures.registry).decode())
    assert told == Told(
        {"handled": 7, "retried": 1, "repeated": 0, "dead": 0, "skipped": 0, "erased": 0, "released": 0}, lag=11
    )
