"""What calls cost on this machine: the sample calls through the real handlers, one stage after the other, in process.

Kafka is not in it: its client's share is a figure of its own (``hop_cpu_s`` in ``pipeline/sizing/shipped.toml``).
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pipeline import samples
from pipeline.asr.decode import Limits as AudioLimits
from pipeline.asr.decode import decode
from pipeline.erasure.erased import Erased
from pipeline.errors import ConvmineError
from pipeline.scenarios.opened import load_library
from pipeline.settings import Settings
from pipeline.sizing.costs import name_of
from pipeline.stages import TOPICS, Stage, stages_of
from schemas.audio import RecordingAvailable
from schemas.wire import Lane
from workers.assembly import AnyHandler, Assembly
from workers.entry import LiveCall, entry_record, live_records
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import limits_of
from workers.measures import Measures
from workers.records import NewRecord
from workers.snapshots import graph_snapshots

if TYPE_CHECKING:
    from pipeline.asr.decode import Audio

_LIVE_RATE_HZ: Final = 8_000
"""Samples a second of a played call: those of a telephone."""
_RECORD_OVERHEAD: Final = 30
"""Bytes that Kafka adds to a record besides key, value and headers, and its share of a batch's own; roughly."""


@dataclass(slots=True)
class LaneCosts:
    """Sums over the measured calls of one lane; seconds are CPU time of this process, ``engine_s`` that of others."""

    minutes: float = 0.0
    calls: int = 0
    events: dict[str, int] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)
    points: int = 0
    point_bytes: int = 0
    engine_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Sample:
    """One call: what brings it in, and how long it is."""

    records: tuple[NewRecord, ...]
    minutes: float


async def measure(settings: Settings, lane: Lane, calls: int) -> LaneCosts:
    """The first sample call to warm up, then so many others.

    Raises:
        Config: a setting is wrong, or the engine is not installed.
        Retryable: the store is away.
        ConvmineError: a call could not be mined.
    """
    taken = [_sample(number, lane, settings) for number in range(calls + 1)]
    found = LaneCosts(minutes=sum(one.minutes for one in taken[1:]), calls=calls)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    broker, measures = InProcessBroker(), Measures()
    library = load_library(settings)
    async with Assembly(settings, graph_snapshots(broker.read_back), library, measures.meter) as assembly:
        handlers = {stage: await assembly.handler(stage) for stage in stages_of(lane)}
        await broker.publish(taken[0].records)
        for stage, handler in handlers.items():
            await _run(broker, stage, handler, settings, measures)
        before = {topic.name: len(broker.records(topic.name)) for topic in TOPICS}
        points = await _points(assembly)
        await broker.publish([record for one in taken[1:] for record in one.records])
        for stage, handler in handlers.items():
            done, began = broker.done(stage), time.process_time()
            await _run(broker, stage, handler, settings, measures)
            name = name_of(stage)
            found.cpu_s[name] = time.process_time() - began
            found.events[name] = broker.done(stage) - done
        for topic in TOPICS:
            records = broker.records(topic.name)
            if new := len(records) - before[topic.name]:
                found.bytes[topic.name] = round(sum(map(_size, records)) * new / len(records))
        _check(broker)
        after = await _points(assembly)
        found.points = after[0] - points[0]
        found.point_bytes = after[1] - points[1]
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = ended.ru_utime + ended.ru_stime - children.ru_utime - children.ru_stime
    found.engine_s = used * found.minutes / sum(one.minutes for one in taken)
    return found


def document(found: Mapping[Lane, LaneCosts], engine: str) -> dict[str, Any]:
    """The costs as ``convmine plan --costs`` reads them: each with the minutes of talk that it was measured on."""
    when = datetime.now(UTC).date().isoformat()
    source = f"convmine bench on {platform.node()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, {when}"
    stages: dict[str, Any] = {}
    topics: dict[str, Any] = {}
    for lane, costs in found.items():
        for name, events in costs.events.items():
            stages[name] = _stage(lane, events, costs.cpu_s[name], costs)
        for topic, size in costs.bytes.items():
            entry = topics.setdefault(topic, {"batch": 0.0, "live": 0.0})
            entry[str(lane)] = round(size / costs.minutes, 1)
    total = {lane: costs for lane, costs in found.items() if costs.points}
    batch = found.get(Lane.BATCH)
    engines = {}
    if batch is not None and batch.engine_s:
        engines[engine] = {"cpu_s_per_minute": round(batch.engine_s / batch.minutes, 4), "source": source}
    return {
        "source": source,
        "stages": stages,
        "topics": topics,
        "points": {
            "per_minute": {str(lane): round(costs.points / costs.minutes, 2) for lane, costs in total.items()},
            "bytes": round(sum(c.point_bytes for c in total.values()) / max(1, sum(c.points for c in total.values()))),
        },
        "engines": engines,
    }


