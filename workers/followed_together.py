"""Several who follow compacted topics with one consumer: each is handed the records of its own topics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NoReturn

from workers.followed import Followed
from workers.records import Record

_Take = Callable[[Record], None]


class Together:
    """Reads once what several follow; who comes late misses nothing.

    Args:
        followed: all of the topics.
    """

    def __init__(self, followed: Followed) -> None:
        self._followed = followed
        self._reading = asyncio.Lock()
        self._held: list[Record] | None = None
        self._takers: dict[str, _Take] = {}
        self._early: list[Record] = []

    def of(self, topics: Collection[str]) -> Followed:
        """Some of the topics, for one of those who follow; no topic is for two."""
        return _Part(self, frozenset(topics))

    async def whole(self, topics: Collection[str]) -> list[Record]:
        """What these topics hold; it is handed over once."""
        async with self._reading:
            if self._held is None:
                self._held = list(await self._followed.whole())
        found = [record for record in self._held if record.topic in topics]
        self._held = [record for record in self._held if record.topic not in topics]
        return found

    async def follow(self, topics: Collection[str], take: _Take) -> NoReturn:
        """Hand over what is added to these topics; the first who follows does so for all."""
        is_first = not self._takers
        self._takers |= dict.fromkeys(topics, take)
        early, self._early = self._early, []
        for record in early:
            self._hand(record)
        if is_first:
            await self._followed.follow(self._hand)
        await asyncio.Event().wait()
        raise AssertionError  # nobody sets it

    def _hand(self, record: Record) -> None:
        if (take := self._takers.get(record.topic)) is None:
            self._early.append(record)
        else:
            take(record)


@dataclass(frozen=True, slots=True)
class _Part:
    together: Together
    topics: frozenset[str]

    async def whole(self) -> Sequence[Record]:
        return await self.together.whole(self.topics)

    async def follow(self, take: _Take) -> NoReturn:
        await self.together.follow(self.topics, take)
