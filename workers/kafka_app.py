"""The transport on Kafka: Faust reads, in order and acknowledged by the runtime; an idempotent producer writes.

Why not Faust's own concurrency: measured on Kafka 4.1 with faust-streaming 0.15.3, ``concurrency=64`` commits past
unfinished events and loses some of them on ``kill -9``. One agent over ``noack().events()`` whose events the runtime
acknowledges in order loses none.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog

from pipeline.errors import Poison, Retryable
from pipeline.handling import Handler
from pipeline.settings import KafkaSettings
from pipeline.stages import Stage
from workers.measures import Measures
from workers.records import NewRecord, Record, largest_record
from workers.runtime import Limits, Runner

if TYPE_CHECKING:
    import faust

log = structlog.get_logger()


class KafkaPublisher:
    """Writes records with ``acks=all``; idempotent, so that a retry of the client writes nothing twice."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: Any = None

    async def start(self) -> None:
        """Connect.

        Raises:
            Retryable: no broker answers.
        """
        from aiokafka import AIOKafkaProducer
        from aiokafka.errors import KafkaError

        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.bootstrap_servers,
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            max_request_size=largest_record(self._settings),
        )
        try:
            await producer.start()
        except KafkaError as error:
            await producer.stop()
            raise _away(self._settings, error) from error
        self._producer = producer

    async def publish(self, records: Sequence[NewRecord]) -> None:
        """Write records and wait until all are confirmed."""
        from aiokafka.errors import (
            KafkaError,
            MessageSizeTooLargeError,
            RecordListTooLargeError,
            UnknownTopicOrPartitionError,
        )

        try:
            pending = [
                await self._producer.send(
                    self._settings.topic_prefix + record.topic,
                    value=record.value,
                    key=record.key,
                    partition=record.partition,
                    headers=list(record.headers),
                )
                for record in records
            ]
            await asyncio.gather(*pending)
        except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
            raise Poison(f"the result is larger than a message may be: {error}") from error
        except UnknownTopicOrPartitionError as error:
            raise Retryable(f"a topic is missing: {error}", dependency="kafka", hint="convmine topics apply") from error
        except KafkaError as error:
            raise _away(self._settings, error) from error

    async def close(self) -> None:
        """Send what is buffered and disconnect."""
        if self._producer is not None:
            await self._producer.stop()


class KafkaWorker:
    """One stage's worker on Kafka: a Faust app whose only agent hands every record to the runtime."""

    def __init__(
        self, settings: KafkaSettings, stage: Stage, handler: Handler, limits: Limits, measures: Measures
    ) -> None:
        self._settings = settings
        self._stage = stage
        self._limits = limits
        self._publisher = KafkaPublisher(settings)
        self._runner = Runner(stage, handler, self._publisher, limits, measures)
        self._folder = tempfile.TemporaryDirectory(prefix="convmine-")  # Faust wants one, for tables we do not use
        self._app = self._build()
        self._watching: asyncio.Task[None] | None = None

    @property
    def broken(self) -> asyncio.Future[None]:
        """Fails with what must stop the worker: a ``Config`` error, or a crash of Faust."""
        return self._runner.broken

    async def start(self) -> None:
        """Connect and join the group.

        Raises:
            Retryable: no broker answers.
            Config: a topic that this stage reads does not exist.
        """
        await self._publisher.start()
        await self._app.start()
        self._watching = asyncio.create_task(self._watch())
        log.info("worker started", stage=self._stage.name, lane=str(self._stage.lane), group=self._stage.group)

    async def stop(self, seconds: float) -> None:
        """Finish what is being handled, commit it and leave the group."""
        if self._watching is not None:
            self._watching.cancel()
        await self._runner.drain(seconds)
        await self._app.stop()
        await self._publisher.close()
        self._folder.cleanup()
        log.info("worker stopped", stage=self._stage.name, lane=str(self._stage.lane))

    async def _watch(self) -> None:
        """End the process when Faust has crashed, instead of looking alive: whoever runs it starts it again."""
        await self._app.wait_until_stopped()
        if self._app.crashed and not self.broken.done():
            reason = f"Faust has crashed: {self._app.crash_reason!r}"
            self.broken.set_exception(Retryable(reason, dependency="kafka"))

    def _build(self) -> faust.App:
        import faust

        prefix = self._settings.topic_prefix
        app = faust.App(
            prefix + self._stage.group,
            broker=[f"kafka://{server}" for server in self._settings.bootstrap_servers.split(",")],
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            store="memory://",
            datadir=self._folder.name,
            consumer_auto_offset_reset="earliest",
            broker_commit_interval=0.5,
            stream_wait_empty=False,
            loghandlers=[],
        )
        source = app.topic(
            *(prefix + topic for topic in self._stage.reads),
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
        )

        async def read(stream: Any) -> None:  # noqa: ANN401 - faust ships no types
            async for event in stream.noack().events():
                await self._runner.take(self._record(event.message), event.ack)

        async def revoked(_app: object, partitions: Any, **_rest: object) -> None:  # noqa: ANN401 - likewise
            await self._runner.forget((tp.topic.removeprefix(prefix), tp.partition) for tp in partitions)

        app.agent(source)(read)
        app.on_partitions_revoked.connect(revoked)  # type: ignore[arg-type]  # mode names an argument it never sends
        return app

    def _record(self, message: Any) -> Record:  # noqa: ANN401 - likewise
        headers = message.headers or ()
        items = headers.items() if isinstance(headers, dict) else headers
        return Record(
            topic=message.topic.removeprefix(self._settings.topic_prefix),
            partition=message.partition,
            offset=message.offset,
            key=message.key,
            value=message.value,
            headers=tuple(items),
        )


def _away(settings: KafkaSettings, error: Exception) -> Retryable:
    return Retryable(
        f"Kafka at {settings.bootstrap_servers} does not answer: {type(error).__name__}",
        dependency="kafka",
        hint="set KAFKA_BOOTSTRAP_SERVERS, or start one with scripts/kafka-local",
    )
