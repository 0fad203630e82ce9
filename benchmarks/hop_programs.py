"""The programs that the hop benchmark compares, each in a process of its own.

All read one topic and, but for ``faust-consume``, write every record with key, value and headers to another. They
confirm with ``acks=all`` and commit what they have done; each is written as its library's own documentation shows it.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

COMMIT_S: Final = 0.5
"""Seconds between commits, the same for all."""


@dataclass(frozen=True, slots=True)
class Task:
    """Where a contender reads and writes.

    ``warm_up`` and ``measured`` records are for the one that writes nothing: it tells by itself how long it took.
    ``wait_ms`` is how long our handler waits with each event.
    """

    servers: str
    group: str
    source: str
    target: str
    warm_up: int = 0
    measured: int = 0
    wait_ms: int = 0

    def command(self, contender: str) -> list[str]:
        """What starts it."""
        return [sys.executable, "-m", "benchmarks.hop_programs", contender, json.dumps(asdict(self))]


async def plain_faust(task: Task) -> None:
    """An agent that awaits each send before it takes the next event."""
    app = _faust_app(task)
    target = app.topic(task.target, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def forward(stream: Any) -> None:  # noqa: ANN401 - faust ships no types
        async for event in stream.events():
            await target.send(key=event.key, value=event.value, headers=event.headers)

    await _run_faust(app, task, forward)


async def faust_consume(task: Task) -> None:
    """An agent that does nothing with an event; prints its events per second and its CPU time for each."""
    app = _faust_app(task)

    async def consume(stream: Any) -> None:  # noqa: ANN401 - likewise
        seen, began, cpu_began = 0, 0.0, 0.0
        async for _event in stream.events():
            seen += 1
            if seen == task.warm_up:
                began, cpu_began = time.monotonic(), time.process_time()
            elif seen == task.warm_up + task.measured:
                seconds, cpu = time.monotonic() - began, time.process_time() - cpu_began
                print(json.dumps([task.measured / seconds, cpu / task.measured * 1e6]), flush=True)

    await _run_faust(app, task, consume)


async def raw_aiokafka(task: Task) -> None:
    """Takes what has arrived, sends all of it, waits for the confirmations, commits."""
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    consumer = AIOKafkaConsumer(
        task.source,
        bootstrap_servers=task.servers,
        group_id=task.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=task.servers, acks="all", enable_idempotence=True)
    async with consumer, producer:
        stop, committed = _signalled(), time.monotonic()
        while not stop.is_set():
            batches = await consumer.getmany(timeout_ms=200, max_records=500)
            pending = [
                await producer.send(task.target, key=record.key, value=record.value, headers=list(record.headers))
                for records in batches.values()
                for record in records
            ]
            await asyncio.gather(*pending)
            if pending and time.monotonic() - committed > COMMIT_S:
                await consumer.commit()
                committed = time.monotonic()
        await consumer.commit()


async def convmine(task: Task) -> None:
    """A stage of ours, run as ``convmine worker`` runs one; its handler gives back the event that follows."""
    from pipeline.handling import Inbound, Outbound, follow
    from pipeline.settings import load
    from pipeline.stages import Stage
    from schemas.wire import Lane
    from workers import logs
    from workers.claims import claims_of
    from workers.kafka_app import KafkaWorker
    from workers.limits import limits_of
    from workers.measures import Measures
    from workers.processes import collect_garbage_seldom

    settings = load()
    logs.configure(settings.log)
    prefix = settings.kafka.topic_prefix
    source, target = task.source.removeprefix(prefix), task.target.removeprefix(prefix)
    name = task.group.removeprefix(f"{prefix}convmine.").removesuffix(".live")
    stage = Stage(name, Lane.LIVE, (source,), (target,), "the benchmark")

    async def handle(inbound: Inbound) -> tuple[Outbound, ...]:
        if task.wait_ms:
            await asyncio.sleep(task.wait_ms / 1_000)
        return (follow(inbound, inbound.payload, stage=stage.name, topic=target),)

    worker = KafkaWorker(
        settings.kafka, stage, handle, limits_of(settings, stage), measures=Measures(), claims=claims_of(settings)
    )
    await worker.start()
    collect_garbage_seldom()
    try:
        await _signalled().wait()
    finally:
        await worker.stop(settings.runtime.drain_s)


def quix_streams(task: Task) -> None:
    """A dataframe from topic to topic; everything but Python glue is librdkafka, in C."""
    from quixstreams import Application

    with tempfile.TemporaryDirectory() as folder:
        app = Application(
            broker_address=task.servers,
            consumer_group=task.group,
            auto_offset_reset="earliest",
            auto_create_topics=False,
            commit_interval=COMMIT_S,
            state_dir=folder,
        )
        raw = {"key_serializer": "bytes", "value_serializer": "bytes"}
        source = app.topic(task.source, key_deserializer="bytes", value_deserializer="bytes")
        app.dataframe(source).to_topic(app.topic(task.target, **raw))
        app.run()


def _faust_app(task: Task) -> Any:  # noqa: ANN401 - likewise
    import faust

    return faust.App(
        task.group,
        broker=[f"kafka://{server}" for server in task.servers.split(",")],
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        store="memory://",
        datadir=tempfile.mkdtemp(prefix="bench-faust-"),
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=COMMIT_S,
        stream_wait_empty=False,
        loghandlers=[],
    )


async def _run_faust(app: Any, task: Task, agent: Callable[[Any], Awaitable[None]]) -> None:  # noqa: ANN401 - likewise
    source = app.topic(task.source, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    app.agent(source)(agent)
    await app.start()
    await _signalled().wait()
    await app.stop()


def _signalled() -> asyncio.Event:
    """Set when the process is told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return stop


_ASYNC: Final[Mapping[str, Callable[[Task], Awaitable[None]]]] = {
    "plain-faust": plain_faust,
    "faust-consume": faust_consume,
    "raw-aiokafka": raw_aiokafka,
    "convmine": convmine,
}
NAMES: Final = (*_ASYNC, "quix-streams")


async def _run(contender: Callable[[Task], Awaitable[None]], task: Task) -> None:
    await contender(task)


def main() -> None:
    """Run the contender that the first argument names on the task that the second gives as JSON."""
    name, task = sys.argv[1], Task(**json.loads(sys.argv[2]))
    if name == "quix-streams":
        quix_streams(task)
    else:
        asyncio.run(_run(_ASYNC[name], task))


if __name__ == "__main__":
    main()
