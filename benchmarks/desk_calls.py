"""Live calls for a desk that is open: sentences one by one, or whole calls, played faster than they were spoken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from dashboard_calls import Call, ended, lasts, live_call, said, started
from dashboard_site import topic_of

from pipeline.handling import Outbound
from pipeline.settings import KafkaSettings
from schemas.envelope import message
from schemas.suggestion import SuggestionCreated
from schemas.wire import CallEvent
from workers.records import NewRecord, write_event

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

TENANT: Final = "acme"
AGENT: Final = "ann"
_EVERY_S: Final = 0.15
"""Between sentences: more than anybody says, less than what the page draws in one go."""
_STANDS_S: Final = 60.0
"""How long a suggestion stands in these calls."""


def record(event: CallEvent, name: str) -> NewRecord:
    """An event of now, as a stage publishes it."""
    sent = message(event, id=name, source="/bench", time=datetime.now(UTC), subject=event.call_id, tenant_id=TENANT)
    return write_event(Outbound(topic_of(event), sent))


async def sentences(settings: KafkaSettings, count: int) -> dict[str, float]:
    """Publish so many final sentences of one call; when each was handed to the producer, in ms since 1970."""
    from aiokafka import AIOKafkaProducer

    call = Call(datetime.now(UTC), "call-words", AGENT)
    at: dict[str, float] = {}
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, acks="all") as producer:
        await _send(producer, settings, record(started(call), "words-start"))
        await asyncio.sleep(2)
        for number in range(count):
            one = record(said(call, number, f"this is word-{number}- of the call"), f"words-{number}")
            at[f"word-{number}-"] = time.time() * 1_000
            await _send(producer, settings, one)
            await asyncio.sleep(_EVERY_S)
        await _send(producer, settings, record(ended(call, ms=count * 7_000)[0], "words-end"))
    return at


async def played(settings: KafkaSettings, calls: int, speed: float, after: Callable[[int], Awaitable[None]]) -> float:
    """Play calls one after the other so many times as fast; ``after`` is asked after each. The ms of call played."""
    from aiokafka import AIOKafkaProducer

    whole_ms = 0.0
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, acks="all") as producer:
        for number in range(calls):
            begun, call = time.monotonic(), Call(datetime.now(UTC), f"call-hour-{number}", AGENT)
            for at, (due_ms, event) in enumerate(_events(call, speed)):
                await asyncio.sleep(max(0.0, begun + due_ms / 1_000 / speed - time.monotonic()))
                await _send(producer, settings, record(event, f"hour-{number}-{at}"))
            whole_ms += lasts(call) / timedelta(milliseconds=1)
            await asyncio.sleep(1.0)
            await after(number)
    return whole_ms


def call_ms() -> float:
    """How long one of these calls is, in ms."""
    return lasts(Call(datetime.now(UTC))) / timedelta(milliseconds=1)


def _events(call: Call, speed: float) -> Iterator[tuple[float, CallEvent]]:
    """All of a call with its ms; each sentence three times as it grows, as an engine that hears tells it."""
    told = live_call(call)
    for one in told:
        due_ms = (one.at - call.began) / timedelta(milliseconds=1)
        event = one.event
        if isinstance(event, SuggestionCreated):
            now = call.began + timedelta(milliseconds=due_ms / speed)
            lasts_for = timedelta(seconds=_STANDS_S / speed)
            event = event.model_copy(update={"created_at": now, "expires_at": now + lasts_for})
        segment = getattr(event, "segment", None)
        if segment is not None and getattr(event, "final", False):
            for revision, part in ((0, 3), (1, 2)):
                heard = segment.model_copy(update={"text": segment.text[: len(segment.text) // part]})
                yield due_ms - 1_500, event.model_copy(update={"segment": heard, "final": False, "revision": revision})
        yield due_ms, event
    for event in ended(call, ms=round(call_ms())):
        yield call_ms(), event


async def _send(producer: AIOKafkaProducer, settings: KafkaSettings, one: NewRecord) -> None:
    await producer.send_and_wait(
        settings.topic_prefix + one.topic, key=one.key, value=one.value, headers=list(one.headers)
    )
