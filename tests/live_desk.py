"""A live desk in one process: a broker in memory, the hub that reads it, and the gateway over both, on a real port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from gateway_app import KEYS, made_store

from pipeline.handling import Outbound
from pipeline.questions.answering import StoredAnswers
from pipeline.stages import SUGGESTIONS, flow, transcripts
from schemas.envelope import message
from schemas.suggestion import SuggestionCreated
from schemas.wire import CallEvent, CallFacts, Lane
from workers.gateway.app import create_app
from workers.gateway.bounds import Limits
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.reading import Streams
from workers.gateway.outgoing.tail import InProcessTail
from workers.gateway.serving import listening
from workers.in_process import InProcessBroker
from workers.records import NewRecord, write_event

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WORDS = transcripts(Lane.LIVE)
STATES = flow(Lane.LIVE)


def suggested(number: int, call_id: str = "call-1", agent: str = "bob", **changes: Any) -> SuggestionCreated:
    """A suggestion of a live call; its number is its id."""
    at = START + timedelta(seconds=number)
    given = {
        "call_id": call_id,
        "suggestion_id": f"s{number}",
        "call": CallFacts(agent=agent),
        "lane": Lane.LIVE,
        "card_id": "card-1",
        "title": "Offer the annual plan",
        "text": f"Say number {number}.",
        "reason": "the customer asked",
        "priority": 50,
        "approved_by": "eva",
        "at_ms": number * 1_000,
        "created_at": at,
        "expires_at": at + timedelta(minutes=1),
    }
    return SuggestionCreated(**given | changes)


def record(event: CallEvent, id_: str, *, topic: str = SUGGESTIONS, tenant: str = "acme") -> NewRecord:
    """The record of an event."""
    sent = message(event, id=id_, source="/test", time=START, subject=event.call_id, tenant_id=tenant)
    return write_event(Outbound(topic, sent))


class Desk:
    """What a test does with it: publish events, read streams."""

    def __init__(self, broker: InProcessBroker, hub: Hub, url: str) -> None:
        self.broker = broker
        self.hub = hub
        self.url = url
        self.told = 0

    async def suggest(self, *numbers: int, call_id: str = "call-1", agent: str = "bob", tenant: str = "acme") -> None:
        """Publish suggestions by their numbers, which tell them apart in every tenant and call."""
        made = [suggested(number, call_id, agent) for number in numbers]
        await self.publish(*(record(one, f"{tenant}-{one.suggestion_id}", tenant=tenant) for one in made))

    async def publish(self, *records: NewRecord) -> None:
        """Publish, and wait until the hub has read it."""
        await self.broker.publish(records)
        self.told += len(records)
        async with asyncio.timeout(5):
            while sum(self.hub.reached.values()) < self.told:  # noqa: ASYNC110 - it says nothing when it happens
                await asyncio.sleep(0.005)

    @asynccontextmanager
    async def stream(
        self, key: str | None = "supervisor", path: str = "/v1/streams", last: str | None = None, **query: str
    ) -> AsyncIterator[Reader]:
        """A stream of server-sent events."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        if last is not None:
            headers["Last-Event-ID"] = last
        async with (
            httpx.AsyncClient(base_url=self.url, headers=headers, timeout=10) as client,
            client.stream("GET", path, params=query) as response,
        ):
            if response.status_code != 200:
                await response.aread()
            yield Reader(response)


class Reader:
    """Reads a stream as an EventSource does."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last = ""
        self._lines = response.aiter_lines()

    async def event(self, wait_s: float = 5.0) -> tuple[str, dict[str, Any]]:
        """The next event: its name and its data."""
        async with asyncio.timeout(wait_s):
            name, data = "message", None
            async for line in self._lines:
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "id":
                    self.last = value
                elif field == "data":
                    data = json.loads(value)
                elif not line and data is not None:
                    return name, data
        raise EOFError

    async def calls(self, most: int, wait_s: float = 5.0) -> list[str]:
        """The ids of the next suggestions, so many at most, passing over what the stream says of itself."""
        found: list[str] = []
        with suppress(TimeoutError, EOFError):
            while len(found) < most:
                name, data = await self.event(wait_s)
                if name == "suggestion.created":
                    found.append(data["suggestion_id"])
        return found


@asynccontextmanager
async def live_desk(broker: InProcessBroker | None = None, **changes: Any) -> AsyncIterator[Desk]:
    """A gateway with streams, on a free port."""
    broker, hub = broker or InProcessBroker(), Hub(900)
    streams = Streams(hub, broker, **{"news_s": 0.2, "keep_alive_s": 0.5, **changes})
    store = await made_store()
    app = create_app(
        lambda asker: StoredAnswers(store, asker), KEYS.get, streams=streams, limits=Limits(streams_at_once=20)
    )
    following = asyncio.create_task(InProcessTail(broker, every_s=0.005).follow(hub))
    try:
        async with listening(app, "127.0.0.1", 0, drain_s=2) as (url, _):
            await asyncio.sleep(0.02)
            yield Desk(broker, hub, url)
            hub.drain()
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
