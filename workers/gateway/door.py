"""The door: without a valid key there is nothing behind it, and each page says which scopes may open it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from fastapi import HTTPException, Request, Response, WebSocket
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.access.principal import Principal, Role
from pipeline.errors import Retryable
from pipeline.questions.asker import Asker
from workers.gateway.lasting import lasts
from workers.gateway.problems import problem, problem_of, wait_s
from workers.gateway.replies import problem_reply

Authenticate = Callable[[str], Principal | None]
"""Whose a bearer token is; None where it is nobody's."""
AuthenticateToken = Callable[[str], Awaitable[Principal | None]]
"""The same of a token that an identity provider signed; ``Retryable`` where that cannot be known at the moment."""
SessionOf = Callable[[Scope], Principal | None]
"""Whose a request is by the cookie of a session; None where it has none that counts for it."""

OPEN: Final = frozenset(
    {
        *("/healthz", "/readyz", "/openapi.json", "/v1/adapters/twilio"),
        *("/try", "/try/page.js", "/try/microphone.js", "/try/words.js", "/try/page.css"),
    }
)
"""Pages that anybody may read: they say nothing of calls. On Twilio's socket its first frames say who it is."""
SCOPES: Final = "x-scopes"
"""The field of an operation in OpenAPI that lists who may use it; one that has none is for nobody."""
_KEY: Final = "cmk_"
"""What keys of ours begin with, and no other token."""

NO_KEY: Final = 4401
"""Close code of a socket that came without a valid key; before the handshake a server answers 403 instead."""
AWAY: Final = 1013
"""Close code of a socket of which it cannot be told at the moment whose it is."""
NOT_ALLOWED: Final = 4403
"""Close code of a socket whose key may not open it."""


class Door:
    """ASGI: who has no valid key gets 401, whatever they ask for; of everybody else it is known who they are.

    Args:
        app: what is behind it.
        authenticate: whose a key is.
        tokens: whose another bearer token is, where an identity provider is trusted.
        tickets: whose the ticket in the query of a stream or a socket is, which is looked at where no header was sent.
        sessions: whose session a request belongs to, where neither was sent.
        is_open: which further paths anybody may read.
    """

    def __init__(  # noqa: PLR0913 - its parts, each by name
        self,
        app: ASGIApp,
        authenticate: Authenticate,
        *,
        tokens: AuthenticateToken | None = None,
        tickets: Authenticate | None = None,
        sessions: SessionOf | None = None,
        is_open: Callable[[str], bool] = OPEN.__contains__,
    ) -> None:
        self._app = app
        self._authenticate = authenticate
        self._tokens = tokens
        self._tickets = tickets
        self._sessions = sessions
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and not self._is_open(scope["path"]):
            try:
                principal = await self._principal(scope)
            except Retryable as error:
                await self._away(error, scope, receive, send)
                return
            if principal is None and scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": NO_KEY, "reason": "no valid key"})
                return
            if principal is None:
                said = problem(401, "no key was sent, or it is not valid", hint="send Authorization: Bearer cmk_…")
                reply = problem_reply(said, headers={"WWW-Authenticate": 'Bearer realm="convmine"'})
                await reply(scope, receive, send)
                return
            scope.setdefault("state", {})["principal"] = principal
        await self._app(scope, receive, send)

    async def _principal(self, scope: Scope) -> Principal | None:
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        if not sent:
            return self._of_ticket(scope) or (self._sessions(scope) if self._sessions else None)
        scheme, _, token = sent[0].decode("latin-1").partition(" ")
        if len(sent) > 1 or scheme.lower() != "bearer":
            return None
        if self._tokens is None or token.strip().startswith(_KEY):
            return self._authenticate(token.strip())
        return await self._tokens(token.strip())

    def _of_ticket(self, scope: Scope) -> Principal | None:
        if self._tickets is None or not lasts(scope):
            return None
        tickets = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=50).get("ticket", [])
        return self._tickets(tickets[0]) if len(tickets) == 1 else None

    @staticmethod
    async def _away(error: Retryable, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": AWAY, "reason": "ask again in a while"})
            return
        await problem_reply(problem_of(error), wait_s=wait_s(error))(scope, receive, send)


class GuardedRoute(APIRoute):
    """A page that refuses who lacks its scopes, before anything of the request is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        if self.path in OPEN:
            return answer
        allowed = frozenset((self.openapi_extra or {}).get(SCOPES, ()))

        async def guarded(request: Request) -> Response:
            if not allowed & principal_of(request.scope).roles:
                raise HTTPException(403, f"this needs a key with one of the scopes {', '.join(sorted(allowed))}")
            return await answer(request)

        return guarded


async def admitted(websocket: WebSocket, allowed: frozenset[Role]) -> Principal | None:
    """Who opens a socket that these scopes may open; anybody else is refused, before the handshake, and it is None."""
    principal = principal_of(websocket.scope)
    if allowed & principal.roles:
        return principal
    await websocket.close(NOT_ALLOWED, f"this needs a key with one of the scopes {', '.join(sorted(allowed))}")
    return None


def principal_of(scope: Mapping[str, Any]) -> Principal:
    """Who asks; the door let nobody else in."""
    principal = scope["state"]["principal"]
    assert isinstance(principal, Principal)
    return principal


def asker_of(request: Request) -> Asker:
    """As whom they ask."""
    asker = principal_of(request.scope).asker
    if asker is None:
        raise HTTPException(403, "this key may not ask questions")
    return asker
