"""How soon the words of live calls are out: from the chunk that shows that speech has ended to its final segment.

The engine takes no time. Both ends are times of one clock: that of this process, or of the broker when it appends a
record. The hang-over, the silence after which speech counts as ended, is no part of it; it is ``hangover_ms``. Segments
that wait for the rest of a number are counted apart.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final, Literal

import click
import structlog
from kafka_node import kafka_node
from processes import environment, running

from benchmarks.asr_live_calls import FORMATS, Due, bodies, dues, is_final, moment, send
from benchmarks.asr_live_worker import live_handler, live_stage
from benchmarks.asr_recordings import sample_calls
from benchmarks.broker import Broker
from benchmarks.report import NOT_RUN, Figure, Figures, Report, machine, percentiles
from pipeline.figures import LIVE_HELD_BACK
from pipeline.settings import load
from pipeline.stages import AUDIO, FAILED, transcripts
from pipeline.testing import InMemoryMeter
from schemas.audio import RawFormat
from schemas.wire import Lane
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import limits_of
from workers.records import NewRecord

GOAL_P95_MS: Final = 120.0
TRANSPORTS: Final = ("in process", "kafka")
_OUT: Final = transcripts(Lane.LIVE)
_WARM_UP_S: Final = 30.0
"""Until a broker that has just begun has compiled what it needs; it takes most of a core meanwhile."""
_PARTITIONS: Final = 6
_LAST_S: Final = 3.0
"""Seconds that the last segments may take."""
_JOINED_S: Final = 30.0
"""Seconds that the worker has to join its group, before the first call begins."""


@dataclass(frozen=True, slots=True)
class Run:
    """Milliseconds of each segment after the warm-up, and the CPU time of the processes that did the work."""

    latencies_ms: Sequence[float]
    cpu_s: float
    took_s: float
    held_back: float | str = NOT_RUN
    held_back_ms: float | str = NOT_RUN

    @property
    def figures(self) -> Figures:
        """As they are printed."""
        return {
            "segments": len(self.latencies_ms),
            "ms": percentiles(self.latencies_ms),
            "cores": round(self.cpu_s / self.took_s, 2),
            "held_back": self.held_back,
            "held_back_ms_of_the_call": self.held_back_ms,
        }


@dataclass(frozen=True, slots=True)
class Load:
    """So many calls at once, in one format, for so long."""

    audio: Sequence[Sequence[bytes]]
    raw: RawFormat
    calls: int
    seconds: float

    def dues(self) -> list[Due]:
        return list(dues(self.audio, self.raw, self.calls, self.seconds + _WARM_UP_S))


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--transport", "transports", multiple=True, type=click.Choice(TRANSPORTS), default=TRANSPORTS)
@click.option("--format", "formats", multiple=True, type=click.Choice(tuple(FORMATS)), default=tuple(FORMATS))
@click.option("--calls", default=50, show_default=True, help="Live at once.")
@click.option("--workers", default=2, show_default=True, help="Of asr.live on Kafka: one a core, as it is deployed.")
@click.option("--seconds", default=40.0, show_default=True, help="Measured, after 30 s of warm-up.")
def main(  # noqa: PLR0913 - one a switch
    *, as_json: bool, transports: Sequence[str], formats: Sequence[str], calls: int, workers: int, seconds: float
) -> None:
    """Measure, and print milliseconds; the ratio is the largest p95 of all runs to the goal of 120 ms."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    samples = sample_calls()
    figures: dict[str, dict[str, Figures | Figure]] = {it: dict.fromkeys(FORMATS, NOT_RUN) for it in TRANSPORTS}
    worst: list[float] = []
    for name in formats:
        traffic = Load([bodies(call, FORMATS[name]) for call in samples], FORMATS[name], calls, seconds)
        for transport in transports:
            run = asyncio.run(_in_process(traffic)) if transport == "in process" else _on_kafka(traffic, workers)
            figures[transport][name] = run.figures
            worst.append(float(percentiles(run.latencies_ms)["p95"]))
    ratio: float | Literal["not run"] = round(max(worst) / GOAL_P95_MS, 3) if worst else NOT_RUN
    settings = load()
    stated: Mapping[str, Figure] = {
        "goal_p95_ms": GOAL_P95_MS,
        "calls": calls,
        "workers_on_kafka": workers,
        "hangover_ms": settings.audio.vad_hangover_ms,
        "hold_ms": settings.privacy.hold_ms,
    }
    Report("asr_live", ratio, 1.0, {**stated, **figures}, machine()).show(as_json=as_json)


