"""The plan's prediction beside a real run: extract workers over Kafka that ask a language model of a fixed delay.

What is predicted, before anything runs and from costs given: calls a second, milliseconds from the record's writing to
its result's (p50, p95), and seconds until a backlog is drained. Three runs: a backlog that only the workers' places
bound, the same against a server with a limit of requests a minute, and calls that come by chance at three quarters of
what the workers can do. Delays are seconds, so that waiting decides and not the CPU of the machine.
"""

from __future__ import annotations

import asyncio
import math
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import numpy as np
from kafka_node import free_port, kafka_node
from processes import CONVMINE, environment, running

from benchmarks.broker import Broker
from benchmarks.report import Figures, Report, machine
from pipeline.evaluate.labelled_calls import labelled_samples
from pipeline.samples import folder as samples
from pipeline.settings import KafkaSettings
from pipeline.sizing.exact import Simulation
from pipeline.sizing.fleet import REQUESTS
from pipeline.sizing.line import Line
from pipeline.stages import intents, stage_named, transcripts
from schemas.wire import Lane
from workers.edge import Edge
from workers.entry import entry_record
from workers.records import NewRecord

GOAL: Final = 0.25
"""How far a prediction may be from what is measured, as a share of the latter."""
CPU_S: Final = 0.009
"""CPU seconds of a call: docs/measurements.md, Asking a language model."""
_JOINED_S: Final = 120.0
_AWAY: Final = 75
"""A worker ends so where the broker does not answer: it is to be started again."""
_PATIENCE_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Course:
    """One run: workers, their places, the server's delay and limit, and calls with when each comes, in seconds."""

    name: str
    workers: int
    in_flight: int
    delay_s: float
    came_s: tuple[float, ...]
    partitions: int = 6
    per_minute: int | None = None
    burst: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """Calls a second between the first and the last result, seconds of a call, and seconds from first call to last."""

    per_s: float
    p50_s: float
    p95_s: float
    drained_s: float


def courses(calls: int) -> list[Course]:
    """The three runs."""
    chance = random.Random(1)  # noqa: S311 - the same calls in every run
    rate, at, times = 0.75 * 2 * 4 / 2.0, 0.0, []
    for _ in range(calls):
        at += chance.expovariate(rate)
        times.append(at)
    backlog = (0.0,) * calls
    return [
        Course("backlog", 2, 4, 2.0, backlog),
        Course("limit", 2, 8, 1.0, backlog, per_minute=180),
        Course("by chance", 2, 4, 2.0, tuple(times)),
    ]


def predicted(course: Course) -> Outcome:
    """By the event simulation; which calls share a worker it does not know, and draws as Kafka's hash does."""
    line = Line(
        "extract.batch",
        {"batch": 1.0},
        course.delay_s + CPU_S,
        at_once=course.in_flight,
        workers=course.workers,
        partitions=course.partitions,
        uses={REQUESTS: 1.0} if course.per_minute else {},
    )
    limits = {REQUESTS: course.per_minute / 60} if course.per_minute else {}
    found = Simulation([line], limits).run({"batch": course.came_s})
    passed = found.stages[0]
    return Outcome(_rate(found.done_at), passed.p50_s, passed.p95_s, found.done_at[-1] - course.came_s[0])


def _rate(done_at: Sequence[float]) -> float:
    return (len(done_at) - 1) / (done_at[-1] - done_at[0])


