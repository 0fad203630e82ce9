from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from pipeline.handling import Inbound, Outbound
from pipeline.stages import FAILED, OUTCOMES, STAGES
from schemas.call import CallEnded
from schemas.envelope import message
from workers.in_process import InProcessBroker
from workers.measures import Measures
from workers.records import Record, write_event
from workers.runtime import Limits, Runner

INDEX = next(stage for stage in STAGES if stage.name == "index")


def record(topic: str, offset: int, call: str = "a") -> Record:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    event = message(CallEnded(call_id=call), id=f"{topic}-{offset}", source="/t", time=at, subject=call, tenant_id="t")
    new = write_event(Outbound(topic, event))
    return Record(topic, 0, offset, new.key, new.value, new.headers)


class Stuck:
    """A handler that waits for ever on one topic, and notes what it did on the others."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self.started = asyncio.Event()
        self.done: list[str] = []

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        if inbound.position.topic == self._topic:
            self.started.set()
            await asyncio.Event().wait()
        self.done.append(inbound.position.topic)
        return ()


async def test_an_event_behind_one_of_a_revoked_partition_is_still_handled_when_its_own_partition_stays() -> None:
    handler, acknowledged = Stuck(OUTCOMES), asyncio.Event()
    runner = Runner(INDEX, handler, InProcessBroker(), Limits(), Measures())
    await runner.take(record(OUTCOMES, 0), lambda: None)
    await runner.take(record(FAILED, 0), acknowledged.set)
    await handler.started.wait()
    assert handler.done == [], "events of one call wait for each other, across topics"
    await runner.forget([(OUTCOMES, 0)])
    await asyncio.wait_for(acknowledged.wait(), 5)
    assert handler.done == [FAILED]


async def test_a_revoked_partition_acknowledges_nothing_and_starts_anew_when_it_comes_back() -> None:
    handler, acknowledged = Stuck(OUTCOMES), []
    runner = Runner(INDEX, handler, InProcessBroker(), Limits(), Measures())
    await runner.take(record(OUTCOMES, 0), lambda: acknowledged.append("before"))
    await runner.take(record(OUTCOMES, 1, "b"), lambda: acknowledged.append("before"))
    await handler.started.wait()
    await runner.forget([(OUTCOMES, 0)])
    assert acknowledged == []
    again = asyncio.Event()
    await runner.take(record(FAILED, 7), again.set)
    await asyncio.wait_for(again.wait(), 5)
    assert acknowledged == []


async def test_a_partition_too_far_ahead_of_its_oldest_event_waits_and_a_revocation_wakes_it() -> None:
    handler = Stuck(OUTCOMES)
    runner = Runner(INDEX, handler, InProcessBroker(), Limits(window=3), Measures())
    for offset in range(3):
        await runner.take(record(OUTCOMES, offset, f"call-{offset}"), lambda: None)
    waiting = asyncio.create_task(runner.take(record(OUTCOMES, 3, "d"), lambda: None))
    await handler.started.wait()
    await asyncio.sleep(0)
    assert not waiting.done()
    await runner.forget([(OUTCOMES, 0)])
    await asyncio.wait_for(waiting, 5)
