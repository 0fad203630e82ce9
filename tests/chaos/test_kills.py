"""Recorded and live calls while workers are killed, join, leave and freeze: the end is as if nothing had happened.

The chance is seeded; ``CONVMINE_CHAOS_SEED`` runs a failure again. ``CONVMINE_CHAOS_FAUST=1`` lets Faust acknowledge
(``faust_acknowledges``), to see that this test can fail.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from disturbance import Disturber, plan
from faust_acknowledges import faust_worker
from fleet import ALL, Fleet, convmine_worker, fleet
from installation import SESSION_TIMEOUT_S, Installation, installation, models_stand_in, qdrant
from made_calls import Due, live_calls, recordings
from outcome import OUTPUTS, Outcome, differences, outcome
from past_calls import COMES_NEXT, publish_past_calls
from publishing import Publishing

from pipeline.stages import FAILED, STAGES, SUGGESTIONS, flow, intents, transcripts
from schemas.flow import FlowState
from schemas.suggestion import SuggestionCreated
from schemas.wire import Lane

RECORDED, LIVE = 300, 20
SECONDS = 90.0
CALM_SPEED = 3.0
SEED = int(os.environ.get("CONVMINE_CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
LAUNCH = faust_worker if os.environ.get("CONVMINE_CHAOS_FAUST") else convmine_worker


@dataclass(frozen=True)
class Runs:
    """The same calls twice: with nothing happening to the workers, and with everything."""

    calm: Outcome
    wild: Outcome
    surprises: dict[str, int]
    report: str


@pytest.fixture(scope="module")
def runs(kafka_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("kills")
    with models_stand_in(folder) as models, qdrant(folder) as store:

        def place(name: str) -> Installation:
            made = installation(name, folder / name, kafka_servers, f"http://{store}", models.url)
            publish_past_calls(made.kafka)
            return made

        dues = [*recordings(folder / "recordings", RECORDED, seconds=SECONDS), *live_calls(LIVE, seconds=SECONDS * 0.9)]
        calm = undisturbed(place("calm"), dues)
        yield disturbed(place("wild"), dues, calm)


def undisturbed(place: Installation, dues: list[Due]) -> Outcome:
    with fleet(place.env, place.folder) as workers:
        for lane in Lane:
            workers.start(ALL, str(lane))
        workers.wait_started()
        with Publishing(place, dues, speed=CALM_SPEED):
            pass
        place.wait_idle(240, lambda: all_run(workers))
    all_run(workers)
    return outcome(place)


def disturbed(place: Installation, dues: list[Due], calm: Outcome) -> Runs:
    acts = plan(SEED, SECONDS, SESSION_TIMEOUT_S)
    with fleet(place.env, place.folder, LAUNCH) as workers:
        for stage in STAGES:
            workers.start(stage.name, str(stage.lane))
        workers.wait_started()
        disturber = Disturber(workers, acts, SEED)
        with Publishing(place, dues):
            disturber.run()
        idle_s = place.wait_idle(240, lambda: None)
    wild = outcome(place)
    repeated = {topic: (len(events.content), events.repeated) for topic, events in wild.events.items()}
    report = [f"CONVMINE_CHAOS_SEED={SEED}", *disturber.done, f"idle {idle_s:.0f} s after the last", str(repeated)]
    sys.stdout.write("\n".join(report) + "\n")
    return Runs(calm, wild, workers.surprises, "\n".join(report))


def all_run(workers: Fleet) -> None:
    assert not workers.surprises, f"ended by themselves: {workers.surprises}\n{workers.ends()}"


@pytest.mark.timeout(900)
def test_the_undisturbed_run_is_one_to_compare_with(runs: Runs) -> None:
    batch, live = Lane.BATCH, Lane.LIVE
    assert len(runs.calm.calls(intents(batch))) == RECORDED
    for topic in (transcripts(live), intents(live), flow(live)):
        assert len(runs.calm.calls(topic)) == LIVE, topic
    assert all(runs.calm.events[topic].content for topic in OUTPUTS if topic != FAILED)
    assert all(runs.calm.points.values())
    assert sum(graph.paths for graph in runs.calm.graphs.values()) == RECORDED + LIVE
    assert runs.calm.dead_letters == ()


def test_live_calls_are_guided_and_advised_by_how_earlier_calls_went(runs: Runs) -> None:
    states = [one for one in runs.calm.payloads(flow(Lane.LIVE), FlowState) if one.heard and one.path]
    told = [one.guidance.next[0].label for one in states if one.guidance is not None]
    assert len(told) == len(states) > 0
    assert COMES_NEXT in told
    live = [one for one in runs.calm.payloads(SUGGESTIONS, SuggestionCreated) if one.lane is Lane.LIVE]
    assert len(live) >= LIVE // 2
    assert "before-price-objection" in {one.card_id for one in live}


def test_no_event_no_point_and_no_count_is_lost_doubled_or_changed(runs: Runs) -> None:
    wrong = differences(runs.calm, runs.wild)
    kinds = Counter(one.partition(":")[0] for one in wrong)
    assert not wrong, "\n".join([runs.report, *(f"{count} x {kind}" for kind, count in kinds.items()), *wrong[:20]])


def test_no_worker_ended_by_itself_and_those_told_to_leave_left_well(runs: Runs) -> None:
    assert runs.surprises == {}, runs.report
