"""Points a second: the index worker beside a bare loop of batch upserts of the same points, each on a new store."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.store_material import STAGE, Material, Place, Precomputed, fresh
from pipeline.ports import Embedder, Point
from pipeline.privacy.entry import guarded, masked
from pipeline.store.coalesced import Coalescing
from pipeline.store.collections import BY_NAME
from pipeline.store.connections import Connection
from pipeline.store.stage import build
from pipeline.store.structs import struct
from schemas.transcript import TranscriptCompleted
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import Limits
from workers.records import Record, read_event

if TYPE_CHECKING:
    from qdrant_client import models

BATCH: Final = 256
"""Points of an upsert of the bare loop."""


@dataclass(frozen=True, slots=True)
class Run:
    """So many points, and how long it took."""

    points: int
    seconds: float
    cpu_s: float

    @property
    def per_second(self) -> float:
        return self.points / self.seconds


async def worker_run(place: Place, embedder: Embedder, found: Material) -> Run:
    """From encoded records to committed offsets: decoded, masked, made into points, embedded, written."""
    broker = InProcessBroker()
    await broker.publish(found.records)
    async with fresh(place, embedder) as (store, _, _):
        handler = guarded(build(store=Coalescing(store)))
        worker = InProcessWorker(broker, STAGE, handler, Limits())
        began, cpu = time.perf_counter(), time.process_time()
        await worker.start()
        await broker.wait_idle([STAGE])
        run = Run(found.size, time.perf_counter() - began, time.process_time() - cpu)
        await worker.stop(5)
        return run


async def bare_run(place: Place, embedder: Embedder, found: Material, *, embeds: bool) -> Run:
    """``upsert`` with ``wait`` after ``upsert``; with ``embeds`` both vectors are made in the loop, too."""
    async with fresh(place, embedder) as (_, connection, prefix):
        ready = {} if embeds else {name: await _structs(embedder, name, found.points[name]) for name in found.points}
        began, cpu = time.perf_counter(), time.process_time()
        for name, points in found.points.items():
            for at in range(0, len(points), BATCH):
                batch = (
                    await _structs(embedder, name, points[at : at + BATCH]) if embeds else ready[name][at : at + BATCH]
                )
                await _upsert(connection, prefix + name, batch)
        return Run(found.size, time.perf_counter() - began, time.process_time() - cpu)


def masking_cpu_s(found: Material) -> float:
    """CPU seconds that the door before the store takes of a worker's run: it masks every transcript again."""
    transcripts = [
        inbound.payload
        for offset, new in enumerate(found.records)
        if (inbound := read_event(Record(new.topic, 0, offset, new.key, new.value, new.headers))) is not None
        and isinstance(inbound.payload, TranscriptCompleted)
    ]
    began = time.process_time()
    for transcript in transcripts:
        masked(transcript)
    return time.process_time() - began


async def side_by_side(place: Place, embedder: Embedder, found: Material, rounds: int) -> dict[str, list[Run]]:
    """Each kind of run in turn, so that what else the machine does falls on all of them."""
    at_hand = Precomputed(embedder, found.vectors)
    runs: dict[str, list[Run]] = {"worker": [], "bare": [], "worker_embedding": [], "bare_embedding": []}
    for _ in range(rounds):
        runs["bare"].append(await bare_run(place, at_hand, found, embeds=False))
        runs["worker"].append(await worker_run(place, at_hand, found))
        runs["bare_embedding"].append(await bare_run(place, embedder, found, embeds=True))
        runs["worker_embedding"].append(await worker_run(place, embedder, found))
    return runs


async def _structs(embedder: Embedder, collection: str, points: Sequence[Point]) -> list[models.PointStruct]:
    vectors = await embedder.embed([point.text for point in points])
    words, now = BY_NAME[collection].average_words, int(time.time())
    return [struct(point, vector, words, now) for point, vector in zip(points, vectors, strict=True)]


async def _upsert(connection: Connection, name: str, structs: list[models.PointStruct]) -> None:
    await connection.run(lambda client: client.upsert(name, structs, wait=True))
