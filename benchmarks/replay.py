"""How fast ``convmine replay`` is beside plain ingest: the index worker over the same events on the same broker.

``ratio``: events a second of a replay to those of the worker, the median of the rounds; each run is on a new store.
Both go from records on Kafka to stored points. Dense vectors are at hand in both: they cost the same. The clock of the
worker starts when its first event is done, as joining a group takes seconds, and stops when the last one is; so does
that of the replay, which includes reading in the order of time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
import structlog
from kafka_node import kafka_node

from benchmarks.broker import Broker
from benchmarks.report import Figures, Report, machine
from benchmarks.store_material import STAGE, Material, Place, Precomputed, fresh, material
from pipeline.erasure.erased import Erased
from pipeline.handling import Handler, Inbound, Outbound
from pipeline.ports import Embedder
from pipeline.privacy.entry import guarded
from pipeline.settings import KafkaSettings
from pipeline.store.coalesced import Coalescing
from pipeline.store.embedding.registry import make_embedder
from pipeline.store.stage import build
from workers.edge import Edge
from workers.kafka_app import KafkaWorker
from workers.limits import Limits
from workers.measures import Measures
from workers.processes import collect_garbage_seldom
from workers.replaying import Replay
from workers.replaying_order import records_on_kafka

GOAL: Final = 0.8
"""Of the worker's events a second."""
_PATIENCE_S: Final = 600.0
_TOGETHER: Final = 40
"""Events that are published together: those of some eight calls."""


class Timed:
    """A handler that notes when its first and its last event were done."""

    def __init__(self, handler: Handler, events: int) -> None:
        self._handler = handler
        self._left = events
        self.seconds = 0.0
        self.all_done = asyncio.Event()
        self._began: float | None = None

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        outputs = await self._handler(inbound)
        self._began = time.perf_counter() if self._began is None else self._began
        self._left -= 1
        if not self._left:
            self.seconds = time.perf_counter() - self._began
            self.all_done.set()
        return outputs


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--calls", default=150, show_default=True, help="Made-up calls of each run.")
@click.option("--per-call", default=60, show_default=True, help="Utterances of a call, on average.")
@click.option("--partitions", default=3, show_default=True, help="Of each topic.")
@click.option("--rounds", default=3, show_default=True, help="Runs of each kind.")
def main(*, as_json: bool, calls: int, per_call: int, partitions: int, rounds: int) -> None:
    """Measure, and print the figures."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("pipeline").setLevel(logging.ERROR)
    collect_garbage_seldom()
    place, embedder = Place(os.environ.get("QDRANT_URL")), make_embedder("auto")
    found = asyncio.run(material(embedder, calls, per_call))
    at_hand = Precomputed(embedder, found.vectors)
    runs: dict[str, list[float]] = {"worker": [], "replay": []}
    with tempfile.TemporaryDirectory() as name, kafka_node(Path(name)) as servers, Broker(servers) as broker:
        _fill(broker, found, partitions)
        settings = KafkaSettings(bootstrap_servers=servers, topic_prefix=broker.prefix)
        for number in range(rounds):
            runs["worker"].append(asyncio.run(_worker(place, at_hand, found, settings, number)))
            runs["replay"].append(asyncio.run(_replay(place, at_hand, found, settings)))
    ratio = statistics.median(mine / theirs for mine, theirs in zip(runs["replay"], runs["worker"], strict=True))
    figures: Figures = {
        "place": place.name,
        "events": len(found.records),
        "points": found.size,
        "rounds": rounds,
        **{f"{kind}_events_a_second": round(statistics.median(rates), 1) for kind, rates in runs.items()},
    }
    Report("replay", round(ratio, 3), GOAL, figures, machine()).show(as_json=as_json)


def _fill(broker: Broker, found: Material, partitions: int) -> None:
    """Publish the events of some calls after those of others, so that topics grow side by side as they do in life."""
    names = {topic: broker.create(topic, partitions) for topic in STAGE.reads}
    for at in range(0, len(found.records), _TOGETHER):
        together = found.records[at : at + _TOGETHER]
        for topic in dict.fromkeys(record.topic for record in together):
            broker.fill(names[topic], [record for record in together if record.topic == topic])


async def _worker(place: Place, embedder: Embedder, found: Material, settings: KafkaSettings, number: int) -> float:
    """A worker with a group of its own, which begins at the start of the topics."""
    stage = replace(STAGE, name=f"index{number}")
    async with fresh(place, embedder) as (store, _, _):
        timed = Timed(guarded(build(store=Coalescing(store))), len(found.records))
        worker = KafkaWorker(settings, stage, timed, Limits(), measures=Measures())
        await worker.start()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await timed.all_done.wait()
        finally:
            await worker.stop(5)
        return len(found.records) / timed.seconds


async def _replay(place: Place, embedder: Embedder, found: Material, settings: KafkaSettings) -> float:
    async with fresh(place, embedder) as (store, _, _):
        timed = Timed(guarded(build(store=Coalescing(store))), len(found.records))
        spans = await asyncio.to_thread(Edge(settings).spans, STAGE.reads)
        done = await Replay({STAGE: timed}, Erased(), Limits()).run(records_on_kafka(settings, spans))
        assert done.handled == len(found.records)
        return len(found.records) / timed.seconds


if __name__ == "__main__":
    main()
