"""The broker within a process: with a bound it keeps what somebody has still to do, and forgets the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages import AUDIO, CARDS, GRAPH, stage_named
from schemas.wire import Lane
from workers.followed_in_process import FollowedInProcess
from workers.in_process import InProcessBroker
from workers.records import NewRecord, Record
from workers.runtime import Runner

KEEP = 3
NUMBERS = st.lists(st.integers(0, 4), max_size=60)


def new(topic: str, key: int, value: int) -> NewRecord:
    """A record whose value is its number."""
    return NewRecord(topic, str(key).encode(), str(value).encode(), ())


async def filled(topic: str, keys: Sequence[int], keep: int | None = KEEP) -> InProcessBroker:
    """A broker of one partition that was told these, one after the other."""
    broker = InProcessBroker(1, keep)
    for value, key in enumerate(keys):
        await broker.publish([new(topic, key, value)])
    return broker


def numbers(records: Sequence[Record]) -> list[int]:
    return [int(record.value or b"-1") for record in records]


@given(keys=NUMBERS)
async def test_of_a_topic_that_nobody_reads_the_newest_stay_and_no_more_than_twice_as_many(keys: list[int]) -> None:
    kept = numbers((await filled(AUDIO, keys)).records(AUDIO))
    assert len(kept) <= 2 * KEEP
    assert kept == list(range(len(keys)))[-len(kept) :] if kept else not keys
    assert len(kept) >= min(KEEP, len(keys))


@given(keys=NUMBERS)
async def test_of_a_compacted_topic_the_last_of_each_key_is_never_lost(keys: list[int]) -> None:
    broker = await filled(CARDS, keys)
    last = {str(key).encode(): value for value, key in enumerate(keys)}
    kept = broker.records(CARDS)
    assert {record.key: int(record.value or b"-1") for record in kept} == last
    assert numbers(kept) == sorted(numbers(kept))


@given(keys=NUMBERS, offset=st.integers(0, 70))
async def test_what_is_kept_from_an_offset_on_has_the_offsets_that_it_had(keys: list[int], offset: int) -> None:
    for topic in (AUDIO, CARDS):
        broker = await filled(topic, keys)
        found = broker.since(topic, 0, offset)
        assert all(record.offset == int(record.value or b"-1") >= offset for record in found)
        assert found == [record for record in broker.records(topic) if record.offset >= offset]


@given(keys=NUMBERS)
async def test_without_a_bound_everything_stays(keys: list[int]) -> None:
    assert numbers((await filled(CARDS, keys, keep=None)).records(CARDS)) == list(range(len(keys)))


async def test_what_a_stage_has_still_to_do_stays_however_much_comes() -> None:
    broker, gate, got = InProcessBroker(1, KEEP), asyncio.Event(), list[int]()

    class Slow:
        """A runner that does nothing until the gate is open."""

        async def take(self, record: Record, done: Callable[[], None]) -> None:
            got.append(int(record.value or b"-1"))
            await gate.wait()
            done()

    stage = stage_named("asr", Lane.LIVE)
    assert stage is not None
    feeding = asyncio.create_task(broker.feed(stage, AUDIO, 0, cast("Runner", Slow())))
    await asyncio.sleep(0)
    await broker.publish([new(AUDIO, 0, value) for value in range(40)])
    assert len(broker.records(AUDIO)) == 40
    gate.set()
    async with asyncio.timeout(5):
        await broker.wait_idle([stage])
    await broker.publish([new(AUDIO, 0, value) for value in range(40, 100)])
    async with asyncio.timeout(5):
        await broker.wait_idle([stage])
    await broker.publish([new(AUDIO, 0, value) for value in range(100, 300)])
    feeding.cancel()
    assert got[:100] == list(range(100))
    assert broker.lag(stage) == 300 - broker.committed(stage.group, AUDIO, 0)
    assert broker.records(AUDIO)[-1].offset == 299


async def test_who_follows_is_handed_the_whole_once_and_then_what_comes() -> None:
    broker = await filled(GRAPH, [0, 1])
    followed, got = FollowedInProcess(broker, [GRAPH, CARDS], every_s=0.01), list[Record]()
    assert numbers(await followed.whole()) == [0, 1]
    following = asyncio.create_task(followed.follow(got.append))
    await broker.publish([new(CARDS, 0, 7)])
    async with asyncio.timeout(5):
        while not got:  # noqa: ASYNC110 - it says nothing when it has looked
            await asyncio.sleep(0.01)
    following.cancel()
    assert numbers(got) == [7]
