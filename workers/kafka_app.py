"""The transport on Kafka: Faust reads, in order and acknowledged by the runtime; an idempotent producer writes.

Why not Faust's own concurrency: measured on Kafka 4.1 with faust-streaming 0.15.3, ``concurrency=64`` commits past
unfinished events and loses some of them on ``kill -9``. One agent over ``noack().events()`` whose events the runtime
acknowledges in order loses none.
"""

from __future__ import annotations

import asyncio
import tempfile
from typing import TYPE_CHECKING, Any, Final

import structlog

from pipeline.erasure.erased import Erased
from pipeline.errors import Retryable
from pipeline.handling import Handler, Remembering
from pipeline.privacy.sealing import UNSEALED, Seal
from pipeline.settings import KafkaSettings
from pipeline.stages import Stage
from workers.call_states import CompactedCallState
from workers.claims import Claims
from workers.compacted import read_back_on_kafka
from workers.edge import Edge
from workers.equipment import Equipment
from workers.health import StageHealth
from workers.kafka_publisher import KafkaPublisher
from workers.kafka_refusals import refusal_in
from workers.kafka_security import faust_credentials
from workers.limits import Limits
from workers.measures import Measures
from workers.records import Record
from workers.runtime import Runner
from workers.tracing.hops import Hops

if TYPE_CHECKING:
    import faust

_HEARTBEAT_S: Final = 1.0
"""Seconds between signs of life at most: with the next one a worker is told that another joins or leaves the group, and
until all have been told nobody goes on.
"""

log = structlog.get_logger()


class KafkaWorker:
    """One stage's worker on Kafka: a Faust app whose only agent hands every record to the runtime."""

    def __init__(  # noqa: PLR0913 - what a stage works with, each named
        self,
        settings: KafkaSettings,
        stage: Stage,
        handler: Handler | Remembering[Any],
        limits: Limits,
        *,
        measures: Measures,
        health: StageHealth | None = None,
        claims: Claims | None = None,
        seal: Seal = UNSEALED,
        erased: Erased | None = None,
        hops: Hops | None = None,
    ) -> None:
        self._settings = settings
        self._stage = stage
        self._limits = limits
        self._health = health or StageHealth(stage)
        self._publisher = KafkaPublisher(settings, self._health)
        states = None
        if stage.remembers:
            states = CompactedCallState(stage.state_topic, read_back_on_kafka(settings), self._publisher)
        equipment = Equipment(
            self._publisher,
            measures.of(stage),
            self._health,
            limits,
            states,
            claims,
            seal=seal,
            erased=Erased() if erased is None else erased,
            hops=hops,
        )
        self._runner = Runner(stage, handler, equipment)
        self._folder = tempfile.TemporaryDirectory(prefix="convmine-")  # Faust wants one, for tables we do not use
        self._app = self._build()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def broken(self) -> asyncio.Future[None]:
        """Fails with what must stop the worker: a ``Config`` error, or a crash of Faust."""
        return self._runner.broken

    async def start(self) -> None:
        """Connect and join the group.

        Raises:
            Retryable: no broker answers.
            Config: a broker does not let us in, or a topic that this stage reads does not exist.
        """
        await self._publisher.start()
        if self._settings.security_protocol != "PLAINTEXT":  # Faust waits for ever for a group that it may not join
            await asyncio.to_thread(Edge(self._settings).check_group, self._stage)
        self._health.join()
        await self._app.start()
        self._app.sensors.remove(self._app.monitor)  # counts every event for nobody; we measure by ourselves
        self._tasks = [
            asyncio.create_task(forever) for forever in (self._watch(), self._runner.tend(), self._publisher.watch())
        ]
        log.info("worker started", stage=self._stage.name, lane=str(self._stage.lane), group=self._stage.group)

    async def let_fall(self, key: str) -> None:
        """See ``Runner.let_fall``."""
        await self._runner.let_fall(key)

    async def stop(self, seconds: float) -> None:
        """Finish what is being handled, commit it and leave the group."""
        for task in self._tasks:
            task.cancel()
        await self._runner.drain(seconds)
        await self._app.stop()
        await self._publisher.close()
        self._folder.cleanup()
        log.info("worker stopped", stage=self._stage.name, lane=str(self._stage.lane))

    async def _watch(self) -> None:
        """End the process when Faust has crashed, instead of looking alive: whoever runs it starts it again."""
        await self._app.wait_until_stopped()
        if self._app.crashed and not self.broken.done():
            why = self._app.crash_reason
            refused = refusal_in(self._settings, why) if why is not None else None
            self.broken.set_exception(refused or Retryable(f"Faust has crashed: {why!r}", dependency="kafka"))

    def _build(self) -> faust.App:
        import faust

        from workers.faust_steps import Transport, in_turns

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
            broker_session_timeout=self._settings.session_timeout_s,
            broker_heartbeat_interval=min(_HEARTBEAT_S, self._settings.session_timeout_s / 10),
            stream_wait_empty=False,
            cython_optimizations=True,
            loghandlers=[],
            broker_credentials=faust_credentials(self._settings),
        )
        app.transport = Transport(app.conf.broker_consumer, app)
        source = app.topic(
            *(prefix + topic for topic in self._stage.reads),
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
        )

        async def read(stream: Any) -> None:  # noqa: ANN401 - faust ships no types
            async for event in in_turns(stream.noack().events()):
                await self._runner.take(self._record(event.message), event.ack)

        async def revoked(_app: object, partitions: Any, **_rest: object) -> None:  # noqa: ANN401 - likewise
            self._health.join()
            await self._runner.forget(ours(partitions))
            await self._publisher.flush()

        async def assigned(_app: object, partitions: Any, **_rest: object) -> None:  # noqa: ANN401 - likewise
            self._health.assigned(ours(partitions))

        def ours(partitions: Any) -> list[tuple[str, int]]:  # noqa: ANN401 - likewise
            return [(tp.topic.removeprefix(prefix), tp.partition) for tp in partitions]

        app.agent(source)(read)
        app.on_partitions_revoked.connect(revoked)  # type: ignore[arg-type]  # mode names an argument it never sends
        app.on_partitions_assigned.connect(assigned)  # type: ignore[arg-type]  # likewise
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
