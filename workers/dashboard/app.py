"""The dashboard as an application: the gateway's questions and streams, and the pages with what only they ask."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from workers.dashboard.shell import Shell, add_shell, is_open
from workers.gateway.app import Room, create_app
from workers.gateway.auditing import Auditing
from workers.gateway.bounds import Limits
from workers.gateway.outgoing.reading import Streams
from workers.gateway.pages import AnswersFor, AnswersTo
from workers.gateway.rates import Rates
from workers.gateway.tables import AskSql
from workers.gateway.wording import Put
from workers.health import Health


def create_dashboard(  # noqa: PLR0913 - its parts, each by name
    answers_for: AnswersFor,
    shell: Shell,
    *,
    streams: Streams,
    rooms: Sequence[Room] = (),
    put: Put | None = None,
    ask_sql: AskSql | None = None,
    auditing: Auditing | None = None,
    health: Health | None = None,
    limits: Limits | None = None,
    rates: Rates | None = None,
    registry: CollectorRegistry | None = None,
) -> FastAPI:
    """The dashboard as an ASGI application.

    Args:
        answers_for: who answers the questions of somebody, of what they may see alone.
        shell: who may sign in, and the files of the pages.
        streams: what live pages read, and where feedback goes.
        rooms: what single pages ask besides, each added by a function.
        put: makes a question of words; where it is not given, words are refused.
        ask_sql: answers SQL, to who may ask it; likewise.
        auditing: where it is recorded who asks what; where it is not given, nowhere.
        health: what ``/healthz`` and ``/readyz`` say.
        limits: what a request may take.
        rates: how often who may ask; where it is not given, nobody is counted.
        registry: where what is measured goes.
    """

    def add_pages(router: APIRouter, answers_to: AnswersTo) -> None:
        add_shell(router, shell, answers_to)

    return create_app(
        answers_for,
        shell.authenticate,
        tokens=shell.tokens,
        streams=streams,
        put=put,
        ask_sql=ask_sql,
        auditing=auditing,
        health=health,
        limits=limits,
        rates=rates,
        registry=registry,
        rooms=(add_pages, *rooms),
        sessions=shell.sessions.principal,
        is_open=is_open,
    )
