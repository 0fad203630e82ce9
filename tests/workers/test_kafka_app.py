from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Retryable
from pipeline.handling import Inbound, Outbound
from pipeline.settings import KafkaSettings
from pipeline.stages import STAGES
from workers.edge import Edge
from workers.kafka_app import KafkaWorker
from workers.kafka_publisher import _partition
from workers.limits import Limits
from workers.measures import Measures
from workers.records import NewRecord, Record


async def nothing(inbound: Inbound) -> Sequence[Outbound]:
    return ()


async def test_a_crash_of_the_consumer_ends_the_worker_instead_of_looking_alive(kafka_settings: KafkaSettings) -> None:
    await asyncio.to_thread(Edge(kafka_settings).apply_topics)
    worker = KafkaWorker(kafka_settings, STAGES[0], nothing, Limits(), measures=Measures())
    await worker.start()
    await worker._app.crash(RuntimeError("the consumer thread died"))  # noqa: SLF001 - only Faust itself can crash
    with pytest.raises(Retryable, match="the consumer thread died"):
        await asyncio.wait_for(worker.broken, 10)
    await worker.stop(1)


async def test_going_back_to_what_is_committed_goes_to_the_start_where_nothing_is(
    kafka_settings: KafkaSettings,
) -> None:
    edge, (stage, *_) = Edge(kafka_settings), STAGES
    await asyncio.to_thread(edge.apply_topics)
    await asyncio.to_thread(edge.publish, [NewRecord(stage.reads[0], b"acme:call-1", b"{", (), 0)])
    reached = asyncio.Event()

    async def never_done(record: Record, acknowledge: object) -> None:
        reached.set()

    worker = KafkaWorker(kafka_settings, stage, nothing, Limits(), measures=Measures())
    worker._runner.take = never_done  # type: ignore[method-assign]  # noqa: SLF001 - read, and not acknowledged
    await worker.start()
    try:
        for _ in ("when it begins", "when it has gone back"):
            await asyncio.wait_for(reached.wait(), 20)
            reached.clear()
            await worker._app.consumer.perform_seek()  # noqa: SLF001 - as Faust does when a rebalance has ended
    finally:
        await worker.stop(1)


async def test_a_broker_that_is_away_is_said_at_start() -> None:
    settings = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    worker = KafkaWorker(settings, STAGES[0], nothing, Limits(), measures=Measures())
    with pytest.raises(Retryable, match=r"Kafka at 127\.0\.0\.1:1 does not answer"):
        await worker.start()


@given(st.binary(min_size=1, max_size=80), st.integers(1, 12))
def test_a_key_goes_where_every_other_client_would_put_it(key: bytes, partitions: int) -> None:
    from aiokafka.partitioner import DefaultPartitioner

    every = list(range(partitions))
    assert _partition(key, every, every) == DefaultPartitioner()(key, every, every)
