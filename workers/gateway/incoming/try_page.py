"""The page on which somebody tries it with a microphone; it says nothing of calls before a key is given."""

from __future__ import annotations

from functools import cache, partial
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response

PAGES: Final = {
    "/try": ("index.html", "text/html; charset=utf-8"),
    "/try/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/try/microphone.js": ("microphone.js", "text/javascript; charset=utf-8"),
    "/try/words.js": ("words.js", "text/javascript; charset=utf-8"),
    "/try/page.css": ("page.css", "text/css; charset=utf-8"),
}
"""Each path with its file and what that is."""
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Only what this gateway serves runs, and it talks to this gateway alone."""


def add_try_page(router: APIRouter) -> None:
    """``GET /try`` and what it consists of."""
    for path, (name, kind) in PAGES.items():
        router.add_api_route(path, partial(_page, name, kind), methods=["GET"], include_in_schema=False)


async def _page(name: str, kind: str) -> Response:
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return Response(_content(name), media_type=kind, headers=headers)


@cache
def _content(name: str) -> bytes:
    return (files("workers.gateway") / "pages_try" / name).read_bytes()
