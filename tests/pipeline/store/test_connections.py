from __future__ import annotations

import asyncio
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from qdrant_client import AsyncQdrantClient
from qdrant_client.http.exceptions import ResponseHandlingException

from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.store.connections import Conflict, Folder, Server


@contextmanager
def answering(
    status: int, headers: dict[str, str] | None = None, body: bytes = b"{}", connected: list[object] | None = None
) -> Iterator[str]:
    """A server that answers everything in one way, and notes who has ``connected``."""

    class Answer(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            if connected is not None:
                connected.append(self.client_address)

        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has in the base class
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


async def error_of(url: str) -> ConvmineError:
    connection = Server(url, timeout_s=2)
    with pytest.raises(ConvmineError) as caught:
        await connection.run(lambda client: client.get_collections())
    await connection.close()
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Config), (403, Config), (400, Poison), (404, Poison), (409, Conflict), (429, Retryable), (503, Retryable)],
)
async def test_each_status_becomes_our_error(status: int, kind: type[ConvmineError]) -> None:
    with answering(status, body=b'{"status":{"error":"because"}}') as url:
        error = await error_of(url)
    assert type(error) is kind
    assert url in error.message


async def test_a_busy_server_says_when_to_come_back() -> None:
    with answering(429, {"Retry-After": "7"}) as url:
        error = await error_of(url)
    assert isinstance(error, Retryable)
    assert error.retry_after_s == 7
    assert error.dependency == "qdrant"


async def test_a_server_that_is_away_is_retryable_and_says_what_to_do() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    error = await error_of(f"http://127.0.0.1:{port}")
    assert isinstance(error, Retryable)
    assert "does not answer" in error.message
    assert "QDRANT_URL" in (error.hint or "")


async def test_an_answer_that_is_not_qdrants_is_retryable() -> None:
    with answering(200, body=b'{"hello": "world", "result": 3}') as url:
        assert isinstance(await error_of(url), Retryable)


@pytest.mark.parametrize("url", ["ftp://localhost", "http://[broken", "http://localhost:notaport"])
async def test_an_address_that_is_no_url_names_the_setting(url: str) -> None:
    error = await error_of(url)
    assert isinstance(error, Config)
    assert error.setting == "CONVMINE_STORE_URL"


async def test_local_mode_works_in_its_own_thread_and_leaves_the_loop_free(tmp_path: Path) -> None:
    connection = Folder(tmp_path)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.005)

    async def slow(client: object) -> str:
        del client
        time.sleep(0.05)  # noqa: ASYNC251 - blocks, as local mode does
        return threading.current_thread().name

    ticking = asyncio.create_task(tick())
    names = await asyncio.gather(connection.run(slow), connection.run(slow))
    ticking.cancel()
    await connection.close()
    assert len(set(names)) == 1
    assert ticks > 5


async def test_requests_go_over_one_connection_also_to_a_server_on_this_machine() -> None:
    connected: list[object] = []
    body = b'{"result":{"collections":[]},"status":"ok","time":0}'
    with answering(200, body=body, connected=connected) as url:
        connection = Server(url, timeout_s=20)
        for _ in range(5):
            await connection.run(lambda client: client.get_collections())
        await connection.close()
    assert len(connected) < 5


async def test_a_connection_that_the_server_has_closed_meanwhile_is_replaced() -> None:
    connected: list[object] = []
    body = b'{"result":{"collections":[]},"status":"ok","time":0}'
    with answering(200, body=body, connected=connected) as url:
        connection, failed = Server(url, timeout_s=20), False

        async def once_closed(client: AsyncQdrantClient) -> object:
            nonlocal failed
            if not failed:
                failed = True
                raise ResponseHandlingException(httpx.ReadError("closed"))
            return await client.get_collections()

        await connection.run(once_closed)
        await connection.close()
    assert len(connected) == 1
