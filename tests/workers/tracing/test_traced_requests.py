"""Requests begin traces of their own, whatever a stranger sends, and say no address and no query."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import httpx
from fastapi import FastAPI, Response, WebSocket
from starlette.testclient import TestClient
from traced import Traced, traced_into

from pipeline.tracing import current
from workers.tracing.requests import TracedRequests

THEIRS: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def app_of(traced: Traced) -> FastAPI:
    app = FastAPI()

    @app.get("/calls/{call_id}", response_model=None)
    async def call(call_id: str) -> Response:
        if call_id == "broken":
            raise KeyError(call_id)
        return Response(current().traceparent, 503 if call_id == "away" else 200)

    @app.get("/healthz")
    async def well() -> str:
        return current().traceparent

    @app.websocket("/calls/{call_id}/audio")
    async def audio(websocket: WebSocket, call_id: str) -> None:
        del call_id
        await websocket.accept()
        await websocket.send_text(current().traceparent)
        await websocket.close()

    app.add_middleware(TracedRequests, tracer=traced.tracer)
    return app


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def test_a_request_begins_a_trace_with_a_link_to_its_callers(tmp_path: Path) -> None:
    with traced_into(tmp_path) as traced:
        async with client_of(app_of(traced)) as client:
            inside = (await client.get("/calls/secret-call?who=ann", headers={"traceparent": THEIRS})).text
    (span,) = traced.spans
    assert span.name == "GET /calls/{call_id}"
    assert span.attributes == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "http.route": "/calls/{call_id}",
        "http.response.status_code": 200,
    }
    assert inside.split("-")[1:3] == [span.trace_id, span.span_id]
    assert span.trace_id != THEIRS.split("-")[1]
    assert [link["span_id"] for link in span.links] == [THEIRS.split("-")[2]]
    assert "ann" not in traced.file.read_text()


async def test_a_stranger_cannot_have_a_trace_kept_that_we_do_not_keep(tmp_path: Path) -> None:
    with traced_into(tmp_path, sample_ratio=0.0) as traced:
        async with client_of(app_of(traced)) as client:
            inside = (await client.get("/calls/1", headers={"traceparent": THEIRS})).text
    assert int(inside.split("-")[3], 16) % 2 == 0
    assert traced.spans == []


async def test_faults_are_marked_and_refusals_are_not(tmp_path: Path) -> None:
    with traced_into(tmp_path) as traced:
        async with client_of(app_of(traced)) as client:
            for path in ("/calls/away", "/calls/broken", "/nowhere"):
                await client.get(path)
            await client.request("BREW", "/calls/1")
    assert [(span.name, span.failed) for span in traced.spans] == [
        ("GET /calls/{call_id}", True),
        ("GET /calls/{call_id}", True),
        ("GET", False),
        ("_OTHER /calls/{call_id}", False),
    ]


async def test_probes_leave_no_trace(tmp_path: Path) -> None:
    with traced_into(tmp_path) as traced:
        async with client_of(app_of(traced)) as client:
            assert (await client.get("/healthz")).json() == ""
    assert traced.spans == []


def test_a_socket_is_one_span_for_as_long_as_it_is_open(tmp_path: Path) -> None:
    with traced_into(tmp_path) as traced, TestClient(app_of(traced)).websocket_connect("/calls/1/audio") as socket:
        inside = socket.receive_text()
    (span,) = traced.spans
    assert (span.name, span.span_id) == ("GET /calls/{call_id}/audio", inside.split("-")[2])
