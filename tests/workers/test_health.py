from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.stages import RECORDINGS, STAGES
from workers.health import BLOCKED_S, Health, StageHealth, heartbeat

ASR, EXTRACT = STAGES[:2]
ZERO, ONE = (RECORDINGS, 0), (RECORDINGS, 1)
STALL_S = 300.0


class Time:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def health(time: Time) -> Health:
    return Health([ASR], stall_s=STALL_S, clock=time, wall=time.wall)


@pytest.fixture
def asr(health: Health) -> StageHealth:
    stage = health.of(ASR)
    stage.join()
    stage.assigned([ZERO, ONE])
    return stage


def report(health: Health) -> Any:
    """What ``/healthz`` says, as a program reads it."""
    return json.loads(json.dumps(health.live().report))


def test_a_stage_that_stands_still_while_events_wait_is_stalled(health: Health, asr: StageHealth, time: Time) -> None:
    asr.progressed()
    for _ in range(30):
        time.now += 15
        asr.measured({ZERO: 3, ONE: 0})
    verdict = health.live()
    assert (verdict.healthy, verdict.status) == (False, "stalled")
    (stage,) = report(health)["stages"]
    assert (stage["stage"], stage["lane"], stage["stalled"], stage["lag"]) == ("asr", "batch", True, 3)
    assert stage["partitions"] == {f"{RECORDINGS}/0": 3, f"{RECORDINGS}/1": 0}
    assert stage["since_progress_s"] == 450


def test_the_first_event_that_gets_on_heals_it(health: Health, asr: StageHealth, time: Time) -> None:
    time.now += STALL_S + 1
    asr.measured({ZERO: 3})
    assert not health.live().healthy
    time.now += 1
    asr.progressed()
    assert health.live().healthy


def test_a_stage_with_nothing_to_do_is_well_however_long(health: Health, asr: StageHealth, time: Time) -> None:
    for _ in range(1_000):
        time.now += 15
        asr.measured({ZERO: 0, ONE: 0})
    assert health.live().status == "ok"


def test_an_event_after_a_quiet_night_does_not_look_like_a_stall(health: Health, asr: StageHealth, time: Time) -> None:
    for _ in range(2_000):
        time.now += 15
        asr.measured({ZERO: 0, ONE: 0})
    time.now += 15
    asr.measured({ZERO: 1, ONE: 0})
    assert health.live().healthy
    time.now += STALL_S
    asr.measured({ZERO: 1, ONE: 0})
    assert not health.live().healthy


def test_time_counts_from_the_assignment_of_partitions_not_from_before(
    health: Health, asr: StageHealth, time: Time
) -> None:
    time.now += 10 * STALL_S
    asr.assigned([ZERO])
    time.now += STALL_S - 1
    asr.measured({ZERO: 5})
    assert health.live().healthy
    time.now += 2
    asr.measured({ZERO: 5})
    assert not health.live().healthy


def test_a_dependency_that_is_away_is_said_and_is_no_reason_to_restart(
    health: Health, asr: StageHealth, time: Time
) -> None:
    since = time.wall()
    asr.away("qdrant", "Qdrant at http://localhost:6333 does not answer", since)
    time.now += STALL_S + 100
    asr.measured({ZERO: 5, ONE: 0})
    assert health.live().healthy
    found = report(health)
    assert found["status"] == "degraded"
    assert found["stages"][0]["away"] == [
        {
            "dependency": "qdrant",
            "reason": "Qdrant at http://localhost:6333 does not answer",
            "since": since.isoformat(timespec="seconds"),
            "for_s": 400.0,
        }
    ]


def test_after_a_dependency_is_back_the_stage_has_the_whole_time_again(
    health: Health, asr: StageHealth, time: Time
) -> None:
    asr.away("llm", "429", time.wall())
    time.now += 10 * STALL_S
    asr.measured({ZERO: 5})
    asr.back("llm")
    time.now += 15
    asr.measured({ZERO: 5})
    assert health.live().status == "ok"
    time.now += STALL_S
    asr.measured({ZERO: 5})
    assert health.live().status == "stalled"


def test_two_dependencies_can_be_away_and_each_comes_back_by_itself(
    health: Health, asr: StageHealth, time: Time
) -> None:
    asr.away("llm", "429", time.wall())
    asr.away("qdrant", "refused", time.wall())
    asr.back("llm")
    assert [outage["dependency"] for outage in report(health)["stages"][0]["away"]] == ["qdrant"]
    asr.back("qdrant")
    assert health.live().status == "ok"


def test_nobody_is_blamed_while_the_broker_does_not_answer_nor_right_after(
    health: Health, asr: StageHealth, time: Time
) -> None:
    asr.measured({ZERO: 5})
    time.now += 20
    health.broker_gone("the broker does not answer: KafkaConnectionError")
    time.now += 10 * STALL_S
    health.broker_gone("the broker does not answer: RequestTimedOutError")
    found = report(health)
    assert found["status"] == "degraded"
    (away,) = found["stages"][0]["away"]
    assert (away["dependency"], away["for_s"]) == ("kafka", 10 * STALL_S)
    assert "RequestTimedOutError" in away["reason"]
    asr.measured({ZERO: 5})
    health.broker_back()
    assert health.live().status == "ok"


def test_a_stall_is_never_declared_on_a_measurement_that_is_older_than_the_standstill(
    health: Health, asr: StageHealth, time: Time
) -> None:
    asr.measured({ZERO: 5})
    time.now += STALL_S + 100
    assert health.live().healthy, "nobody knows whether these five still wait"