def measured(course: Course, records: Sequence[NewRecord], servers: str, folder: Path) -> Outcome:
    """The same on Kafka: the server and each worker is a process; times are the broker's."""
    stage = stage_named("extract", Lane.BATCH)
    assert stage is not None
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(servers))
        kafka = KafkaSettings(bootstrap_servers=servers, topic_prefix=broker.prefix, partitions=course.partitions)
        source = broker.create(transcripts(Lane.BATCH), course.partitions)
        target = broker.create(intents(Lane.BATCH), course.partitions)
        Edge(kafka).apply_topics()
        port = free_port()
        limit = [] if course.per_minute is None else ["--requests-per-minute", str(course.per_minute), "--burst", "1"]
        llm = [*CONVMINE, "fake-llm", "--port", str(port), "--delay-s", str(course.delay_s), *limit]
        env = environment(
            {
                "KAFKA_BOOTSTRAP_SERVERS": servers,
                "CONVMINE_KAFKA_TOPIC_PREFIX": broker.prefix,
                "CONVMINE_EXTRACT_EXTRACTOR": "llm",
                "CONVMINE_EXTRACT_REASKS": "0",
                "CONVMINE_LLM_BASE_URL": f"http://127.0.0.1:{port}/v1",
                "CONVMINE_LLM_CACHE": "off",
                "CONVMINE_BUDGET_LEDGER": "off",
                "CONVMINE_RUNTIME_IN_FLIGHT": str(course.in_flight),
                "CONVMINE_LOG_LEVEL": "warning",
            }
        )
        stack.enter_context(running(llm, env, folder / f"{course.name}-llm.log"))
        logs = [folder / f"{course.name}-{number}.log" for number in range(course.workers)]
        command = [*CONVMINE, "worker", "extract", "--lane", "batch"]
        processes = [stack.enter_context(running(command, env, log)) for log in logs]
        deadline = time.monotonic() + _JOINED_S
        while len([one for one in broker.members(broker.prefix + stage.group) if one.get(source)]) < course.workers:
            if time.monotonic() > deadline:
                raise RuntimeError("\n".join(log.read_text()[-2_000:] for log in logs))
            for number, one in enumerate(processes):
                if one.poll() == _AWAY:  # a busy machine: the broker was too slow for it
                    processes[number] = stack.enter_context(running(command, env, logs[number]))
            time.sleep(0.5)
        asyncio.run(_publish(servers, source, records, course.came_s))
        deadline = time.monotonic() + _PATIENCE_S
        while sum(broker.counts(target)) < len(records):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{course.name}: {sum(broker.counts(target))} of {len(records)}")
            time.sleep(0.5)
        came, done = _times(servers, source), _times(servers, target)
    seconds = np.array([(done[key] - at) / 1_000 for key, at in came.items()])
    rising = sorted(done.values())
    return Outcome(
        _rate([at / 1_000 for at in rising]),
        float(np.quantile(seconds, 0.5)),
        float(np.quantile(seconds, 0.95)),
        (rising[-1] - min(came.values())) / 1_000,
    )


async def _publish(servers: str, topic: str, records: Sequence[NewRecord], came_s: Sequence[float]) -> None:
    from aiokafka import AIOKafkaProducer

    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        began, pending = time.monotonic(), []
        for record, at in zip(records, came_s, strict=True):
            if (ahead := began + at - time.monotonic()) > 0:
                await asyncio.sleep(ahead)
            pending.append(await producer.send(topic, key=record.key, value=record.value, headers=list(record.headers)))
        await asyncio.gather(*pending)


def _times(servers: str, topic: str) -> dict[bytes, int]:
    """When the broker appended the record of each key, in milliseconds; the first of each."""
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, 0)
        found: dict[bytes, int] = {}
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for batch in consumer.poll(timeout_ms=500).values():
                for record in batch:
                    found.setdefault(record.key, record.timestamp)
        return found
    finally:
        consumer.close()


def records_of(calls: int) -> list[NewRecord]:
    """So many recorded calls as they come to the stage, the samples in turn, each under an id of its own."""
    known = [call.transcript for call in labelled_samples(samples())]
    at = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    named = (known[number % len(known)].model_copy(update={"call_id": f"plan-{number}"}) for number in range(calls))
    return [entry_record(call, tenant_id="bench", time=at) for call in named]


def off(guess: float, real: float) -> float:
    """How far a prediction is off, as a share of what was measured."""
    return math.inf if not real else abs(guess - real) / real


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--calls", default=120, show_default=True, help="Of each run.")
@click.option("--only", "names", multiple=True, help="Runs: backlog, limit, by chance; all if not given.")
def main(*, as_json: bool, calls: int, names: tuple[str, ...]) -> None:
    """Predict, run, and print both; the ratio is the largest share by which a prediction is off."""
    figures: dict[str, Figures] = {}
    worst = 0.0
    records = records_of(calls)
    chosen = [course for course in courses(calls) if not names or course.name in names]
    guesses = {course.name: predicted(course) for course in chosen}
    with tempfile.TemporaryDirectory() as name, kafka_node(Path(name)) as servers:
        for course in chosen:
            real, guess = measured(course, records, servers, Path(name)), guesses[course.name]
            run: dict[str, Figures] = {}
            for what in Outcome.__dataclass_fields__:
                expected, found = getattr(guess, what), getattr(real, what)
                share = off(expected, found)
                run[what] = {"predicted": round(expected, 2), "measured": round(found, 2), "off": round(share, 3)}
                worst = max(worst, share)
            figures[course.name] = run
            print(course.name, run, file=sys.stderr)
    Report("plan_validation", round(worst, 3), GOAL, figures, machine()).show(as_json=as_json)


if __name__ == "__main__":
    main()
