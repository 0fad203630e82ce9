"""Tickets: what opens one stream where a key cannot be sent, as browsers send no headers with them.

A ticket says whose it is and until when, sealed, so that nothing has to be kept of it but that it was used. An
installation of several gateways gives all of them one secret; a ticket then opens at each of them once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from pipeline.access.principal import Principal, Role
from workers.gateway.door import SCOPES, principal_of
from workers.gateway.sealed import Seal

EXPIRES_IN_S: Final = 60
"""Long enough for a page to open its stream, too short to be found in a log and used."""


class Ticket(BaseModel):
    """A ticket, and for how many seconds it opens a stream."""

    ticket: str
    expires_in_s: Annotated[int, Field(examples=[EXPIRES_IN_S])]


class Tickets:
    """Makes tickets and takes them.

    Args:
        secret: signs them; without one, one by chance, so that only this process takes its tickets.
        now: seconds since 1970.
    """

    def __init__(self, secret: str | None = None, now: Callable[[], float] = time.time) -> None:
        self._seal = Seal("ticket", secret, now)
        self._now = now
        self._used: dict[str, float] = {}

    def make(self, principal: Principal) -> str:
        """A ticket of theirs."""
        return self._seal.write(principal, EXPIRES_IN_S)

    def take(self, text: str) -> Principal | None:
        """Whose ticket this is; None where it is none, has expired or was used."""
        sealed, now = self._seal.read(text), self._now()
        self._used = {nonce: expires for nonce, expires in self._used.items() if expires > now}
        if sealed is None or sealed.nonce in self._used:
            return None
        self._used[sealed.nonce] = sealed.expires
        return sealed.principal


def add_tickets(router: APIRouter, tickets: Tickets) -> None:
    """``POST /v1/tickets``."""

    @router.post(
        "/v1/tickets",
        status_code=201,
        summary="A ticket, with which a page opens one stream or socket as ?ticket=…",
        tags=["streams"],
        operation_id="make_ticket",
        response_class=JSONResponse,
        response_model=None,
        responses={201: {"model": Ticket}},
        openapi_extra={SCOPES: sorted(get_args(Role))},
    )
    async def make_ticket(request: Request) -> Response:
        made = Ticket(ticket=tickets.make(principal_of(request.scope)), expires_in_s=EXPIRES_IN_S)
        return Response(made.model_dump_json(), 201, {"Cache-Control": "no-store"}, "application/json")
