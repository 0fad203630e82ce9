"""The dashboard as it is served, over stores and topics in memory: a test publishes what stages find."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from gateway_app import KEYS, made_store
from prometheus_client import CollectorRegistry

from pipeline.access.principal import Principal
from pipeline.handling import Inbound, Outbound
from pipeline.questions.answering import StoredAnswers
from pipeline.settings import DashboardSettings
from pipeline.stages import FEEDBACK, SUGGESTIONS, flow, transcripts
from pipeline.testing import InMemoryStore
from schemas.call import CallEnded, CallHeld, CallResumed, CallStarted, CallUpdated
from schemas.envelope import message
from schemas.flow import FlowState
from schemas.transcript import ConversationMessage, TranscriptGap, TranscriptSegment
from schemas.wire import CallEvent, Lane
from workers.dashboard.app import create_dashboard
from workers.dashboard.oidc import OidcSignIn
from workers.dashboard.sessions import Sessions
from workers.dashboard.shell import Shell
from workers.gateway.app import Room
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.reading import Streams
from workers.gateway.outgoing.tail import InProcessTail
from workers.gateway.serving import listening
from workers.in_process import InProcessBroker
from workers.records import Record, read_event, write_event

PEOPLE = {**KEYS, "ann": Principal("k-ann", "acme", frozenset({"agent:ann"}), "Ann")}
"""Whose each key is; tests sign in with these words in place of keys."""
_WORDS = (
    *(TranscriptSegment, TranscriptGap, ConversationMessage),
    *(CallStarted, CallUpdated, CallHeld, CallResumed, CallEnded),
)


def topic_of(event: CallEvent) -> str:
    """Where the stages of the live lane publish such an event."""
    if isinstance(event, _WORDS):
        return transcripts(Lane.LIVE)
    return flow(Lane.LIVE) if isinstance(event, FlowState) else SUGGESTIONS


@dataclass(slots=True)
class Site:
    """What is served at ``url``, of what is in ``store`` and what ``tell`` publishes."""

    url: str
    broker: InProcessBroker
    hub: Hub
    store: InMemoryStore
    app: Any
    _numbers: count[int] = field(default_factory=count)

    async def tell(self, *events: CallEvent, at: datetime | None = None, tenant: str = "acme") -> None:
        """Publish events of live calls, as stages do."""
        for event in events:
            sent = message(
                event,
                id=f"{event.call_id}-{next(self._numbers)}",
                source="/test",
                time=at or datetime.now(UTC),
                subject=event.call_id,
                tenant_id=tenant,
            )
            await self.broker.publish([write_event(Outbound(topic_of(event), sent))])

    def feedback(self) -> list[Inbound]:
        """What agents said of suggestions."""
        read = [
            read_event(Record(one.topic, 0, at, one.key, one.value, one.headers))
            for at, one in enumerate(self.broker.records(FEEDBACK))
        ]
        return [one for one in read if one is not None]

    async def sign_in(self, page: Any, who: str, path: str = "/") -> None:
        """Sign in by the form, and open a page."""
        await page.goto(f"{self.url}/sign-in")
        await page.fill("#key", who)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#header nav")
        if path != "/":
            await page.goto(f"{self.url}{path}")
            await page.wait_for_selector("#main .page")


@asynccontextmanager
async def dashboard_site(  # noqa: PLR0913 - its parts, each by name
    rooms: Sequence[Room] = (),
    store: InMemoryStore | None = None,
    settings: DashboardSettings | None = None,
    *,
    port: int = 0,
    live_rooms: Sequence[Callable[[Streams], Room]] = (),
    provider: OidcSignIn | None = None,
) -> AsyncIterator[Site]:
    """Serve it until the block is left; ``live_rooms`` are made of the streams that it serves."""
    settings = settings or DashboardSettings()
    broker, hub, registry = InProcessBroker(), Hub(900), CollectorRegistry()
    stored, streams = store or await made_store(), Streams(hub, broker)
    app = create_dashboard(
        lambda asker: StoredAnswers(stored, asker),
        Shell(Sessions(settings), PEOPLE.get, quiet_s=settings.quiet_s, provider=provider),
        streams=streams,
        rooms=[*rooms, *(room(streams) for room in live_rooms)],
        registry=registry,
    )
    following = asyncio.create_task(InProcessTail(broker, every_s=0.01).follow(hub))
    try:
        async with listening(app, "127.0.0.1", port, drain_s=2) as (url, _):
            yield Site(url, broker, hub, stored, app)
            hub.drain()
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
