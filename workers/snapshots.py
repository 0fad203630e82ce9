"""Reading a compacted topic back: the last record of every key in one partition, in one process or from Kafka."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pipeline.errors import Retryable
from pipeline.settings import KafkaSettings
from pipeline.stages import GRAPH
from schemas.flow import FlowGraph
from workers.in_process import InProcessBroker

GraphSnapshots = Callable[[int], Awaitable[Mapping[str, FlowGraph]]]


def graphs_in_process(broker: InProcessBroker) -> GraphSnapshots:
    """Graphs of one partition from the broker of this process."""

    async def read(partition: int) -> Mapping[str, FlowGraph]:
        return _last_of_each_key(
            (record.key, record.value) for record in broker.records(GRAPH) if record.partition == partition
        )

    return read


def graphs_on_kafka(settings: KafkaSettings) -> GraphSnapshots:
    """Graphs of one partition from Kafka, read to its present end.

    The offsets are asked for and sought by name: ``seek_to_beginning`` after ``end_offsets`` stays at the end
    (aiokafka 0.14, measured).
    """

    async def read(partition: int) -> Mapping[str, FlowGraph]:
        from aiokafka import AIOKafkaConsumer, TopicPartition
        from aiokafka.errors import KafkaError

        tp = TopicPartition(settings.topic_prefix + GRAPH, partition)
        consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap_servers, enable_auto_commit=False)
        try:
            await consumer.start()
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            consumer.seek(tp, (await consumer.beginning_offsets([tp]))[tp])
            return _last_of_each_key([pair async for pair in _until(consumer, tp, end)])
        except KafkaError as error:
            raise Retryable(f"the graph cannot be read back: {error}", dependency="kafka") from error
        finally:
            await consumer.stop()

    return read


async def _until(consumer: Any, tp: Any, end: int) -> Any:  # noqa: ANN401 - aiokafka ships no types
    while await consumer.position(tp) < end:
        for record in (await consumer.getmany(tp, timeout_ms=1_000)).get(tp, ()):
            yield record.key, record.value


def _last_of_each_key(pairs: Any) -> dict[str, FlowGraph]:  # noqa: ANN401 - key and value of records
    """A later record of a key replaces an earlier one, unless it has applied less: a worker left behind wrote it."""
    graphs: dict[str, FlowGraph] = {}
    for key, value in pairs:
        if key is None or value is None:
            continue
        name, graph = key.decode(), FlowGraph.model_validate_json(value)
        if name not in graphs or graphs[name].applied_offset <= graph.applied_offset:
            graphs[name] = graph
    return graphs
