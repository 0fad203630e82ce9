"""The stages that the demo runs, on the broker of its process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from pipeline.erasure.erased import Erased
from pipeline.erasure.record import erased_on_record
from pipeline.settings import Settings
from pipeline.stages import STAGES, Stage
from schemas.wire import Lane
from workers.assembly import Assembly
from workers.demo.talks import earlier
from workers.entry import entry_record
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import limits_of
from workers.measures import Measures

_LEFT_OUT: Final = frozenset({("asr", Lane.BATCH), ("webhook", Lane.BATCH)})
"""Earlier calls are there in words, and nobody receives webhooks."""
_PREPARES_S: Final = 10.0
"""Seconds that live calls wait for what was held before; with a language model it takes longer, and they begin."""
RUN: Final = tuple(stage for stage in STAGES if (stage.name, stage.lane) not in _LEFT_OUT)
_OF_EARLIER: Final = tuple(stage for stage in RUN if stage.lane is Lane.BATCH)


class DemoStages:
    """Runs them; ``can_hear`` is set when a live call can be played.

    Args:
        settings: of each stage.
        broker: theirs.
        assembly: makes their handlers.
        measures: where figures go.
    """

    def __init__(self, settings: Settings, broker: InProcessBroker, assembly: Assembly, measures: Measures) -> None:
        self.can_hear: Final = asyncio.Event()
        self._settings = settings
        self._broker = broker
        self._assembly = assembly
        self._measures = measures
        self._workers: list[InProcessWorker] = []

    async def run(self) -> None:
        """Have what was held before mined, so that live calls are guided by it, and go on.

        Raises:
            Config: a setting is missing or wrong.
            Retryable: the store is away.
        """
        erased = await erased_on_record(self._assembly.connection(), self._settings.store.prefix)
        tenant_id = self._settings.tenant
        held = await asyncio.to_thread(earlier, tenant_id)
        await self._broker.publish([entry_record(one, tenant_id=tenant_id, time=time) for one, time in held])
        await self._start(_OF_EARLIER, erased)
        await self._start([stage for stage in RUN if stage not in _OF_EARLIER], erased)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PREPARES_S):
                await self._broker.wait_idle(_OF_EARLIER)
        self.can_hear.set()
        broken, _ = await asyncio.wait([worker.broken for worker in self._workers], return_when=asyncio.FIRST_COMPLETED)
        for one in broken:
            one.result()

    async def stop(self) -> None:
        """Leave what is being handled: the calls are none that anybody waits for."""
        await asyncio.gather(*(worker.stop(0) for worker in self._workers))

    async def _start(self, stages: Sequence[Stage], erased: Erased) -> None:
        for stage in stages:
            handler, limits = await self._assembly.handler(stage), limits_of(self._settings, stage)
            self._workers.append(InProcessWorker(self._broker, stage, handler, limits, self._measures, erased=erased))
            await self._workers[-1].start()
