"""The hub on a real Kafka: from a while ago on, through an outage, and with topics that come later or grow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from kafka_node import own_kafka_node
from live_desk import record, suggested

from pipeline.settings import KafkaSettings
from workers.edge import Edge
from workers.gateway.outgoing.events import Frame, Wanted
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.subscription import Subscription
from workers.gateway.outgoing.tail import KafkaTail
from workers.records import NewRecord


@asynccontextmanager
async def following(settings: KafkaSettings, back_s: float = 900) -> AsyncIterator[Hub]:
    """A hub that reads this broker."""
    hub = Hub(900)
    task = asyncio.create_task(KafkaTail(settings, back_s=back_s, check_s=1.0).follow(hub))
    try:
        yield hub
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def numbered(*numbers: int) -> list[NewRecord]:
    """Suggestions of as many calls, so that they lie in every partition."""
    return [record(suggested(number, f"call-{number}"), f"e{number}") for number in numbers]


async def frames(one: Subscription, until: str, *, wait_s: float = 60) -> list[Frame]:
    """What comes, up to a name or a suggestion."""
    found: list[Frame] = []
    async with asyncio.timeout(wait_s):
        while not any(until in (frame.name, _id(frame), _state(frame)) for frame in found):
            found += await one.frames(1) or ()
    return found


def _id(frame: Frame) -> str:
    text = frame.data.decode()
    return text.split('"suggestion_id":"')[1].split('"')[0] if "suggestion_id" in text else ""


def _state(frame: Frame) -> str:
    return frame.data.decode().rpartition('"state": "')[2].rstrip('"}') if frame.name == "status" else ""


def ids(found: list[Frame]) -> list[str]:
    return [_id(frame) for frame in found if _id(frame)]


async def test_what_was_written_before_is_kept_and_a_reader_goes_on_at_a_gateway_started_since(
    kafka_settings: KafkaSettings,
) -> None:
    edge = Edge(kafka_settings)
    await asyncio.to_thread(edge.apply_topics)
    await asyncio.to_thread(edge.publish, numbered(1, 2, 3))
    async with following(kafka_settings) as hub:
        one = hub.open(Wanted("acme"))
        await frames(one, "live")
        await asyncio.to_thread(edge.publish, numbered(4, 5))
        got = await frames(one, "s5")
        if "s4" not in ids(got):
            got += await frames(one, "s4")
    assert sorted(ids(got)) == ["s4", "s5"], "what was there before is not news"
    await asyncio.to_thread(edge.publish, numbered(6))
    async with following(kafka_settings) as hub:
        one = hub.open(Wanted("acme"), got[0].mark.decode())
        back = await frames(one, "s6")
    assert "gap" not in [frame.name for frame in back]
    assert sorted([ids(got)[0], *ids(back)]) == ["s4", "s5", "s6"]


async def test_topics_that_come_after_the_gateway_are_waited_for(kafka_settings: KafkaSettings) -> None:
    edge = Edge(kafka_settings)
    async with following(kafka_settings) as hub:
        one = hub.open(Wanted("acme"))
        assert [_state(frame) for frame in await one.frames(1) or ()] == ["away"]
        await asyncio.to_thread(edge.apply_topics)
        await asyncio.to_thread(edge.publish, numbered(1))
        assert ids(await frames(one, "s1")) == ["s1"], "it was written after the stream was opened"


async def test_an_outage_is_told_and_nothing_is_lost_by_it(tmp_path: Path) -> None:
    with own_kafka_node(tmp_path) as node:
        settings = KafkaSettings(bootstrap_servers=node.servers, partitions=2)
        edge = Edge(settings)
        await asyncio.to_thread(edge.apply_topics)
        async with following(settings) as hub:
            one = hub.open(Wanted("acme"))
            await frames(one, "live")
            await asyncio.to_thread(edge.publish, numbered(1))
            before = await frames(one, "s1")
            await asyncio.to_thread(node.stop)
            await frames(one, "away")
            await asyncio.to_thread(node.start)
            await asyncio.to_thread(edge.publish, numbered(2))
            found = await frames(one, "s2")
            names = [frame.name for frame in found]
            if "status" not in names:
                found += await frames(one, "live")
    assert ids(before + found) == ["s1", "s2"]


async def test_records_older_than_is_kept_are_not_read(kafka_settings: KafkaSettings) -> None:
    edge = Edge(kafka_settings)
    await asyncio.to_thread(edge.apply_topics)
    await asyncio.to_thread(edge.publish, numbered(1))
    await asyncio.sleep(0.1)
    between = time.time()
    await asyncio.sleep(0.1)
    await asyncio.to_thread(edge.publish, numbered(2))
    async with following(kafka_settings, back_s=time.time() - between) as hub:
        one = hub.open(Wanted("acme"))
        await frames(one, "live")
        found = [hub.suggestion("acme", f"s{number}") is not None for number in (1, 2)]
    assert found == [False, True]
