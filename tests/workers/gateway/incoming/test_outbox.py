"""What a call sends goes to Kafka in order, once it is there, and never more of it waits than there is room for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pipeline.errors import Poison, Retryable
from workers.gateway.incoming import outbox
from workers.gateway.incoming.outbox import Outbox, Room
from workers.records import NewRecord


class Broker:
    """Fails so many times, refuses records that say so, and keeps the others."""

    def __init__(self, failures: int = 0) -> None:
        self.values: list[bytes | None] = []
        self._failures = failures

    async def publish(self, records: Sequence[NewRecord]) -> None:
        await asyncio.sleep(0)
        if self._failures:
            self._failures -= 1
            raise Retryable("away", dependency="kafka")
        if any(one.value == b"bad" for one in records):
            raise Poison("refused")
        self.values += [one.value for one in records]


def record(value: bytes) -> NewRecord:
    return NewRecord("calls.audio", b"acme:c1", value, ())


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_BACKOFF_S", (0.01,))


async def test_records_arrive_in_order_though_the_broker_was_away() -> None:
    broker, told = Broker(failures=3), list[int]()
    box = Outbox(broker, Room())
    waiting = [box.add(record(b"%d" % n), lambda n=n: told.append(n)) for n in range(100)]  # type: ignore[misc]
    await asyncio.gather(*waiting)
    assert broker.values == [b"%d" % n for n in range(100)]
    assert told == list(range(100))
    assert box.is_empty


async def test_one_that_is_refused_stops_no_other() -> None:
    broker = Broker()
    box = Outbox(broker, Room())
    waiting = [box.add(record(value)) for value in (b"1", b"bad", b"2")]
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in found] == [type(None), Poison, type(None)]
    assert broker.values == [b"1", b"2"]


async def test_the_room_of_all_calls_is_bounded_and_given_back() -> None:
    broker, room = Broker(failures=20), Room(most_bytes=10)
    first, second = Outbox(broker, room), Outbox(broker, room)
    first.add(record(b"x" * 10))
    assert second.is_full
    with pytest.raises(Retryable):
        await second.until_room(0.05)
    await second.until_room(5)
    assert room.taken == 0


async def test_at_the_end_what_waits_is_given_up_after_its_time_and_said() -> None:
    room = Room()
    stuck, fine = Outbox(Broker(failures=10_000), room), Outbox(Broker(), room)
    given_up, sent = stuck.add(record(b"x")), fine.add(record(b"y"))
    assert not await stuck.drain(0.05)
    assert await fine.drain(1)
    assert given_up.cancelled()
    assert sent.result() is None
    assert room.taken == 0