def test_a_stall_is_taken_back_when_the_broker_turns_out_to_be_away(
    health: Health, asr: StageHealth, time: Time
) -> None:
    time.now += STALL_S + 1
    asr.measured({ZERO: 5})
    assert health.live().status == "stalled"
    health.broker_gone("the broker does not answer")
    assert health.live().status == "degraded"


def test_what_the_breaker_says_of_kafka_is_not_said_twice(health: Health, asr: StageHealth, time: Time) -> None:
    health.broker_gone("the broker does not answer")
    asr.away("kafka", "not enough replicas", time.wall())
    assert [outage.reason for outage in health.outages(asr)] == ["not enough replicas"]


def test_a_group_that_is_never_joined_is_a_stall_too(health: Health, time: Time) -> None:
    stage = health.of(ASR)
    time.now += 10 * STALL_S
    stage.measured({})
    assert health.live().status == "starting", "it has not asked yet: it may be loading a large model"
    stage.join()
    for _ in range(30):
        time.now += 15
        stage.measured({})
    assert health.live().status == "stalled"


def test_a_rebalance_that_never_ends_is_a_stall_though_nothing_waits(
    health: Health, asr: StageHealth, time: Time
) -> None:
    asr.measured({ZERO: 0, ONE: 0})
    asr.join()
    for _ in range(30):
        time.now += 15
        asr.measured({ZERO: 0, ONE: 0})
    assert health.live().status == "stalled"
    asr.assigned([])
    assert health.live().status == "ok"


def test_a_worker_that_stands_by_without_partitions_is_well(health: Health, asr: StageHealth, time: Time) -> None:
    asr.assigned([])
    time.now += 10 * STALL_S
    asr.measured({})
    assert health.live().status == "ok"
    assert health.ready().healthy
    assert report(health)["stages"][0]["lag"] == 0


def test_lag_of_a_partition_that_was_taken_away_does_not_count(health: Health, asr: StageHealth, time: Time) -> None:
    asr.measured({ZERO: 5, ONE: 0})
    asr.assigned([ONE])
    assert asr.lag == {ONE: 0}
    time.now += STALL_S + 1
    asr.measured({ZERO: 5, ONE: 0})
    assert health.live().healthy


def test_lag_is_unknown_until_every_partition_was_measured(health: Health, asr: StageHealth) -> None:
    asr.measured({ZERO: 5})
    (stage,) = report(health)["stages"]
    assert stage["lag"] is None
    assert stage["partitions"] == {f"{RECORDINGS}/0": 5, f"{RECORDINGS}/1": None}


def test_one_stalled_stage_among_many_is_named(time: Time) -> None:
    health = Health([ASR, EXTRACT], stall_s=STALL_S, clock=time, wall=time.wall)
    for stage in health.stages:
        stage.assigned([(stage.stage.reads[0], 0)])
    time.now += STALL_S + 1
    health.of(ASR).progressed()
    for stage in health.stages:
        stage.measured({(stage.stage.reads[0], 0): 1})
    assert not health.live().healthy
    assert {row["stage"]: row["stalled"] for row in report(health)["stages"]} == {"asr": False, "extract": True}


def test_an_event_loop_that_stands_still_is_blocked(health: Health, asr: StageHealth, time: Time) -> None:
    health.tick()
    time.now += BLOCKED_S
    assert health.live().status == "ok"
    time.now += 0.1
    verdict = health.live()
    assert (verdict.healthy, verdict.status) == (False, "blocked")
    assert report(health)["loop_still_s"] == 30.1


def test_a_process_that_was_stopped_and_wakes_up_is_given_time(health: Health, asr: StageHealth, time: Time) -> None:
    health.tick()
    asr.measured({ZERO: 5})
    time.now += 10 * STALL_S
    health.tick()
    asr.measured({ZERO: 5})
    assert health.live().healthy


def test_a_worker_is_ready_when_every_stage_has_joined_and_until_it_drains(time: Time) -> None:
    health = Health([ASR, EXTRACT], stall_s=STALL_S, clock=time, wall=time.wall)
    health.of(ASR).assigned([ZERO])
    assert (health.ready().healthy, health.ready().status, health.live().status) == (False, "starting", "starting")
    health.of(EXTRACT).assigned([])
    assert (health.ready().healthy, health.ready().status) == (True, "ready")
    health.of(ASR).join()
    health.of(ASR).away("qdrant", "refused", time.wall())
    assert health.ready().healthy, "a rebalance or an outage sends no traffic elsewhere: there is none"
    health.drain()
    assert (health.ready().healthy, health.ready().status) == (False, "draining")


def test_while_draining_standing_still_is_what_is_wanted(health: Health, asr: StageHealth, time: Time) -> None:
    health.drain()
    time.now += STALL_S + 1
    asr.measured({ZERO: 5})
    assert (health.live().healthy, health.live().status) == (True, "draining")


async def test_the_heartbeat_ticks_as_long_as_the_loop_runs(health: Health, asr: StageHealth, time: Time) -> None:
    beating = asyncio.create_task(heartbeat(health, every_s=0))
    await asyncio.sleep(0)
    time.now += BLOCKED_S + 1
    assert health.live().status == "blocked"
    await asyncio.sleep(0.01)
    assert health.live().status == "ok"
    beating.cancel()
