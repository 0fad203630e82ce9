"""Every request in the log and the metrics, without what was asked; headers that each response has."""

from __future__ import annotations

import time
from typing import Final
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.access.principal import Principal
from workers.gateway.problems import problem
from workers.gateway.replies import problem_reply

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SECURITY: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NO_PAGE: Final = "none"

log = structlog.get_logger()


class GatewayMeasures:
    """What the gateway measures; the label ``page`` is the pattern of a path, never a call, an agent or a tenant."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("page", "method")
        self.requests = Counter(
            "convmine_gateway_requests", "Requests by status.", (*labels, "status"), registry=registry
        )
        self.seconds = Histogram(
            "convmine_gateway_seconds", "Seconds of a request.", labels, registry=registry, buckets=_SECONDS
        )
        self.at_work = Gauge("convmine_gateway_at_work", "Requests that are being answered.", registry=registry)


class AccessLog:
    """ASGI: the outermost layer. A fault of ours is logged here and answered with 500, under an id that both have."""

    def __init__(self, app: ASGIApp, measures: GatewayMeasures) -> None:
        self._app = app
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, request_id, status = time.perf_counter(), uuid4().hex, 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in _SECURITY.items():
                    headers.setdefault(name, value)  # a page may have a policy of its own
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id), self._measures.at_work.track_inprogress():
            try:
                await self._app(scope, receive, noted)
            except Exception:
                log.exception("a request failed")
                if status:  # what began cannot be taken back: the connection is cut
                    raise
                said = problem(500, f"the log has it as request {request_id}")
                await problem_reply(said)(scope, receive, noted)
            finally:
                self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        page, method = getattr(scope.get("route"), "path_format", _NO_PAGE), _method(scope["method"])
        self._measures.requests.labels(page, method, str(status)).inc()
        self._measures.seconds.labels(page, method).observe(seconds)
        principal = scope.get("state", {}).get("principal")
        who = {"key": principal.id, "tenant": principal.tenant_id} if isinstance(principal, Principal) else {}
        level = log.debug if page in {"/healthz", "/readyz"} else log.info
        level("request", page=page, method=method, status=status, ms=round(seconds * 1_000, 1), **who)


def _method(method: str) -> str:
    """Those that there are, so that strangers make no labels."""
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
