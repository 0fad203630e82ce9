"""``/healthz``, ``/readyz`` and ``/metrics``, on threads of their own: they answer when the event loop does not."""

from __future__ import annotations

import errno
import json
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

from pipeline.errors import Config
from pipeline.settings import RuntimeSettings
from workers.health import Health, Verdict

CLIENT_S: Final = 5.0
"""Seconds that a client may keep us waiting; then its connection is closed."""
_JSON: Final = "application/json; charset=utf-8"
_TEXT: Final = "text/plain; charset=utf-8"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    status: HTTPStatus
    content_type: str
    body: bytes


Pages = Mapping[str, Callable[[], Answer]]


@contextmanager
def serve_probes(
    host: str, port: int, health: Health, registry: CollectorRegistry, *, client_s: float = CLIENT_S
) -> Iterator[tuple[str, int]]:
    """Serve until the block is left; gives the address that is listened on.

    Args:
        host: name or address, IPv4 or IPv6.
        port: 0 for a free one.
        health: asked on every request.
        registry: what ``/metrics`` shows.
        client_s: seconds that a client may keep us waiting.

    Raises:
        Config: the address cannot be listened on.
    """
    pages: Pages = {
        "/healthz": lambda: _verdict(health.live()),
        "/readyz": lambda: _verdict(health.ready()),
        "/metrics": lambda: Answer(HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(registry)),
    }
    with _listening(host, port, pages, client_s) as server:
        threading.Thread(target=partial(server.serve_forever, poll_interval=0.1), name="probes", daemon=True).start()
        try:
            address, number = server.server_address[:2]
            log.info("probes served", host=address, port=number, pages=sorted(pages))
            yield str(address), int(number)
        finally:
            server.shutdown()


def probes_of(
    settings: RuntimeSettings, health: Health, registry: CollectorRegistry
) -> AbstractContextManager[tuple[str, int] | None]:
    """The same where the settings name a port; where they name none, nobody listens."""
    if settings.http_port is None:
        return nullcontext()
    return serve_probes(settings.http_host, settings.http_port, health, registry)


def _verdict(verdict: Verdict) -> Answer:
    status = HTTPStatus.OK if verdict.healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, _JSON, json.dumps(verdict.report, ensure_ascii=False).encode() + b"\n")


def _listening(host: str, port: int, pages: Pages, client_s: float) -> _Server:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return _Server(family, (str(address[0]), port), partial(_Request, pages, client_s))
    except OSError as error:
        ours = error.errno in {errno.EADDRINUSE, errno.EACCES}
        variable = "CONVMINE_RUNTIME_HTTP_PORT" if ours else "CONVMINE_RUNTIME_HTTP_HOST"
        raise Config(variable, f"cannot listen on {host}:{port}: {error.strerror or error}") from error


class _Server(socketserver.ThreadingTCPServer):
    """A thread a connection, so that a client that hangs keeps nobody else waiting."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True  # a port that was just left can be listened on; one that is in use cannot

    def __init__(
        self, family: socket.AddressFamily, address: tuple[str, int], request: Callable[..., _Request]
    ) -> None:
        self.address_family = family
        super().__init__(address, request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left or hung is no news; the default prints a traceback."""
        del request
        error = sys.exception()
        if isinstance(error, OSError):
            log.debug("a probe's client left", client=client_address, reason=str(error))
        else:
            log.error("a probe failed", client=client_address, exc_info=error)


class _Request(BaseHTTPRequestHandler):
    """One request a connection (HTTP/1.0, the default of the standard library)."""

    def __init__(self, pages: Pages, client_s: float, *rest: object) -> None:
        self._pages = pages
        self._client_s = client_s
        super().__init__(*rest)  # type: ignore[arg-type]  # what socketserver gives every handler

    def setup(self) -> None:
        """Keep a client from holding its thread for ever."""
        self.request.settimeout(self._client_s)
        super().setup()

    def do_GET(self) -> None:
        page = self._pages.get(self.path.partition("?")[0])
        if page is None:
            self._send(Answer(HTTPStatus.NOT_FOUND, _TEXT, f"there is {', '.join(sorted(self._pages))}\n".encode()))
        else:
            self._send(page())

    def do_POST(self) -> None:
        self._send(Answer(HTTPStatus.METHOD_NOT_ALLOWED, _TEXT, b"use GET or HEAD\n"), allow="GET, HEAD")

    do_HEAD = do_GET  # noqa: N815 - the names that http.server calls
    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST  # noqa: N815 - likewise

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        """Say nothing: probes come every few seconds."""

    def _send(self, answer: Answer, *, allow: str | None = None) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        if allow is not None:
            self.send_header("Allow", allow)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
