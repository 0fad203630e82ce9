"""All pages of what goes out, and the room opened as the settings name it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry

from pipeline.access.principal import READERS, Principal
from pipeline.settings import Settings
from workers.gateway.door import SCOPES, asker_of
from workers.gateway.outgoing.feedback import add_feedback
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.live_calls import LiveCalls
from workers.gateway.outgoing.measures import StreamMeasures
from workers.gateway.outgoing.reading import Streams
from workers.gateway.outgoing.sockets import add_sockets
from workers.gateway.outgoing.sse import add_sse
from workers.gateway.outgoing.tail import KafkaTail, Sink, Source
from workers.gateway.outgoing.tickets import Tickets, add_tickets
from workers.gateway.pages import AnswersTo
from workers.gateway.replies import answer_reply
from workers.records import Publisher


def add_outgoing(router: APIRouter, streams: Streams, answers_to: AnswersTo) -> None:
    """Streams, tickets, feedback and what is on; before pages of calls, whose paths would take these for theirs."""
    add_sse(router, streams)
    add_sockets(router, streams)
    add_tickets(router, streams.tickets)
    add_feedback(router, streams.hub, answers_to, streams.publisher)
    _add_live(router, streams.hub)


@asynccontextmanager
async def opened_streams(
    settings: Settings,
    publisher: Publisher,
    registry: CollectorRegistry,
    still_valid: Callable[[Principal], bool],
    source: Source | None = None,
) -> AsyncIterator[Streams]:
    """Streams of a source, Kafka where none is given, which is read for as long as the block lasts."""
    ours, measures = settings.gateway, StreamMeasures(registry)
    hub = Hub(ours.resume_s, measures)
    secret = ours.ticket_secret
    tickets = Tickets(secret.get_secret_value() if secret else None)
    following = asyncio.create_task(_follow(source or KafkaTail(settings.kafka, back_s=ours.resume_s), hub))
    try:
        yield Streams(hub, publisher, tickets, measures, still_valid)
    finally:
        hub.drain()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def _follow(source: Source, sink: Sink) -> None:
    await source.follow(sink)


def _add_live(router: APIRouter, hub: Hub) -> None:
    @router.get(
        "/v1/live",
        summary="The calls that are on",
        tags=["streams"],
        operation_id="list_live",
        response_class=JSONResponse,
        response_model=None,
        responses={200: {"model": LiveCalls}, 304: {"description": "Still the same (If-None-Match)"}},
        openapi_extra={SCOPES: sorted(READERS)},
    )
    async def list_live(request: Request) -> Response:
        asker = asker_of(request)
        return answer_reply(request, hub.live(asker.tenant_id, asker.agent), LiveCalls)
