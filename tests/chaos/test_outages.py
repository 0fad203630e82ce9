"""Each dependency goes away while calls come in, alone and with others: nothing is lost, and all is said."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from fleet import Fleet, Worker, fleet
from gate import Gate, gate_to
from installation import Installation, Models, installation, models_stand_in, qdrant
from kafka_node import KafkaNode, free_port, own_kafka_node
from made_calls import Due, live_calls, recordings, silences, wordless
from outcome import Outcome, outcome
from publishing import Publishing
from watch import Watch

from pipeline.extract.live import EVERY_S
from pipeline.stages import PATHS, STAGES, SUGGESTIONS, flow, intents, transcripts
from schemas.flow import FlowState
from schemas.insight import CallInsight, Extractor
from schemas.suggestion import SuggestionCreated
from schemas.transcript import TranscriptCompleted, TranscriptSegment
from schemas.wire import Lane

SECONDS = 245.0
RECORDED, SILENT, LIVE, LIVE_TURNS = 70, 20, 16, 6
WORDLESS = 500
"""Conversations without words, of which no model is asked: that they pass proves nothing while the model is away."""
NOTICE_S = EVERY_S + 5.0
"""Seconds that a worker may take to see that a dependency is away: of live calls that began together it asks a model
together, every 15 s, and an answer takes a moment."""
RECOVERY_S = 45.0
"""Seconds that it may take to see that it is back: the longest back-off and what an attempt takes."""
LOOKED_AT_S = max(SECONDS, 235 + RECOVERY_S + 5)
"""Until then, at least, the workers are looked at."""
LONGEST_LOG = 500_000
"""Characters that a worker may log in all of this."""


@dataclass(frozen=True)
class Outage:
    """A dependency as metrics name it, from when to when it is away, and a worker that needs it."""

    dependency: str
    begin_s: float
    end_s: float
    worker: str
    fault: str = ""


OUTAGES = (
    Outage("qdrant", 0, 100, "index-batch"),
    Outage("asr", 30, 65, "asr-batch", "broken"),
    Outage("llm", 70, 130, "extract-batch", "busy"),
    Outage("llm", 70, 130, "extract-live", "broken"),
    Outage("llm", 130, 190, "extract-batch", "hang"),
    Outage("llm", 130, 190, "extract-live", "close"),
    Outage("kafka", 175, 235, "flow-batch"),
)
FAULTS_OF = {"asr-batch": "/asr", "extract-batch": "/llm-batch", "extract-live": "/llm-live"}


@dataclass(frozen=True)
class Place:
    """An installation of which everything can be taken away."""

    installation: Installation
    broker: KafkaNode
    gate: Gate
    models: Models

    def actions(self) -> list[tuple[float, Callable[[], object]]]:
        """What to do when, in seconds from the start."""
        asked = [outage for outage in OUTAGES if outage.fault]
        moments = sorted({moment for outage in asked for moment in (outage.begin_s, outage.end_s)})
        todo: list[tuple[float, Callable[[], object]]] = []
        for moment in moments:
            now = [outage for outage in asked if outage.begin_s <= moment < outage.end_s]
            faults = {FAULTS_OF[outage.worker]: {"kind": outage.fault} for outage in now}
            todo.append((moment, lambda faults=faults: self.models.fail(faults)))  # type: ignore[misc]
        for outage in OUTAGES:
            if outage.dependency == "qdrant":
                todo += [(outage.begin_s, self.gate.shut), (outage.end_s, self.gate.open)]
            if outage.dependency == "kafka":
                todo += [(outage.begin_s, self.broker.stop), (outage.end_s, self.broker.start)]
        return sorted(todo, key=lambda pair: pair[0])


@dataclass(frozen=True)
class Run:
    """What was seen while dependencies went and came, and what was left in the end."""

    watch: Watch
    outcome: Outcome
    logs: dict[str, str]
    ended: dict[str, int]
    refused: int


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("outages")
    with ExitStack() as stack:
        broker = stack.enter_context(own_kafka_node(folder))
        models = stack.enter_context(models_stand_in(folder))
        gate = stack.enter_context(gate_to(stack.enter_context(qdrant(folder))))
        place = installation("outages", folder / "workers", broker.servers, gate.url, models.url)
        dues = [
            *recordings(folder / "recordings", RECORDED, seconds=SECONDS),
            *silences(folder / "recordings", SILENT, seconds=SECONDS),
            *wordless(WORDLESS, seconds=SECONDS),
            *live_calls(LIVE, seconds=SECONDS - 10, turns=LIVE_TURNS),
        ]
        yield carried_out(Place(place, broker, gate, models), dues)


def carried_out(place: Place, dues: Sequence[Due]) -> Run:
    here = place.installation
    with fleet(here.env, here.folder) as workers:
        ports = started(workers, place)
        with Watch(ports) as watch:
            with Publishing(here, dues) as publishing:
                begin = time.monotonic()
                for at_s, action in place.actions():
                    time.sleep(max(0.0, begin + at_s - time.monotonic()))
                    action()
            here.wait_idle(180, lambda: None)
            time.sleep(max(0.0, begin + LOOKED_AT_S - time.monotonic()))
        ended = dict(workers.surprises)
    logs = {name_of(worker): worker.log.read_text() for worker in workers.workers}
    return Run(watch, outcome(here), logs, {**ended, **workers.surprises}, publishing.refused)


def started(workers: Fleet, place: Place) -> dict[str, int]:
    """Start a worker of each stage; the ports of their HTTP servers by name."""
    ports: dict[str, int] = {}
    for stage in STAGES:
        port, lane = free_port(), str(stage.lane)
        env = {"CONVMINE_RUNTIME_HTTP_PORT": str(port), "CONVMINE_RUNTIME_BACKOFF_MAX_S": "10"}
        if stage.name == "extract":
            env["CONVMINE_LLM_BASE_URL"] = f"{place.models.url}/llm-{lane}/v1"
        ports[name_of(workers.start(stage.name, lane, **env))] = port
    workers.wait_started()
    return ports


def name_of(worker: Worker) -> str:
    return f"{worker.stage}-{worker.lane}"


@pytest.mark.timeout(600)
def test_no_call_is_lost_and_none_is_a_dead_letter(run: Run) -> None:
    assert [dict(letter.headers) for letter in run.outcome.dead_letters] == []
    batch, live = Lane.BATCH, Lane.LIVE
    recorded, lived = {f"recorded-{n:04}" for n in range(RECORDED)}, {f"live-{n:02}" for n in range(LIVE)}
    silent = {f"silent-{n:04}" for n in range(SILENT)}
    empty = silent | {f"wordless-{n:04}" for n in range(WORDLESS)}
    heard = run.outcome.payloads(transcripts(batch), TranscriptCompleted)
    assert {one.call_id for one in heard if one.segments} == recorded
    assert sorted(one.call_id for one in heard if not one.segments) == sorted(empty)
    mined = run.outcome.payloads(intents(batch), CallInsight)
    assert sorted(one.call_id for one in mined) == sorted(recorded | empty)
    assert {one.call_id for one in mined if one.provenance.extractor is Extractor.LLM} == recorded
    said = run.outcome.payloads(transcripts(live), TranscriptSegment)
    assert sorted(one.call_id for one in said) == sorted(call for call in lived for _ in range(LIVE_TURNS))
    assert sorted(one.call_id for one in run.outcome.payloads(intents(live), CallInsight)) == sorted(lived)
    assert len(run.outcome.payloads(flow(batch), FlowState)) == len(recorded | empty)
    assert sum(run.outcome.calls(PATHS).values()) == len(recorded | empty | lived)
    assert sum(graph.paths for graph in run.outcome.graphs.values()) == len(recorded | empty | lived)


def test_everything_that_was_published_can_be_found(run: Run) -> None:
    batch, points = Lane.BATCH, run.outcome.points
    segments = [it for one in run.outcome.payloads(transcripts(batch), TranscriptCompleted) for it in one.segments]
    named = [it for one in run.outcome.payloads(intents(batch), CallInsight) for it in one.intents]
    recorded = {
        name: [one for one in points[name].values() if one["lane"] == "batch"] for name in ("utterances", "intents")
    }
    assert len(recorded["utterances"]) == len(segments)
    assert len(recorded["intents"]) == len(named)
    assert len(points["calls"]) == RECORDED + SILENT + WORDLESS + LIVE
    assert len(points["suggestions"]) == len(run.outcome.payloads(SUGGESTIONS, SuggestionCreated)) > 0


def test_no_worker_ended(run: Run) -> None:
    assert run.ended == {}, "\n".join(f"--- {name}\n{run.logs[name][-2_000:]}" for name in run.logs)


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda it: f"{it.dependency} {it.fault} {it.worker}")
def test_an_outage_is_said_by_metric_and_healthz_and_fails_no_probe(run: Run, outage: Outage) -> None:
    looks = run.watch.at(outage.worker, outage.begin_s + NOTICE_S, outage.end_s - 1)
    silent = [look for look in looks if outage.dependency not in look.away & look.health_names]
    assert looks
    assert not silent, f"not said in {len(silent)} of {len(looks)} looks, such as {silent[0]}"
    assert {look.status for look in looks} == {200}


@pytest.mark.parametrize("dependency", sorted({outage.dependency for outage in OUTAGES}))
def test_what_is_back_is_no_longer_said_to_be_away(run: Run, dependency: str) -> None:
    # While the broker is away no event can be finished, which is how a worker sees that anything else is back.
    end_s = max(outage.end_s for outage in OUTAGES if outage.dependency in {dependency, "kafka"})
    after = [look for look in run.watch.looks if look.at_s > end_s + RECOVERY_S]
    assert after
    assert not [look for look in after if dependency in look.away | look.health_names]


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda it: f"{it.dependency} {it.fault} {it.worker}")
def test_an_outage_is_said_in_the_log(run: Run, outage: Outage) -> None:
    lines = [line for line in run.logs[outage.worker].splitlines() if f'"{outage.dependency}"' in line]
    assert any("dependency away" in line for line in lines)
    assert any("dependency back" in line for line in lines)


def test_an_outage_floods_no_log(run: Run) -> None:
    assert {name: len(text) for name, text in run.logs.items() if len(text) > LONGEST_LOG} == {}
