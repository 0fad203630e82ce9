"""Streams as server-sent events (HTML standard, 9.2), which a browser's EventSource reads."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Request, Response
from starlette.types import Receive, Scope, Send

from pipeline.access.principal import READERS, Principal
from workers.gateway.door import SCOPES, principal_of
from workers.gateway.lasting import CALL_STREAM, STREAMS
from workers.gateway.outgoing.events import Frame
from workers.gateway.outgoing.parameters import Sought, SoughtAnywhere
from workers.gateway.outgoing.reading import STUCK_S, Streams, opened, rounds
from workers.gateway.outgoing.subscription import Subscription

MEDIA_TYPE: Final = "text/event-stream"
_RETRY_MS: Final = (1_000, 4_000)
"""Between these, by chance, readers come back that were cut off, so that not all of a gateway come at once."""
_LastEventId = Annotated[str | None, Header(description="The id of the last event that came: go on after it")]
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events, for as long as the connection stays open. The name of an event is that of its schema, "
        "its id the mark to go on from, its data JSON: `type`, `ce_id`, `ce_time` and the fields of the schema. Of the "
        "stream itself are `status` (live, away), `gap` (something is missing: too_old, unreadable), `dropped` (slow) "
        "and `bye` (restart, key).",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


def sse(frames: Sequence[Frame], position: bytes = b"") -> bytes:
    """Frames as they are sent; without any, a comment, and the position, which a reader then keeps without an event."""
    if not frames:
        return b":\nid: " + position + b"\n\n" if position else b":\n\n"
    parts: list[bytes] = []
    for one in frames:
        mark = (b"\nid: ", one.mark) if one.mark else ()
        parts += (b"event: ", one.name.encode(), *mark, b"\ndata: ", one.data, b"\n\n")
    return b"".join(parts)


class EventStream(Response):
    """A response that goes on for as long as somebody reads it."""

    media_type = MEDIA_TYPE

    def __init__(self, streams: Streams, principal: Principal, subscription: Subscription) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._streams = streams
        self._principal = principal
        self._subscription = subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        one = self._subscription
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send(_part(b"retry: %d\n\n" % random.randint(*_RETRY_MS)))  # noqa: S311 - spreads them, no secret
        gone = asyncio.create_task(_until_gone(receive, one))
        try:
            async for frames in rounds(self._streams, self._principal, one, "sse"):
                async with asyncio.timeout(STUCK_S):
                    await send(_part(sse(frames) if frames else sse((), one.position())))
            await send(_part(b"", more=False))
        except TimeoutError:
            one.end("slow")
        finally:
            gone.cancel()


def add_sse(router: APIRouter, streams: Streams) -> None:
    """``GET /v1/streams`` and ``GET /v1/calls/{call}/stream``."""

    async def stream(
        request: Request, sought: Annotated[SoughtAnywhere, Query()], last_event_id: _LastEventId = None
    ) -> Response:
        return await _reply(request, sought, sought.call, last_event_id)

    async def call_stream(
        request: Request,
        call: Annotated[str, Path(min_length=1, max_length=200)],
        sought: Annotated[Sought, Query()],
        last_event_id: _LastEventId = None,
    ) -> Response:
        return await _reply(request, sought, call, last_event_id)

    async def _reply(request: Request, sought: Sought, call: str | None, last_event_id: str | None) -> Response:
        principal = principal_of(request.scope)
        one = await opened(streams, principal, sought, call, last_event_id or sought.last_event_id)
        return EventStream(streams, principal, one)

    for path, endpoint, summary in (
        (STREAMS, stream, "What happens in calls, as it happens"),
        (CALL_STREAM, call_stream, "What happens in one call, as it happens"),
    ):
        router.add_api_route(
            path,
            endpoint,
            methods=["GET"],
            summary=summary,
            tags=["streams"],
            operation_id=endpoint.__name__,
            status_code=200,
            response_class=EventStream,
            response_model=None,
            responses=_RESPONSES,
            openapi_extra={SCOPES: sorted(READERS)},
        )


def _part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _until_gone(receive: Receive, one: Subscription) -> None:
    """End the subscription when its reader goes."""
    while (await receive())["type"] != "http.disconnect":
        pass
    one.end("left")
