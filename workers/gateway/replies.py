"""Responses: answers with their ETags and the way to the next page, and problems."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import TypeAdapter

from workers.gateway.problems import MEDIA_TYPE, Problem

_PRIVATE: Final = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
_LONGEST_LINK: Final = 4_000
"""Characters; servers and proxies allow 8 KiB of headers, and a mark can be longer. The body has it in any case."""


@cache
def adapter_of(answers: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a type, as KINDS has it
    """Writes and reads the answers of one type."""
    return TypeAdapter(answers)


def answer_reply(request: Request, answer: Any, answers: Any) -> Response:  # noqa: ANN401 - an answer and its type
    """An answer; to who has it already (``If-None-Match`` of a GET, RFC 9110 13.1.2) only that it is still the same."""
    body = adapter_of(answers).dump_json(answer)
    headers = {**_PRIVATE, **_link(request, getattr(answer, "next", None))}
    if request.method != "GET":
        return Response(body, media_type="application/json", headers=headers)
    etag = f'W/"{sha256(body).hexdigest()[:32]}"'
    headers["ETag"] = etag
    if _has(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def problem_reply(problem: Problem, *, wait_s: int | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """A problem; with ``wait_s``, after how many seconds to ask again."""
    wait = {} if wait_s is None else {"Retry-After": str(wait_s)}
    return Response(
        problem.model_dump_json(exclude_none=True),
        problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **wait, **(headers or {})},
    )


def _link(request: Request, following: str | None) -> dict[str, str]:
    """The next page (RFC 8288), as a reference that any proxy before us leaves right."""
    if request.method != "GET" or following is None:
        return {}
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    link = f'<?{urlencode([*asked, ("after", following)])}>; rel="next"'
    return {"Link": link} if len(link) <= _LONGEST_LINK else {}


def _has(if_none_match: str, etag: str) -> bool:
    """Whether one of the tags is this one, by the weak comparison."""
    opaque = etag.removeprefix("W/")
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or opaque in tags
