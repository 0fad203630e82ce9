"""Conversations are played one after the other, each as a new call, at their own pace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

import pytest

from workers.demo import playing
from workers.demo.playing import Line, play, play_line
from workers.records import NewRecord


@dataclass(frozen=True, slots=True)
class Beats:
    """A talk with a record at each of these milliseconds."""

    name: str
    due_ms: Sequence[int]

    def course(self, call_id: str, tenant_id: str, began: datetime) -> Iterator[tuple[int, NewRecord]]:
        del tenant_id, began
        for due_ms in self.due_ms:
            yield due_ms, NewRecord("t", call_id.encode(), str(due_ms).encode(), ())


@dataclass(slots=True)
class Heard:
    """A publisher that notes what came and when."""

    at: list[float] = field(default_factory=list)
    records: list[NewRecord] = field(default_factory=list)

    async def publish(self, records: Sequence[NewRecord]) -> None:
        now = asyncio.get_running_loop().time()
        for record in records:
            self.at.append(now)
            self.records.append(record)


async def test_a_record_never_goes_out_before_it_is_due_and_what_is_late_does_not_delay_the_rest() -> None:
    heard, began = Heard(), asyncio.get_running_loop().time()
    await play(Beats("a", [0, 40, 80, 200]), "c", heard, "acme", datetime.now(UTC))
    passed = [1_000 * (at - began) for at in heard.at]
    assert all(now_ms >= due_ms - 1 for now_ms, due_ms in zip(passed, [0, 40, 80, 200], strict=True))
    assert [record.value for record in heard.records] == [b"0", b"40", b"80", b"200"]


async def test_a_line_goes_on_for_ever_and_each_time_it_is_another_call(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(60))

    class Clock:
        """A second passes with each look."""

        @staticmethod
        def now(tz: tzinfo) -> datetime:
            return datetime(2026, 3, 2, 9, 30, next(ticks), tzinfo=tz)

    monkeypatch.setattr(playing, "PAUSE_S", 0.0)
    monkeypatch.setattr(playing, "datetime", Clock)
    heard, ids = Heard(), list[str]()
    with suppress(TimeoutError):
        async with asyncio.timeout(30):
            line = asyncio.create_task(play_line(Line([Beats("a", [0]), Beats("b", [0])]), heard, "acme", ids.append))
            while len(ids) < 5:  # noqa: ASYNC110 - it says nothing when it goes on
                await asyncio.sleep(0.01)
            line.cancel()
    assert [one.rpartition("-0302")[0] for one in ids[:5]] == ["a", "b", "a", "b", "a"]
    assert len(set(ids)) == len(ids)