class _TimedBroker(InProcessBroker):
    """Notes when each chunk and each final segment was published."""

    def __init__(self) -> None:
        super().__init__(_PARTITIONS)
        self.arrived: dict[tuple[bytes, bytes], float] = {}
        self.told: list[tuple[NewRecord, float]] = []

    async def publish(self, records: Sequence[NewRecord]) -> None:
        now = time.perf_counter()
        for record in records:
            if record.topic == AUDIO:
                self.arrived[moment(record)] = now
            elif record.topic == _OUT:
                self.told.append((record, now))
        await super().publish(records)


async def _in_process(traffic: Load) -> Run:
    """Feeder, broker and worker share a process, and so its CPU time."""
    settings, stage, broker = load(), live_stage(), _TimedBroker()
    meter = InMemoryMeter()
    handler = live_handler(settings, meter)
    worker = InProcessWorker(broker, stage, handler, limits_of(settings, stage))
    records = traffic.dues()
    await worker.start()
    began, cpu = time.perf_counter(), time.process_time()
    await send(records, lambda record: broker.publish([record]))
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    await asyncio.sleep(_LAST_S)
    await worker.stop(1.0)
    late = began + _WARM_UP_S
    found = [
        (at - broker.arrived[moment(record)]) * 1_000
        for record, at in broker.told
        if broker.arrived[moment(record)] >= late and is_final(record.value)
    ]
    waited_s = meter.observed(LIVE_HELD_BACK)
    return Run(found, cpu_s, took_s, len(waited_s), round(1_000 * fmean(waited_s)) if waited_s else 0)


def _on_kafka(traffic: Load, workers: int) -> Run:
    """Each worker is a process of its own; times are those at which the broker appended records."""
    with tempfile.TemporaryDirectory() as name, kafka_node(Path(name)) as servers, Broker(servers) as broker:
        stage = live_stage()
        topics = (AUDIO, _OUT, stage.state_topic, stage.dead_letters(AUDIO), FAILED)
        for topic in topics:
            broker.create(topic, _PARTITIONS)
        env = environment({"KAFKA_BOOTSTRAP_SERVERS": servers, "CONVMINE_KAFKA_TOPIC_PREFIX": broker.prefix})
        with ExitStack() as stack:
            logs = [Path(name) / f"worker-{number}.log" for number in range(workers)]
            started = {
                log: stack.enter_context(running([sys.executable, "-m", "benchmarks.asr_live_worker"], env, log))
                for log in logs
            }
            return asyncio.run(_measured(broker, traffic, started))


async def _measured(broker: Broker, traffic: Load, workers: Mapping[Path, subprocess.Popen[bytes]]) -> Run:
    from aiokafka import AIOKafkaProducer
    from psutil import Process

    records = traffic.dues()
    source = broker.prefix + AUDIO
    group = f"{broker.prefix}{live_stage().group}"
    deadline = time.monotonic() + _JOINED_S
    while await asyncio.to_thread(_members, broker, group) < len(workers):
        for log, worker in workers.items():
            if worker.poll() is not None or time.monotonic() > deadline:
                said = await asyncio.to_thread(log.read_text)
                raise RuntimeError(f"a worker has not joined its group: {said[-2_000:]}")
        await asyncio.sleep(0.5)

    def used_s() -> float:
        times = [Process(worker.pid).cpu_times() for worker in workers.values()]
        return sum(float(it.user + it.system) for it in times)

    async with AIOKafkaProducer(bootstrap_servers=broker.servers, linger_ms=0) as producer:

        async def publish(record: NewRecord) -> None:
            await producer.send(source, key=record.key, value=record.value, headers=list(record.headers))

        began, cpu = time.perf_counter(), used_s()
        await send(records, publish)
        took_s, cpu_s = time.perf_counter() - began, used_s() - cpu
        await producer.flush()
    await asyncio.sleep(_LAST_S)
    return Run(await asyncio.to_thread(_appended, broker), cpu_s, took_s)


def _members(broker: Broker, group: str) -> int:
    """How many workers have partitions; before the first request there is no coordinator to ask."""
    from kafka.errors import KafkaError

    try:
        return len(broker.members(group))
    except KafkaError:
        return 0


def _appended(broker: Broker) -> list[float]:
    """Milliseconds from when a chunk was appended to when the final segments that follow from it were."""
    arrived = {moment(it): it.timestamp for it in _records(broker, AUDIO)}
    late = min(arrived.values()) + _WARM_UP_S * 1_000
    said = ((arrived[moment(it)], it) for it in _records(broker, _OUT) if is_final(it.value))
    return [it.timestamp - since for since, it in said if since >= late]


def _records(broker: Broker, topic: str) -> Iterator[Any]:
    """All records of a topic, as they are now."""
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(bootstrap_servers=broker.servers, enable_auto_commit=False, check_crcs=False)
    try:
        partitions = [TopicPartition(broker.prefix + topic, number) for number in range(_PARTITIONS)]
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for batch in consumer.poll(timeout_ms=500, max_records=5_000).values():
                yield from batch
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
