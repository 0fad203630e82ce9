"""A gateway that listens, with calls that come in over a publisher that keeps what it is given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from gateway_app import KEYS, client_of
from prometheus_client import CollectorRegistry
from websockets.asyncio.client import ClientConnection, connect

from pipeline.errors import Retryable
from pipeline.handling import Inbound
from pipeline.questions.answering import StoredAnswers
from pipeline.testing import InMemoryStore
from schemas.audio import AudioChunk
from schemas.wire import Payload
from workers.gateway.app import create_app
from workers.gateway.incoming.incoming import Incoming, IncomingMeasures, Twilio
from workers.gateway.incoming.session import Clock
from workers.gateway.incoming.sessions import Sessions
from workers.gateway.serving import listening
from workers.records import NewRecord, Record, read_event


class KeepingPublisher:
    """A ``Publisher`` that keeps records; while ``away`` it refuses them, while ``stuck`` it never confirms."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.away = False
        self.going = asyncio.Event()
        self.going.set()

    async def publish(self, records: Sequence[NewRecord]) -> None:
        if self.away:
            raise Retryable("Kafka does not answer", dependency="kafka")
        await self.going.wait()
        self.records.extend(records)

    def events(self, kind: type[Payload] = Payload, call_id: str | None = None) -> list[Inbound]:
        """What was published, read as a worker reads it."""
        read = [
            read_event(Record(one.topic, 0, at, one.key, one.value, one.headers)) for at, one in enumerate(self.records)
        ]
        found = [one for one in read if one is not None and isinstance(one.payload, kind)]
        return [one for one in found if call_id in (None, one.message.envelope.subject)]

    def audio(self, call_id: str | None = None) -> bytes:
        """The bytes of all chunks."""
        return b"".join(one.body for one in self.events(AudioChunk, call_id))


@dataclass(slots=True)
class Gateway:
    """A gateway that listens at ``url``."""

    publisher: KeepingPublisher
    incoming: Incoming
    app: Any
    url: str = ""
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    async def post(self, path: str, body: Any = None, *, key: str | None = "publisher", **given: Any) -> httpx.Response:
        """A request, with JSON where a body is given."""
        async with client_of(self.app, key) as client:
            answer: httpx.Response = await client.post(path, json=body, **given)
            return answer

    def socket(self, path: str, *, key: str | None = "publisher") -> connect:
        """A WebSocket to it."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        url = self.url.replace("http", "ws") + path
        return connect(url, additional_headers=headers, max_size=None, compression=None, proxy=None)


@asynccontextmanager
async def gateway(
    folder: Path, *, listens: bool = True, twilio: Twilio | None = None, clock: Clock = lambda: datetime.now(UTC)
) -> AsyncIterator[Gateway]:
    """Such a gateway, until the block is left."""
    publisher, registry = KeepingPublisher(), CollectorRegistry()
    sessions = Sessions(publisher, clock=clock)
    incoming = Incoming(
        sessions=sessions,
        is_away=lambda: publisher.away,
        uploads=folder,
        measures=IncomingMeasures(registry, sessions),
        whose=KEYS.get,
        max_upload_bytes=3_000_000,
        twilio=twilio,
    )
    store = InMemoryStore()
    app = create_app(lambda asker: StoredAnswers(store, asker), KEYS.get, incoming=incoming, registry=registry)
    found = Gateway(publisher, incoming, app)
    if not listens:
        yield found
        return
    async with listening(app, "127.0.0.1", 0, drain_s=1) as (url, _):
        found.url = url
        yield found
    publisher.going.set()
    await sessions.close(1)


async def said(socket: ClientConnection) -> dict[str, Any]:
    """The next thing that is said on a socket."""
    async with asyncio.timeout(10):
        found: dict[str, Any] = json.loads(await socket.recv())
        return found


async def until(socket: ClientConnection, type_: str) -> dict[str, Any]:
    """The next thing of a type that is said."""
    while (found := await said(socket))["type"] != type_:
        pass
    return found
