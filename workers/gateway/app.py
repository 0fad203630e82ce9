"""The application: its pages, behind the door, within bounds, with every request in the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry

from pipeline.access.principal import READERS
from pipeline.questions.answering import Answers
from pipeline.questions.fields import FIELDS, FieldType
from pipeline.tracing import Tracer
from workers.gateway.access_log import AccessLog, GatewayMeasures
from workers.gateway.auditing import Auditing, add_audit
from workers.gateway.bounds import Bounds, Limits
from workers.gateway.door import (
    OPEN,
    SCOPES,
    Authenticate,
    AuthenticateToken,
    Door,
    GuardedRoute,
    SessionOf,
    asker_of,
)
from workers.gateway.faults import add_handlers
from workers.gateway.incoming.incoming import Incoming
from workers.gateway.incoming.routes import add_incoming
from workers.gateway.openapi import openapi_of
from workers.gateway.outgoing.reading import Streams
from workers.gateway.outgoing.room import add_outgoing
from workers.gateway.pace import AddressPace, KeyPace
from workers.gateway.pages import AnswersFor, AnswersTo, add_question_pages
from workers.gateway.rates import Rates
from workers.gateway.replies import answer_reply
from workers.gateway.tables import AskSql, add_export, add_sql
from workers.gateway.wording import Put, add_wording
from workers.health import Health, Verdict
from workers.tracing.requests import TracedRequests

Room = Callable[[APIRouter, AnswersTo], None]
"""Adds pages, given who answers questions for whoever asks."""
VERSION: Final = "1"
"""Of the interface, as in ``/v1``."""

_NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's own would tell paths, which hold ids of calls, and the words of errors; ours is ``TracedRequests``."""


@dataclass(frozen=True, slots=True)
class KnownField:
    """A field that questions can name, of what it can be asked, and all its values where they are few."""

    name: str
    meaning: str
    type: FieldType
    of: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All that questions can name."""

    items: tuple[KnownField, ...]


def create_app(  # noqa: PLR0913 - its parts, each by name
    answers_for: AnswersFor,
    authenticate: Authenticate,
    *,
    tokens: AuthenticateToken | None = None,
    streams: Streams | None = None,
    incoming: Incoming | None = None,
    put: Put | None = None,
    ask_sql: AskSql | None = None,
    auditing: Auditing | None = None,
    health: Health | None = None,
    limits: Limits | None = None,
    rates: Rates | None = None,
    registry: CollectorRegistry | None = None,
    origins: Sequence[str] = (),
    rooms: Sequence[Room] = (),
    sessions: SessionOf | None = None,
    is_open: Callable[[str], bool] = OPEN.__contains__,
    tracer: Tracer | None = None,
) -> FastAPI:
    """The gateway as an ASGI application.

    Args:
        answers_for: who answers the questions of somebody, of what they may see alone.
        authenticate: whose a key is.
        tokens: whose another bearer token is; where it is not given, all are looked at as keys.
        streams: what streams are made of; where it is not given, there are none.
        incoming: what calls come in with; where it is not given, none do.
        put: makes a question of words; where it is not given, words are refused.
        ask_sql: answers SQL, to who may ask it; likewise.
        auditing: where it is recorded who asks what; where it is not given, nowhere.
        health: what ``/healthz`` and ``/readyz`` say; well and ready, where it is not given.
        limits: what a request may take.
        rates: how often who may ask; where it is not given, nobody is counted.
        registry: where what is measured goes.
        origins: of pages that may ask from a browser, besides the gateway's own.
        rooms: add further pages, which go before those of questions.
        sessions: whose session a request belongs to that brings no key.
        is_open: which paths anybody may read.
        tracer: makes a span of each request; where it is not given, there are none.
    """
    app = FastAPI(
        title="convmine", version=VERSION, docs_url=None, redoc_url=None, openapi_url=None, telemetry=_NO_TELEMETRY
    )
    app.openapi = partial(openapi_of, app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    app.router.route_class = GuardedRoute
    add_handlers(app)
    auditing = auditing or Auditing()
    answers_to = partial(_answers_to, answers_for, auditing)
    if incoming is not None:
        add_incoming(app.router, incoming)
    if streams is not None:
        add_outgoing(app.router, streams, answers_to)
    for add_room in rooms:
        add_room(app.router, answers_to)
    add_question_pages(app.router, answers_to)
    add_wording(app.router, put)
    add_sql(app.router, ask_sql, auditing)
    add_export(app.router, answers_to, auditing)
    add_audit(app.router, auditing)
    _add_vocabulary(app.router)
    _add_open_pages(app, health or Health((), stall_s=0))
    # The last one that is added is the outermost.
    app.add_middleware(Bounds, limits=limits or Limits())
    if rates is not None:
        app.add_middleware(KeyPace, rates=rates)
    tickets = streams.tickets.take if streams else None
    app.add_middleware(
        Door, authenticate=authenticate, tokens=tokens, tickets=tickets, sessions=sessions, is_open=is_open
    )
    if rates is not None:
        app.add_middleware(AddressPace, rates=rates)
    if origins:  # before the door: a browser asks whether it may, and sends no key with that
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID"],
            expose_headers=["ETag", "Link", "Location", "Retry-After", "X-Request-Id"],
        )
    app.add_middleware(AccessLog, measures=GatewayMeasures(registry or CollectorRegistry()))
    if tracer is not None:
        app.add_middleware(TracedRequests, tracer=tracer)
    return app


def _answers_to(answers_for: AnswersFor, auditing: Auditing, request: Request) -> Answers:
    """Who answers a request: of what its key may see, each answer recorded."""
    return auditing.audited(request, answers_for(asker_of(request)))


def _add_vocabulary(router: APIRouter) -> None:
    found = Vocabulary(
        tuple(
            KnownField(one.name, one.meaning, one.type, tuple(one.places), tuple(sorted(one.values)))
            for one in FIELDS.values()
        )
    )

    @router.get(
        "/v1/fields",
        summary="The fields that questions can name",
        tags=["questions"],
        operation_id="list_fields",
        response_class=JSONResponse,
        response_model=None,
        responses={200: {"model": Vocabulary}, 304: {"description": "Still the same (If-None-Match)"}},
        openapi_extra={SCOPES: sorted(READERS)},
    )
    async def fields(request: Request) -> Response:
        return answer_reply(request, found, Vocabulary)


def _add_open_pages(app: FastAPI, health: Health) -> None:
    @app.get("/healthz", summary="Whether the process is well", tags=["health"], response_model=None)
    async def healthz() -> Response:
        return _said(health.live())

    @app.get("/readyz", summary="Whether requests may be sent", tags=["health"], response_model=None)
    async def readyz() -> Response:
        return _said(health.ready())

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return JSONResponse(app.openapi())


def _said(verdict: Verdict) -> Response:
    """One word: the rest stands on the port of the probes."""
    return JSONResponse({"status": verdict.status}, 200 if verdict.healthy else 503, {"Cache-Control": "no-store"})
