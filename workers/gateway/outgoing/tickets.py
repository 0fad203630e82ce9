"""Tickets: what opens one stream where a key cannot be sent, as browsers send no headers with them.

A ticket says whose it is and until when, signed (HMAC-SHA256, RFC 2104), so that nothing has to be kept of it but that
it was used. An installation of several gateways gives all of them one secret; a ticket then opens at each of them once.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from pipeline.access.principal import Principal, Role
from workers.gateway.door import SCOPES, principal_of

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
        self._secret = sha256((secret or secrets.token_hex(32)).encode()).digest()
        self._now = now
        self._used: dict[str, float] = {}

    def make(self, principal: Principal) -> str:
        """A ticket of theirs."""
        expires_at = principal.expires_at.timestamp() if principal.expires_at else None
        says = {
            "id": principal.id,
            "tenant": principal.tenant_id,
            "scopes": sorted(principal.scopes),
            "name": principal.name,
            "until": expires_at,
            "expires": self._now() + EXPIRES_IN_S,
            "nonce": secrets.token_hex(12),
        }
        body = urlsafe_b64encode(json.dumps(says).encode())
        return (body + b"." + self._signature(body)).decode()

    def take(self, text: str) -> Principal | None:
        """Whose ticket this is; None where it is none, has expired or was used."""
        body, _, signature = text.encode(errors="replace").partition(b".")
        if not hmac.compare_digest(self._signature(body), signature):
            return None
        try:
            says = json.loads(urlsafe_b64decode(body))
        except (NotBase64, ValueError):  # signed by us, it is what we wrote
            return None
        now = self._now()
        self._used = {nonce: expires for nonce, expires in self._used.items() if expires > now}
        if says["expires"] <= now or says["nonce"] in self._used:
            return None
        self._used[says["nonce"]] = says["expires"]
        until = says["until"]
        expires_at = None if until is None else datetime.fromtimestamp(until, UTC)
        return Principal(says["id"], says["tenant"], frozenset(says["scopes"]), says["name"], expires_at)

    def _signature(self, body: bytes) -> bytes:
        return urlsafe_b64encode(hmac.digest(self._secret, body, "sha256"))


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
