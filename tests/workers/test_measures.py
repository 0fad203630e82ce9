from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise

from prometheus_client import CollectorRegistry

from pipeline.stages import RECORDINGS, STAGES, Stage
from workers.health import Health
from workers.measures import SECONDS, Measures

ASR, EXTRACT = STAGES[:2]


def value(registry: CollectorRegistry, name: str, stage: Stage | None = ASR, **labels: str) -> float | None:
    named = {"stage": stage.name, "lane": str(stage.lane)} if stage else {}
    return registry.get_sample_value(name, {**named, **labels})


def test_every_outcome_is_shown_at_zero_before_the_first_event() -> None:
    measures = Measures()
    measures.of(ASR)
    for outcome in ("handled", "repeated", "retried", "dead", "skipped"):
        assert value(measures.registry, "convmine_events_total", outcome=outcome) == 0
        assert measures.counted(ASR, outcome) == 0
    assert value(measures.registry, "convmine_events_total", EXTRACT, outcome="handled") is None


def test_the_measures_of_a_stage_are_the_same_whoever_asks_for_them() -> None:
    measures = Measures()
    measures.of(ASR).handled.inc()
    measures.of(ASR).handled.inc()
    assert measures.counted(ASR, "handled") == 2
    assert measures.counted(EXTRACT, "handled") == 0


def test_handler_times_fall_into_buckets_from_a_millisecond_to_half_an_hour() -> None:
    assert (SECONDS[0], SECONDS[-1]) == (0.001, 1_800)
    assert all(1 < above / below <= 4 for below, above in pairwise(SECONDS))
    measures = Measures()
    for seconds in (0.0004, 0.06, 1_000, 9_999):
        measures.of(ASR).seconds.observe(seconds)
    bucket = "convmine_handler_seconds_bucket"
    assert value(measures.registry, bucket, le="0.001") == 1
    assert value(measures.registry, bucket, le="1800.0") == 3
    assert value(measures.registry, bucket, le="+Inf") == 4
    assert value(measures.registry, "convmine_handler_seconds_count") == 4


def test_gauges_can_be_asked_for_when_they_are_read() -> None:
    measures, busy = Measures(), {1, 2}
    measures.of(ASR).in_flight.set_function(lambda: len(busy))
    assert value(measures.registry, "convmine_in_flight") == 2
    busy.add(3)
    assert value(measures.registry, "convmine_in_flight") == 3
    assert value(measures.registry, "convmine_held") == 0


def test_the_version_and_the_process_are_shown() -> None:
    registry = Measures().registry
    assert value(registry, "convmine_build_info", None, version=version("convmine")) == 1
    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"):
        assert (value(registry, name, None) or 0) > 0


def test_lag_is_shown_a_partition_and_goes_with_it() -> None:
    measures, health = Measures(), Health([ASR, EXTRACT], stall_s=300)
    measures.show(health)
    stage = health.of(ASR)
    stage.assigned([(RECORDINGS, 0), (RECORDINGS, 1)])
    stage.measured({(RECORDINGS, 0): 7, (RECORDINGS, 1): 0})

    def lag(partition: str) -> float | None:
        return value(measures.registry, "convmine_lag", topic=RECORDINGS, partition=partition)

    assert (lag("0"), lag("1"), lag("2")) == (7, 0, None)
    stage.assigned([(RECORDINGS, 1)])
    assert (lag("0"), lag("1")) == (None, 0)


def test_a_dependency_is_one_while_it_is_away_and_zero_afterwards() -> None:
    measures, health = Measures(), Health([ASR], stall_s=300)
    measures.show(health)

    def away(dependency: str) -> float | None:
        return value(measures.registry, "convmine_dependency_away", dependency=dependency)

    assert away("qdrant") is None
    health.of(ASR).away("qdrant", "refused", datetime.now(UTC))
    health.broker_gone("the broker does not answer")
    assert (away("qdrant"), away("kafka")) == (1, 1)
    health.of(ASR).back("qdrant")
    assert away("qdrant") == 0


def test_progress_and_rebalances_are_shown() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    clock = iter([100.0, 105.0, 108.0, 111.0]).__next__
    measures, health = Measures(), Health([ASR], stall_s=300, clock=clock, wall=lambda: now)
    measures.show(health)
    health.of(ASR).progressed()  # at 105; started at 100
    health.of(ASR).assigned([])  # at 108
    registry = measures.registry
    found = {sample.name: sample.value for family in registry.collect() for sample in family.samples}
    assert found["convmine_last_progress_seconds"] == now.timestamp() - 6
    assert found["convmine_rebalances_total"] == 1
