from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NoReturn

import pytest

from pipeline.errors import Retryable
from workers.followed_together import Together
from workers.records import Record


def record(topic: str, offset: int) -> Record:
    return Record(topic, 0, offset, b"k", b"v", ())


class Topics:
    """A ``Followed`` in memory that counts how often it is read."""

    def __init__(self, *held: Record, away: int = 0) -> None:
        self.held, self.away = held, away
        self.read = self.followed = 0
        self.added: asyncio.Queue[Record] = asyncio.Queue()

    async def whole(self) -> Sequence[Record]:
        self.read += 1
        if self.read <= self.away:
            raise Retryable("away", dependency="kafka")
        return self.held

    async def follow(self, take: Callable[[Record], None]) -> NoReturn:
        self.followed += 1
        while True:
            take(await self.added.get())
            self.added.task_done()


async def test_each_is_handed_what_its_topics_hold_of_one_reading() -> None:
    topics = Topics(record("a", 0), record("b", 0), record("a", 1))
    together = Together(topics)
    one, other = together.of(["a"]), together.of(["b"])
    assert [found.offset for found in await one.whole()] == [0, 1]
    assert [found.topic for found in await other.whole()] == ["b"]
    assert topics.read == 1


async def test_a_reading_that_failed_is_done_again() -> None:
    together = Together(Topics(record("a", 0), away=1))
    with pytest.raises(Retryable):
        await together.of(["a"]).whole()
    assert len(await together.of(["a"]).whole()) == 1


async def test_what_comes_before_its_follower_is_not_missed_and_one_consumer_follows() -> None:
    topics = Topics()
    together = Together(topics)
    of_a, of_b = list[int](), list[int]()
    first = asyncio.create_task(together.of(["a"]).follow(lambda one: of_a.append(one.offset)))
    for one in (record("a", 0), record("b", 0), record("b", 1)):
        topics.added.put_nowait(one)
    await topics.added.join()
    second = asyncio.create_task(together.of(["b"]).follow(lambda one: of_b.append(one.offset)))
    await asyncio.sleep(0)
    topics.added.put_nowait(record("b", 2))
    await topics.added.join()
    assert (of_a, of_b, topics.followed) == ([0], [0, 1, 2], 1)
    for task in (first, second):
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
