"""The pages on which a telephone system tells the life of a call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from pipeline.ids import stable_id
from schemas.call import CallEnded, CallOutcome
from workers.gateway.door import SCOPES, principal_of
from workers.gateway.incoming import lives
from workers.gateway.incoming.events import event_record
from workers.gateway.incoming.incoming import PUBLISHERS, Incoming
from workers.gateway.incoming.requests import At, CallPath, Facts, Key, NewCall, NewOutcome, Taken, TheEnd, told_by
from workers.gateway.incoming.session import Session, now_ms

PAGE: Final[dict[str, Any]] = {
    "tags": ["calls coming in"],
    "response_class": JSONResponse,
    "response_model": None,
    "openapi_extra": {SCOPES: sorted(PUBLISHERS)},
}
"""What all pages of this room have."""


def taken(status: int, answer: Taken, location: str | None = None) -> Response:
    """Kafka has it, and this is what became of it."""
    headers = {"Cache-Control": "no-store", **({} if location is None else {"Location": location})}
    return Response(answer.model_dump_json(exclude_none=True), status, headers, "application/json")


def add_calls(router: APIRouter, incoming: Incoming) -> None:
    """``POST /v1/calls`` and what happens to a call then."""
    _add_start(router, incoming)
    _add_holds(router, incoming)
    _add_end(router, incoming)
    _add_outcome(router, incoming)


def _add_start(router: APIRouter, incoming: Incoming) -> None:
    @router.post("/v1/calls", summary="A call has begun", operation_id="start_call", responses=_answers(201), **PAGE)
    async def start_call(request: Request, said: NewCall, key: Key = None) -> Response:
        call_id = said.call_id or (uuid4().hex if key is None else stable_id("call", _tenant(request), key))
        session = incoming.session(request, call_id)
        session.medium = said.medium
        await lives.start(session, said.facts(), said.channels, told_by(key, said))
        return taken(201, Taken(call_id=call_id), f"/v1/calls/{quote(call_id, safe='')}")

    @router.post(
        "/v1/calls/{call_id}/update",
        summary="Facts of a call became known",
        operation_id="update_call",
        responses=_answers(200),
        **PAGE,
    )
    async def update_call(request: Request, call_id: CallPath, said: Facts, key: Key = None) -> Response:
        await lives.update(incoming.session(request, call_id), said.facts(), told_by(key, said))
        return taken(200, Taken(call_id=call_id))


def _add_holds(router: APIRouter, incoming: Incoming) -> None:
    @router.post(
        "/v1/calls/{call_id}/hold",
        summary="The call was put on hold",
        operation_id="hold_call",
        responses=_answers(200),
        **PAGE,
    )
    async def hold_call(request: Request, call_id: CallPath, said: At | None = None, key: Key = None) -> Response:
        session, said = incoming.session(request, call_id), said or At()
        at_ms = await lives.hold(session, _at_ms(session, said), key)
        return taken(200, Taken(call_id=call_id, at_ms=at_ms))

    @router.post(
        "/v1/calls/{call_id}/resume",
        summary="The call came back from hold",
        operation_id="resume_call",
        responses=_answers(200),
        **PAGE,
    )
    async def resume_call(request: Request, call_id: CallPath, said: At | None = None, key: Key = None) -> Response:
        session, said = incoming.session(request, call_id), said or At()
        at_ms = await lives.resume(session, _at_ms(session, said), key)
        return taken(200, Taken(call_id=call_id, at_ms=at_ms))


def _add_end(router: APIRouter, incoming: Incoming) -> None:
    @router.post(
        "/v1/calls/{call_id}/end", summary="The call is over", operation_id="end_call", responses=_answers(200), **PAGE
    )
    async def end_call(request: Request, call_id: CallPath, said: TheEnd | None = None, key: Key = None) -> Response:
        said = said or TheEnd()
        told = told_by(key, said)
        if incoming.sessions.ended_by(_tenant(request), call_id) == told:  # the same request, whose answer was lost
            return taken(200, Taken(call_id=call_id))
        session = incoming.session(request, call_id)
        if said.medium is not None:
            session.medium = said.medium
        duration_ms = session.at_ms(now_ms()) if said.duration_ms is None else said.duration_ms
        event = CallEnded(call_id=call_id, duration_ms=duration_ms, reason=said.reason)
        await lives.end(incoming.sessions, session, event, told)
        return taken(200, Taken(call_id=call_id, at_ms=duration_ms))


def _add_outcome(router: APIRouter, incoming: Incoming) -> None:
    @router.post(
        "/v1/calls/{call_id}/outcome",
        summary="How the call ended, as it was observed",
        operation_id="tell_outcome",
        responses=_answers(201),
        **PAGE,
    )
    async def tell_outcome(request: Request, call_id: CallPath, said: NewOutcome, key: Key = None) -> Response:
        now = datetime.now(UTC)
        event = CallOutcome(
            call_id=call_id,
            name=said.name,
            result=said.result,
            observed_at=said.observed_at or now,
            observed_by=said.observed_by,
        )
        record = event_record(event, tenant_id=_tenant(request), time=now, told_by=told_by(key, said), medium="voice")
        await incoming.publish(record)
        return taken(201, Taken(call_id=call_id))


def _answers(status: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Taken}, 409: {"description": "The call has ended"}}


def _tenant(request: Request) -> str:
    return principal_of(request.scope).tenant_id


def _at_ms(session: Session, said: At) -> int:
    at_ms = session.at_ms(now_ms()) if said.at_ms is None else said.at_ms
    if at_ms is None:
        raise HTTPException(422, "at_ms is needed: this gateway does not know when the call started")
    return at_ms
