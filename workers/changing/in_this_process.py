"""Changes without Kafka: what is published lies on the broker of this process, and its stages take it up at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final

from pipeline.figures import NoMeter
from pipeline.scenarios.library import Library
from pipeline.scenarios.opened import load_library
from pipeline.settings import Settings
from workers.changing.grounds import OpenChange
from workers.in_process import InProcessBroker
from workers.published import Published, published_in
from workers.records import NewRecord, Record
from workers.uptake import Uptake

_CONFIRM_S: Final = 30.0
"""Seconds that the event loop may take for what takes it milliseconds, before it counts as stuck."""


@dataclass(frozen=True, slots=True)
class _Change:
    published: Published
    _publish: Callable[[Sequence[NewRecord]], None]

    def publish(self, records: Sequence[NewRecord]) -> None:
        self._publish(records)


class InThisProcess:
    """The topics of an in-process broker; made on its event loop.

    Args:
        settings: where scenarios lie in files.
        running: the library that the stages of this process mine and advise with; it takes up what is published.
        broker: theirs.
    """

    def __init__(self, settings: Settings, running: Library, broker: InProcessBroker) -> None:
        self._settings = settings
        self._broker = broker
        self._uptake = Uptake(running, NoMeter())
        self._loop = asyncio.get_running_loop()
        self._turn = Lock()

    def library(self) -> Library:
        return load_library(self._settings)

    def published(self, tenant: str, topics: Sequence[str]) -> Published:
        return published_in((record for topic in topics for record in self._broker.records(topic)), tenant)

    @contextmanager
    def change(self, tenant: str, topics: Sequence[str], *, look: str) -> Iterator[OpenChange]:
        del look  # nobody overtakes: changes wait for each other
        with self._turn:
            yield _Change(self.published(tenant, topics), self._publish)

    def _publish(self, records: Sequence[NewRecord]) -> None:
        asyncio.run_coroutine_threadsafe(self._written(records), self._loop).result(_CONFIRM_S)

    async def _written(self, records: Sequence[NewRecord]) -> None:
        await self._broker.publish(records)
        for new in records:
            self._uptake.take(Record(new.topic, 0, 0, new.key, new.value, new.headers))
