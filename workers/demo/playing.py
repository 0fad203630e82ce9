"""Plays conversations at the speed at which they were held, one after the other for ever, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NoReturn

from workers.demo.talks import Talk
from workers.records import Publisher

PAUSE_S: Final = 5.0
"""Between two conversations of a line: an agent's breath."""


@dataclass(frozen=True, slots=True)
class Line:
    """Conversations that follow each other; the first begins after ``after_s`` seconds."""

    talks: Sequence[Talk]
    after_s: float = 0.0


async def play_line(line: Line, publisher: Publisher, tenant_id: str, began: Callable[[str], None]) -> NoReturn:
    """For ever; each conversation is a new call every time, of whose id ``began`` is told."""
    await asyncio.sleep(line.after_s)
    while True:
        for talk in line.talks:
            now = datetime.now(UTC)
            call_id = f"{talk.name}-{now:%m%d-%H%M%S}"
            began(call_id)
            await play(talk, call_id, publisher, tenant_id, now)
            await asyncio.sleep(PAUSE_S)


async def play(talk: Talk, call_id: str, publisher: Publisher, tenant_id: str, began: datetime) -> None:
    """One conversation, from its start to its end; its clock does not drift, and what is late is caught up with."""
    course = await asyncio.to_thread(talk.course, call_id, tenant_id, began)
    loop = asyncio.get_running_loop()
    started = loop.time()
    for due_ms, record in course:
        await asyncio.sleep(max(0.0, started + due_ms / 1_000 - loop.time()))
        await publisher.publish([record])
