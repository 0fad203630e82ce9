"""The page itself, its parts, who one is, and signing in and out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, ValidationError
from pydantic import Field as Checked

from pipeline.access.principal import READERS, Principal
from pipeline.questions.question import ShowCall
from pipeline.store.known import Unknown
from workers.dashboard.files import KINDS, SECURITY, Pages, load_pages
from workers.dashboard.oidc import CALLBACK, START, NotSignedIn, OidcSignIn
from workers.dashboard.sessions import Sessions
from workers.gateway.door import OPEN, SCOPES, Authenticate, AuthenticateToken, principal_of
from workers.gateway.pages import AnswersTo
from workers.gateway.problems import problem
from workers.gateway.replies import problem_reply

PATHS: Final = ("/", "/desk", "/floor", "/insights", "/operations", "/workbench", "/sign-in")
"""All of them are the one page, which shows what its path says."""
SESSION: Final = "/session"
_KEPT: Final = "public, max-age=31536000, immutable"
_LARGEST: Final = 10_000
"""Bytes of what somebody signs in with."""


def is_open(path: str) -> bool:
    """Whether anybody may read this path: the empty page says nothing of calls."""
    return path in OPEN or path in PATHS or path == SESSION or path.startswith(("/assets/", "/calls/", "/sign-in/"))


class SignIn(BaseModel):
    """What somebody signs in with."""

    key: Annotated[str, Checked(min_length=1, max_length=8_000)]


@dataclass(frozen=True, slots=True)
class Me:
    """Who is signed in: tenant, roles, and which agent's calls are theirs; ``quiet_s`` is a setting of the floor."""

    name: str
    tenant: str
    roles: tuple[str, ...]
    agent: str | None
    version: str
    quiet_s: float


@dataclass(frozen=True, slots=True)
class Shell:
    """What signing in needs; ``provider`` is where people may sign in besides."""

    sessions: Sessions
    authenticate: Authenticate
    tokens: AuthenticateToken | None = None
    pages: Pages = field(default_factory=load_pages)
    quiet_s: float = 15.0
    provider: OidcSignIn | None = None


def add_shell(router: APIRouter, shell: Shell, answers_to: AnswersTo) -> None:
    """``/`` and what belongs to it; ``/v1/me``; ``POST`` and ``DELETE /session``."""

    async def page(request: Request) -> Response:
        return _page(shell.pages, request)

    async def call_page(request: Request) -> Response:
        principal = shell.sessions.principal(request.scope)
        if principal is None:
            return _page(shell.pages, request)
        request.scope.setdefault("state", {})["principal"] = principal
        try:
            await answers_to(request).answer(ShowCall(call=request.path_params["call"]))
        except (Unknown, ValidationError):  # the same for another's as for none: nobody learns which
            return _page(shell.pages, request, 403)
        return _page(shell.pages, request)

    async def part(request: Request) -> Response:
        found = shell.pages.parts.get(request.path_params["name"])
        if found is None or request.path_params["version"] != shell.pages.version:
            return Response(status_code=404, headers={"Cache-Control": "no-store"})
        kind = KINDS[request.path_params["name"].rpartition(".")[2]]
        return Response(found, media_type=kind, headers={**SECURITY, "Cache-Control": _KEPT})

    async def sign_in(request: Request) -> Response:
        return await _sign_in(request, shell)

    async def sign_out(request: Request) -> Response:
        secure = shell.sessions.is_secure(request.scope)
        return Response(status_code=204, headers={"Set-Cookie": shell.sessions.ended(secure=secure)})

    for path in PATHS:
        router.add_route(path, page, methods=["GET"], include_in_schema=False)
    router.add_route("/calls/{call:path}", call_page, methods=["GET"], include_in_schema=False)
    router.add_route("/assets/{version}/{name:path}", part, methods=["GET"], include_in_schema=False)
    router.add_route(SESSION, sign_in, methods=["POST"], include_in_schema=False)
    router.add_route(SESSION, sign_out, methods=["DELETE"], include_in_schema=False)
    _add_ways(router, shell)
    _add_me(router, shell)