def _stage(lane: Lane, events: int, cpu_s: float, costs: LaneCosts) -> dict[str, float]:
    """Of a recorded call, events are counted a call and each costs by the call's length; of a live one a minute."""
    each = cpu_s / events if events else 0.0
    if lane is Lane.LIVE:
        return {"events_per_minute": round(events / costs.minutes, 3), "cpu_s": float(f"{each:.3g}")}
    long = costs.minutes / costs.calls
    return {"events_per_call": round(events / costs.calls, 3), "cpu_s_per_minute": float(f"{each / long:.3g}")}


def _check(broker: InProcessBroker) -> None:
    """What died was not measured, and nothing of it came to the stages behind.

    Raises:
        ConvmineError: something is among the dead letters.
    """
    letters = {topic.name for topic in TOPICS if topic.name.endswith(".dlq") and broker.records(topic.name)}
    if letters:
        raise ConvmineError(f"not measured: calls could not be mined, see {', '.join(sorted(letters))} in the log")


async def _run(
    broker: InProcessBroker, stage: Stage, handler: AnyHandler, settings: Settings, measures: Measures
) -> None:
    worker = InProcessWorker(broker, stage, handler, limits_of(settings, stage), measures, erased=Erased())
    await worker.start()
    idle = asyncio.ensure_future(broker.wait_idle([stage]))
    try:
        await asyncio.wait([idle, worker.broken], return_when=asyncio.FIRST_COMPLETED)
        if worker.broken.done():
            worker.broken.result()
    finally:
        idle.cancel()
        await worker.stop(settings.runtime.drain_s)


def _sample(number: int, lane: Lane, settings: Settings) -> _Sample:
    """The sample calls in turn, each under an id of its own."""
    found: Sequence[samples.Entry] = samples.recordings()
    payload, at = found[number % len(found)]
    assert isinstance(payload, RecordingAvailable)
    call_id = f"bench-{number}-{payload.call_id}"
    audio = _audio(payload, settings)
    minutes = audio.duration_ms / 60_000
    if lane is Lane.BATCH:
        named = payload.model_copy(update={"call_id": call_id})
        return _Sample((entry_record(named, tenant_id=settings.tenant, time=at),), minutes)
    call = LiveCall(call_id, audio, payload.channels, payload.call)
    return _Sample(tuple(_live(call, settings, at)), minutes)


def _live(call: LiveCall, settings: Settings, at: datetime) -> Iterator[NewRecord]:
    for _, record in live_records(call, tenant_id=settings.tenant, started_at=at):
        yield record


def _audio(payload: RecordingAvailable, settings: Settings) -> Audio:
    return decode(
        samples.sound_of(payload), sample_rate_hz=_LIVE_RATE_HZ, limits=AudioLimits(settings.audio.max_duration_s)
    )


def _size(record: Any) -> int:  # noqa: ANN401 - a Record; its parts may be missing
    headers = sum(len(name) + len(value) + 2 for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers + _RECORD_OVERHEAD


async def _points(assembly: Assembly) -> tuple[int, int]:
    """How many points the store holds, and the bytes of their payloads and vectors as numbers of four bytes."""
    connection = assembly.connection()
    names = [one.name for one in (await connection.run(lambda client: client.get_collections())).collections]
    count, size = 0, 0
    for name in names:
        offset: Any = None
        while True:
            points, offset = await connection.run(
                lambda client, name=name, offset=offset: client.scroll(  # type: ignore[misc]
                    name, limit=500, offset=offset, with_payload=True, with_vectors=True
                )
            )
            count += len(points)
            size += sum(_point_size(point) for point in points)
            if offset is None:
                break
    return count, size


def _point_size(point: Any) -> int:  # noqa: ANN401 - the client's own
    vectors = point.vector if isinstance(point.vector, dict) else {"": point.vector or []}
    numbers = sum(2 * len(one.indices) if hasattr(one, "indices") else len(one) for one in vectors.values())
    return len(json.dumps(point.payload, default=str)) + 4 * numbers
