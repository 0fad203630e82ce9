"""Where streams come from: the last of some topics and what is added to them, without a consumer group."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NoReturn, Protocol

import structlog

from pipeline.errors import ConvmineError, Retryable
from pipeline.settings import KafkaSettings
from workers.edge import Partition
from workers.gateway.outgoing.marks import STREAMED
from workers.in_process import InProcessBroker
from workers.kafka_security import aiokafka_options
from workers.records import Record

_REQUEST_MS: Final = 10_000
"""Milliseconds that the broker may take for one answer."""
CHECK_S: Final = 5.0
"""How often the broker is asked whether it is there: one that is away looks like one with nothing new."""
_PAUSE_S: Final = 1.0
"""Seconds until a broker that was away is asked again."""
_GROWN_S: Final = 60.0
"""How often it is looked whether topics have more partitions than before."""

log = structlog.get_logger()


class Sink(Protocol):
    """Who is told what is read, in the order of each partition."""

    def begin(self, starts: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None: ...

    def caught_up(self) -> None: ...

    def take(self, record: Record) -> None: ...

    def away(self) -> None: ...

    def back(self) -> None: ...


class Source(Protocol):
    """Reads the topics of ``STREAMED``."""

    async def follow(self, sink: Sink) -> NoReturn:
        """Tell what is there, and what comes; waits for a broker that is away, and loses nothing then."""


class KafkaTail:
    """Kafka: every partition, from what was written ``back_s`` seconds ago on."""

    def __init__(self, settings: KafkaSettings, *, back_s: float, check_s: float = CHECK_S) -> None:
        self._settings = settings
        self._back_s = back_s
        self._check_s = check_s
        self._next: dict[Any, int] = {}
        self._ends: dict[Any, int] = {}
        self._away = False

    async def follow(self, sink: Sink) -> NoReturn:
        while True:
            try:
                async with self._consumer(sink) as consumer:
                    await self._read(consumer, sink)
            except Exception as error:  # noqa: BLE001 - whatever it is, streams stay open and go on later
                self._gone(sink, error.message if isinstance(error, ConvmineError) else repr(error))
            await asyncio.sleep(_PAUSE_S)

    @asynccontextmanager
    async def _consumer(self, sink: Sink) -> AsyncIterator[Any]:
        """A consumer of every partition that there is, where reading goes on."""
        from aiokafka import AIOKafkaConsumer, TopicPartition

        counts = await self._counts()
        prefix = self._settings.topic_prefix
        every = [TopicPartition(prefix + topic, n) for topic in STREAMED for n in range(counts[topic])]
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            request_timeout_ms=_REQUEST_MS,
        )
        try:
            await consumer.start()
            consumer.assign(every)
            await self._seek(consumer, sink)
            yield consumer
        finally:
            # As a task: stopped while the broker is away, aiokafka 0.14 raises CancelledError from tasks of its own.
            await asyncio.wait([asyncio.create_task(consumer.stop())])

    async def _seek(self, consumer: Any, sink: Sink) -> None:  # noqa: ANN401 - aiokafka has no types
        """Go to where reading goes on; of partitions that are new to us, tell where it begins."""
        new = [tp for tp in consumer.assignment() if tp not in self._next]
        since_ms = int((time.time() - self._back_s) * 1_000)
        ends = self._ends | await consumer.end_offsets(new)
        found = await consumer.offsets_for_times(dict.fromkeys(new, since_ms))
        for tp in new:
            self._next[tp] = ends[tp] if found[tp] is None else found[tp].offset
        self._ends = ends
        for tp in consumer.assignment():
            consumer.seek(tp, self._next[tp])
        starts = {self._place(tp): self._next[tp] for tp in new}
        sink.begin(starts, {self._place(tp): max(ends[tp], self._next[tp]) for tp in new})
        unread = set(consumer.assignment())
        while unread := {tp for tp in unread if await consumer.position(tp) < ends[tp]}:
            async with asyncio.timeout(_REQUEST_MS / 1_000):
                await self._read_once(consumer, sink)
        sink.caught_up()

    async def _read(self, consumer: Any, sink: Sink) -> None:  # noqa: ANN401 - likewise
        """Read until topics have more partitions than this consumer has."""
        looked_at = time.monotonic()
        while True:
            await self._check(consumer, sink)
            until = time.monotonic() + self._check_s
            while time.monotonic() < until:
                await self._read_once(consumer, sink)
            if time.monotonic() - looked_at > _GROWN_S and not self._away:
                looked_at = time.monotonic()
                if sum((await self._counts()).values()) > len(consumer.assignment()):
                    return

    async def _read_once(self, consumer: Any, sink: Sink) -> None:  # noqa: ANN401 - likewise
        batches = await consumer.getmany(timeout_ms=500)
        for tp, batch in batches.items():
            topic = tp.topic.removeprefix(self._settings.topic_prefix)
            for raw in batch:
                headers = tuple((name, value or b"") for name, value in raw.headers or ())
                sink.take(Record(topic, tp.partition, raw.offset, raw.key, raw.value, headers, raw.timestamp))
                self._next[tp] = raw.offset + 1

    async def _check(self, consumer: Any, sink: Sink) -> None:  # noqa: ANN401 - likewise
        """Say when the broker goes and when it is back; while it is away the consumer tries by itself to come back."""
        from aiokafka.errors import KafkaError

        try:
            async with asyncio.timeout(self._check_s):
                await consumer.end_offsets(consumer.assignment())
        except (KafkaError, TimeoutError) as error:
            self._gone(sink, f"the broker does not answer: {type(error).__name__}")
            return
        if self._away:
            log.warning("streams go on")
        self._away = False
        sink.back()

    def _gone(self, sink: Sink, reason: str) -> None:
        if not self._away:
            log.warning("streams wait: nothing can be read", reason=reason)
        self._away = True
        sink.away()

    async def _counts(self) -> dict[str, int]:
        """Partitions of each topic.

        Raises:
            Retryable: the broker is away, or a topic is missing.
        """
        from aiokafka.admin import AIOKafkaAdminClient

        # Not by a thread, which would hold up the end of the process while the broker is away.
        admin = AIOKafkaAdminClient(**aiokafka_options(self._settings), request_timeout_ms=_REQUEST_MS)
        prefix = self._settings.topic_prefix
        try:
            await admin.start()
            described = await admin.describe_topics([prefix + topic for topic in STREAMED])
        finally:
            await admin.close()
        counts = {one["topic"].removeprefix(prefix): len(one["partitions"]) for one in described}
        if missing := [topic for topic in STREAMED if not counts.get(topic)]:
            hint = "run: convmine topics apply"
            raise Retryable(f"Kafka has no topic {', '.join(missing)}", dependency="kafka", hint=hint)
        return counts

    def _place(self, tp: Any) -> Partition:  # noqa: ANN401 - likewise
        return tp.topic.removeprefix(self._settings.topic_prefix), tp.partition


class InProcessTail:
    """The broker of this process, from its beginning; it is looked at every so many seconds."""

    def __init__(self, broker: InProcessBroker, *, every_s: float = 0.02) -> None:
        self._broker = broker
        self._every_s = every_s

    async def follow(self, sink: Sink) -> NoReturn:
        read = {(topic, number): 0 for topic in STREAMED for number in range(self._broker.partitions)}
        sink.begin(read, {})
        sink.caught_up()
        sink.back()
        while True:
            for (topic, number), skip in tuple(read.items()):
                for record in self._broker.since(topic, number, skip):
                    sink.take(record)
                    read[topic, number] = record.offset + 1
            await asyncio.sleep(self._every_s)
