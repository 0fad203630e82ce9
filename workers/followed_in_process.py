"""Compacted topics followed on the broker of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from workers.in_process import InProcessBroker
from workers.records import Record


class FollowedInProcess:
    """A ``Followed``; the broker is looked at every so many seconds."""

    def __init__(self, broker: InProcessBroker, topics: Sequence[str], *, every_s: float = 0.2) -> None:
        self._broker = broker
        self._every_s = every_s
        self._next = {(topic, number): 0 for topic in topics for number in range(broker.partitions)}

    async def whole(self) -> Sequence[Record]:
        return tuple(self._new())

    async def follow(self, take: Callable[[Record], None]) -> NoReturn:
        while True:
            for record in self._new():
                take(record)
            await asyncio.sleep(self._every_s)

    def _new(self) -> Iterator[Record]:
        for (topic, number), offset in tuple(self._next.items()):
            for record in self._broker.since(topic, number, offset):
                self._next[topic, number] = record.offset + 1
                yield record
