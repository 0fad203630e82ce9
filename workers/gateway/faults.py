"""What is raised behind the door, as problems; what only we can mend goes to the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.questions.answering import KINDS
from workers.gateway.problems import WrongValue, problem, problem_of, wait_s
from workers.gateway.replies import problem_reply

_MOST: Final = 20
"""Wrong values that are listed."""
_KINDS: Final = frozenset(kind.model_fields["kind"].default for kind in KINDS)

log = structlog.get_logger()


def add_handlers(app: FastAPI) -> None:
    """Answer with problems whatever the pages of an application raise."""

    @app.exception_handler(ConvmineError)
    async def on_ours(request: Request, error: ConvmineError) -> Response:
        del request
        if isinstance(error, Config | Poison):
            log.error("a request cannot be answered", reason=error.message)
        elif isinstance(error, Retryable):
            log.warning("a request cannot be answered now", dependency=error.dependency, reason=error.message)
        return problem_reply(problem_of(error), wait_s=wait_s(error))

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        del request
        found = error.errors()
        if any(one["type"] == "json_invalid" for one in found):
            return problem_reply(problem(400, "the body is no JSON"))
        errors = tuple(_wrong(one["loc"], one["msg"]) for one in found[:_MOST])
        first = errors[0]
        place = first.parameter or first.pointer
        return problem_reply(problem(422, f"{place}: {first.detail}" if place else first.detail, errors=errors))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        detail = error.detail
        if error.status_code == 404:  # noqa: PLR2004 - HTTP's number
            detail = f"there is no page {request.url.path[:200]}"
        return problem_reply(problem(error.status_code, detail, hint=_hint(error.status_code)), headers=error.headers)


def _hint(status: int) -> str | None:
    return "/openapi.json lists the pages" if status in {404, 405} else None


def _wrong(place: Sequence[Any], detail: str) -> WrongValue:
    where, *rest = place
    if rest and rest[0] in _KINDS:  # pydantic's word for which of the questions it is; in the body it stands nowhere
        rest = rest[1:]
    if where == "body":
        return WrongValue(detail=detail, pointer="".join(f"/{_escaped(str(part))}" for part in rest))
    return WrongValue(detail=detail, parameter=".".join(map(str, rest)))


def _escaped(part: str) -> str:
    """As RFC 6901 writes it."""
    return part.replace("~", "~0").replace("/", "~1")
