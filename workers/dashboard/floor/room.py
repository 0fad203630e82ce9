"""The floor over HTTP: all calls that are on, the same as a stream, and who has seen an alert."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from workers.dashboard.floor.board import Board, Floor
from workers.dashboard.floor.lines import Line
from workers.dashboard.floor.looks import Looks
from workers.gateway.app import Room
from workers.gateway.door import SCOPES, principal_of
from workers.gateway.lasting import FLOOR_STREAM
from workers.gateway.outgoing.reading import Streams
from workers.gateway.outgoing.sse import MEDIA_TYPE, EventStream
from workers.gateway.pages import AnswersTo

_SUPERVISORS: Final = ["admin", "supervisor"]
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "First `snapshot`, the whole floor; then `changes`, at most twice a second: `calls` that are "
        "new or differ, `gone`, the ids of those that are not on any more, and `totals`. `sequence` counts changes. "
        "A reader that is slow, or comes back, gets a `snapshot`. Of the stream itself are `status` (live, away) and "
        "`bye`.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


class Seen(BaseModel):
    """An alert that somebody has looked at; those of the call before it count as seen, too."""

    model_config = ConfigDict(extra="forbid")

    alert: Annotated[str, Field(min_length=1, max_length=200)]


def floor_of(streams: Streams, quiet_s: float) -> Room:
    """The room, fed by what streams are read from."""
    looks = Looks(Board(quiet_s), streams.hub)

    def add_floor(router: APIRouter, answers_to: AnswersTo) -> None:
        del answers_to
        _add_pages(router, looks)
        _add_stream(router, looks, streams)

    return add_floor


def _add_pages(router: APIRouter, looks: Looks) -> None:
    @router.get(
        "/v1/floor",
        summary="All calls that are on, those that need somebody first",
        tags=["dashboard"],
        operation_id="show_floor",
        response_class=JSONResponse,
        response_model=None,
        responses={200: {"model": Floor}},
        openapi_extra={SCOPES: _SUPERVISORS},
    )
    async def show_floor(request: Request) -> Response:
        tenant_id = principal_of(request.scope).tenant_id
        looks.gather(tenant_id)
        return _json(looks.board.whole(tenant_id, ordered=True))

    @router.post(
        "/v1/floor/calls/{call:path}/seen",
        summary="Somebody has seen an alert: told to all supervisors, for as long as the dashboard runs",
        tags=["dashboard"],
        operation_id="acknowledge_alert",
        response_class=JSONResponse,
        response_model=None,
        responses={200: {"model": Line}},
        openapi_extra={SCOPES: _SUPERVISORS},
    )
    async def acknowledge_alert(
        request: Request, call: Annotated[str, Path(min_length=1, max_length=200)], seen: Seen
    ) -> Response:
        principal = principal_of(request.scope)
        line = looks.board.acknowledge(principal.tenant_id, call, seen.alert, principal.name or principal.id)
        looks.gather(principal.tenant_id)
        return _json(line)


def _add_stream(router: APIRouter, looks: Looks, streams: Streams) -> None:
    @router.get(
        FLOOR_STREAM,
        summary="All calls that are on, as they change",
        tags=["dashboard"],
        operation_id="stream_floor",
        status_code=200,
        response_class=EventStream,
        response_model=None,
        responses=_STREAM,
        openapi_extra={SCOPES: _SUPERVISORS},
    )
    async def stream_floor(
        request: Request,
        last_event_id: Annotated[str | None, Query(description="Not looked at: the floor comes whole")] = None,
    ) -> Response:
        del last_event_id
        principal = principal_of(request.scope)
        return EventStream(streams, principal, looks.open(principal.tenant_id))


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
