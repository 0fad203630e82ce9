"""An OpenAI-compatible chat server for tests: real HTTP on a free port, one scripted step a request."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# The longest that a hanging answer is kept open, should a test not close its client.
_HANG_S = 30.0


@dataclass(frozen=True)
class Say:
    """A completion with this text; for invalid JSON and wrong schemas simply another text."""

    text: str | None
    finish_reason: str = "stop"
    refusal: str | None = None


@dataclass(frozen=True)
class Fail:
    """An HTTP error."""

    status: int
    message: str = "scripted failure"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """A body that is no completion, as it is."""

    body: bytes
    status: int = 200


@dataclass(frozen=True)
class Hang:
    """No answer, until the server is stopped."""


@dataclass(frozen=True)
class OnlyFormats:
    """Answers ``text`` if the response format is one of these, otherwise 400; None is no format at all."""

    formats: tuple[str | None, ...]
    text: str


Step = Say | Fail | Raw | Hang | OnlyFormats


class LlmServer:
    """What the server was asked, and where it is; the last step of the script answers all further requests."""

    def __init__(self, script: Sequence[Step], port: int, stopped: threading.Event) -> None:
        self._script = list(script)
        self._lock = threading.Lock()
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.stopped = stopped

    def next_step(self, request: dict[str, Any], key: str) -> Step:
        """The step that answers this request."""
        with self._lock:
            self.requests.append(request)
            self.keys.append(key)
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]


@contextmanager
def llm_server(*script: Step) -> Iterator[LlmServer]:
    """A running server that is stopped at the end."""
    stopped = threading.Event()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.daemon_threads = True
    server = LlmServer(script, http.server_address[1], stopped)
    http.llm = server  # type: ignore[attr-defined]  # the handler's only way to its server
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        stopped.set()
        http.shutdown()
        thread.join()
        http.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        llm: LlmServer = self.server.llm  # type: ignore[attr-defined]  # set in llm_server
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        match llm.next_step(request, self.headers.get("authorization", "")):
            case Hang():
                llm.stopped.wait(_HANG_S)
                self.close_connection = True
            case Fail(status, message, headers):
                self._send(status, {"error": {"message": message}}, headers)
            case Raw(body, status):
                self._send_bytes(status, body, {})
            case Say(text, finish_reason, refusal):
                self._send(200, completion(request, text, finish_reason, refusal), {})
            case OnlyFormats(formats, text):
                asked = request.get("response_format", {}).get("type")
                if asked in formats:
                    self._send(200, completion(request, text), {})
                else:
                    self._send(400, {"error": {"message": f"response_format {asked} is not supported"}}, {})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Say nothing."""

    def _send(self, status: int, body: object, headers: Mapping[str, str]) -> None:
        self._send_bytes(status, json.dumps(body).encode(), headers)

    def _send_bytes(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def completion(
    request: Mapping[str, Any], text: str | None, finish_reason: str = "stop", refusal: str | None = None
) -> dict[str, Any]:
    """A chat completion as OpenAI writes it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": text, "refusal": refusal},
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }
