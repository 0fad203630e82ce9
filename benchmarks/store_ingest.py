"""Points a second: the index worker beside bare loops of batch upserts of the same points, each on a new store."""

from __future__ import annotations

import asyncio
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.store_material import STAGE, Material, Place, Precomputed, fresh
from pipeline.ports import Embedder, Point
from pipeline.privacy.entry import guarded, masked
from pipeline.store.coalesced import Coalescing
from pipeline.store.collections import BY_NAME
from pipeline.store.connections import Connection
from pipeline.store.stage import build
from pipeline.store.structs import DENSE, WORDS, struct
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
    """``upsert`` with ``wait`` after ``upsert`` into collections of ours, with ``embeds`` making both vectors, too."""
    async with fresh(place, embedder) as (_, connection, prefix):
        ready = {} if embeds else await _all_structs(embedder, found)
        began, cpu = time.perf_counter(), time.process_time()
        for name, points in found.points.items():
            for at in range(0, len(points), BATCH):
                batch = (
                    await _structs(embedder, name, points[at : at + BATCH]) if embeds else ready[name][at : at + BATCH]
                )
                await _upsert(connection, prefix + name, batch)
        return Run(found.size, time.perf_counter() - began, time.process_time() - cpu)


async def plain_run(embedder: Embedder, found: Material) -> Run:
    """The same loop with nothing of ours: the client by itself, in a folder of its own."""
    return await asyncio.to_thread(_plain_run, await _all_structs(embedder, found), found.size, embedder.dimension)


def _plain_run(ready: Mapping[str, list[models.PointStruct]], size: int, dimension: int) -> Run:
    from qdrant_client import QdrantClient, models

    warnings.filterwarnings("ignore", message="Local mode is not recommended")
    with tempfile.TemporaryDirectory() as folder, closing(QdrantClient(path=folder)) as client:
        dense = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
        words = models.SparseVectorParams(modifier=models.Modifier.IDF)
        for name in ready:
            client.create_collection(name, vectors_config={DENSE: dense}, sparse_vectors_config={WORDS: words})
        began, cpu = time.perf_counter(), time.process_time()
        for name, structs in ready.items():
            for at in range(0, len(structs), BATCH):
                client.upsert(name, structs[at : at + BATCH], wait=True)
        return Run(size, time.perf_counter() - began, time.process_time() - cpu)


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
    if place.url is None:
        runs["plain_client"] = []
    for _ in range(rounds):
        if place.url is None:
            runs["plain_client"].append(await plain_run(at_hand, found))
        runs["bare"].append(await bare_run(place, at_hand, found, embeds=False))
        runs["worker"].append(await worker_run(place, at_hand, found))
        runs["bare_embedding"].append(await bare_run(place, embedder, found, embeds=True))
        runs["worker_embedding"].append(await worker_run(place, embedder, found))
    return runs


async def _all_structs(embedder: Embedder, found: Material) -> dict[str, list[models.PointStruct]]:
    return {name: await _structs(embedder, name, points) for name, points in found.points.items()}


async def _structs(embedder: Embedder, collection: str, points: Sequence[Point]) -> list[models.PointStruct]:
    vectors = await embedder.embed([point.text for point in points])
    words, now = BY_NAME[collection].average_words, int(time.time())
    return [struct(point, vector, words, now) for point, vector in zip(points, vectors, strict=True)]


async def _upsert(connection: Connection, name: str, structs: list[models.PointStruct]) -> None:
    await connection.run(lambda client: client.upsert(name, structs, wait=True))