def enter(sessions: Sessions, principal: Principal, request: Request, to: str = "/") -> Response:
    """Begin a session, and go to a page."""
    cookie = sessions.cookie(principal, secure=sessions.is_secure(request.scope))
    return RedirectResponse(to, 303, {"Set-Cookie": cookie, "Cache-Control": "no-store"})


def _add_ways(router: APIRouter, shell: Shell) -> None:
    """Signing in elsewhere: ``/sign-in/ways`` says where, and what goes wrong is told by the page in its own words."""

    async def ways(request: Request) -> Response:
        del request
        found = [{"path": START, "title": shell.provider.title}] if shell.provider else []
        return JSONResponse({"ways": found}, headers={"Cache-Control": "no-store"})

    async def start(request: Request) -> Response:
        if shell.provider is None:
            return problem_reply(problem(404, "nobody signs in elsewhere"))
        try:
            return await shell.provider.start(request, secure=shell.sessions.is_secure(request.scope))
        except NotSignedIn as error:
            return _failed(error)

    async def callback(request: Request) -> Response:
        if shell.provider is None:
            return problem_reply(problem(404, "nobody signs in elsewhere"))
        try:
            reply = enter(shell.sessions, await shell.provider.finish(request), request)
        except NotSignedIn as error:
            reply = _failed(error)
            if error.why == "stale":  # the one that was begun here may still come back
                return reply
        reply.headers.append("Set-Cookie", shell.provider.over(secure=shell.sessions.is_secure(request.scope)))
        return reply

    for path, answer in (("/sign-in/ways", ways), (START, start), (CALLBACK, callback)):
        router.add_route(path, answer, methods=["GET"], include_in_schema=False)


def _failed(error: NotSignedIn) -> Response:
    return RedirectResponse(f"/sign-in?failed={error.why}", 303, {"Cache-Control": "no-store"})


def _page(pages: Pages, request: Request, status: int = 200) -> Response:
    return Response(pages.page(request.url.path), status, {**SECURITY, "Cache-Control": "no-cache"}, KINDS["html"])


async def _sign_in(request: Request, shell: Shell) -> Response:
    body = bytearray()
    async for some in request.stream():
        body += some
        if len(body) > _LARGEST:
            return problem_reply(problem(413, "that is too long for a key"))
    try:
        key = SignIn.model_validate_json(bytes(body)).key
    except ValidationError:
        return problem_reply(problem(422, "a key is missing", hint='send {"key": "cmk_…"}'))
    principal = shell.authenticate(key.strip())
    if principal is None and shell.tokens is not None and not key.startswith("cmk_"):
        principal = await shell.tokens(key.strip())
    if principal is None or not principal.roles & READERS:
        return problem_reply(problem(401, "no key was sent, or it is not valid for these pages"))
    cookie = shell.sessions.cookie(principal, secure=shell.sessions.is_secure(request.scope))
    return Response(status_code=204, headers={"Set-Cookie": cookie, "Cache-Control": "no-store"})


def _add_me(router: APIRouter, shell: Shell) -> None:
    @router.get(
        "/v1/me",
        summary="Who is signed in",
        tags=["dashboard"],
        operation_id="show_me",
        response_class=JSONResponse,
        response_model=None,
        responses={200: {"model": Me}},
        openapi_extra={SCOPES: sorted(READERS)},
    )
    async def me(request: Request) -> Response:
        return JSONResponse(asdict(_me(principal_of(request.scope), shell)), headers={"Cache-Control": "no-store"})


def _me(principal: Principal, shell: Shell) -> Me:
    name, roles = principal.name or principal.id, tuple(sorted(principal.roles))
    return Me(name, principal.tenant_id, roles, principal.agent, shell.pages.version, shell.quiet_s)
