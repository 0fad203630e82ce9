"""The door: without a valid key there is nothing behind it, and each page says which scopes may open it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.access.principal import Principal
from pipeline.questions.asker import Asker
from workers.gateway.problems import problem
from workers.gateway.replies import problem_reply

Authenticate = Callable[[str], Principal | None]
"""Whose a bearer token is; None where it is nobody's."""

OPEN: Final = frozenset({"/healthz", "/readyz", "/openapi.json"})
"""Pages that anybody may read: they say nothing of calls."""
SCOPES: Final = "x-scopes"
"""The field of an operation in OpenAPI that lists who may use it; one that has none is for nobody."""


class Door:
    """ASGI: who has no valid key gets 401, whatever they ask for; of everybody else it is known who they are."""

    def __init__(self, app: ASGIApp, authenticate: Authenticate) -> None:
        self._app = app
        self._authenticate = authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN:
            principal = self._principal(scope)
            if principal is None:
                said = problem(401, "no key was sent, or it is not valid", hint="send Authorization: Bearer cmk_…")
                reply = problem_reply(said, headers={"WWW-Authenticate": 'Bearer realm="convmine"'})
                await reply(scope, receive, send)
                return
            scope.setdefault("state", {})["principal"] = principal
        await self._app(scope, receive, send)

    def _principal(self, scope: Scope) -> Principal | None:
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(sent) != 1:
            return None
        scheme, _, token = sent[0].decode("latin-1").partition(" ")
        return self._authenticate(token.strip()) if scheme.lower() == "bearer" else None


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
