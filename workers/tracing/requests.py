"""Requests to the gateway as spans: each begins a trace of its own, with a link to that of who asks."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.tracing import Tracer, within

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET: Final = frozenset({"/healthz", "/readyz"})
_FAULT: Final = 500


class TracedRequests:
    """ASGI: a span a request, and one for as long as a socket is open.

    What a stranger sends as ``traceparent`` never becomes the parent: that would let anybody choose which traces are
    kept, and write into those of others. It becomes a link. Addresses are told by their pattern alone, as a path may
    hold the id of a call; the query is left out.

    Source of the attributes: OpenTelemetry's conventions for HTTP.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        method = scope.get("method", "GET")
        method = method if method in _METHODS else "_OTHER"
        attributes = {"http.request.method": method, "url.scheme": scope.get("scheme", "http")}
        span = self._tracer.start(method, "server", attributes, link=_traceparent(scope))

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set("http.response.status_code", message["status"])
                if message["status"] >= _FAULT:
                    span.fail(str(message["status"]))
            await send(message)

        with within(span):
            try:
                await self._app(scope, receive, noted)
            finally:
                if page := getattr(scope.get("route"), "path_format", ""):
                    span.call_it(f"{method} {page}")
                    span.set("http.route", page)


def _traceparent(scope: Scope) -> str:
    found = [value for name, value in scope["headers"] if name == b"traceparent"]
    return found[0].decode("latin-1") if len(found) == 1 else ""
