"""Each limit of what the gateway is sent and asked, by the words of docs/limits.md."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import httpx
from gateway_app import client_of, made_gateway
from listeners import gateway
from pydantic import ValidationError
from websockets.exceptions import ConnectionClosed

from pipeline.access.oidc import LONGEST, NoToken, key_of
from pipeline.errors import ConvmineError
from pipeline.export.sql import BadStatement, SqlAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.question import Query, Search
from pipeline.settings import AnalyticsSettings, AudioSettings
from pipeline.testing import InMemoryStore
from schemas.wire import CallFacts
from workers.gateway.bounds import Limits
from workers.gateway.outgoing.parameters import Sought
from workers.gateway.wording import Words
from workers.mcp.quoting import quoted

Check = Callable[[int, Path], Coroutine[Any, Any, tuple[object, object]]]
"""Given a limit and a folder: what is said of something that large, and of one more."""
CALL: Final = "/v1/calls/c1"


def _posted(path: str, body: Callable[[int], Any], **given: Any) -> Check:
    """The statuses of two requests with JSON."""

    async def check(limit: int, folder: Path) -> tuple[object, object]:
        async with gateway(folder, listens=False) as on:
            return _statuses([await on.post(path, body(size), **given) for size in (limit, limit + 1)])

    return check


def _statuses(answers: list[httpx.Response]) -> tuple[object, object]:
    at, over = (one.status_code for one in answers)
    return ("taken" if at in {200, 201} else at), over


def _built(make: Callable[[int], object]) -> Check:
    """A question that the gateway reads from what it is sent; what is invalid is answered with 422."""

    async def check(limit: int, _: Path) -> tuple[object, object]:
        said: list[object] = []
        for size in (limit, limit + 1):
            try:
                make(size)
                said.append("taken")
            except (ValidationError, BadStatement):
                said.append(422)
        return said[0], said[1]

    return check


async def _head(limit: int, folder: Path) -> tuple[object, object]:
    """What comes with one read is not counted, so that the least that is sure to be refused is some reads more."""
    said = list[object]()
    async with gateway(folder) as on:
        for size in (limit - 1_000, 16 * limit):
            async with httpx.AsyncClient() as client:
                try:
                    status = (await client.get(f"{on.url}/healthz", headers={"x": "x" * size})).status_code
                except httpx.TransportError:  # it is closed while the rest is on its way
                    status = 400
                said.append("taken" if status == 200 else status)
    return said[0], said[1]


async def _body(limit: int, folder: Path) -> tuple[object, object]:
    del folder
    assert Limits().max_body_bytes == limit
    async with client_of(made_gateway(InMemoryStore())) as client:
        start = b'{"kind":"search","text":"x"}'
        headers = {"Content-Type": "application/json"}
        bodies = [start.ljust(size) for size in (limit, limit + 1)]
        sent = [await client.post("/v1/questions", content=one, headers=headers) for one in bodies]
    return _statuses(sent)


async def _upload(limit: int, folder: Path) -> tuple[object, object]:
    async with gateway(folder, listens=False) as on:
        assert AudioSettings().max_bytes == limit
        most = on.incoming.max_upload_bytes  # a smaller one here
        headers = {"Content-Type": "audio/wav"}
        sizes = [b"x" * size for size in (most, most + 1)]
        return _statuses([await on.post(f"{CALL}/recordings", content=one, headers=headers) for one in sizes])


async def _token(limit: int, _: Path) -> tuple[object, object]:
    """Nobody has a key so long: what is looked at is told from what is not by what is said of it."""
    assert limit == LONGEST
    said = list[object]()
    for size in (limit, limit + 1):
        try:
            key_of("x" * size, ())
        except NoToken as error:
            said.append(401 if "long" in str(error) else "taken")
    return said[0], said[1]


async def _frame(limit: int, folder: Path) -> tuple[object, object]:
    return await _closed(folder, bytes(limit), bytes(limit + 1))


async def _control(limit: int, folder: Path) -> tuple[object, object]:
    text = '{"type":"update","call":{}}'
    return await _closed(folder, text.ljust(limit), text.ljust(limit + 1))


async def _closed(folder: Path, *frames: str | bytes) -> tuple[object, object]:
    said: list[object] = []
    async with gateway(folder) as on:
        for number, frame in enumerate(frames):
            path = f"/v1/calls/c{number}/audio?encoding=L16&rate=16000&roles=agent,customer"
            async with on.socket(path) as socket:
                await socket.recv()
                try:
                    await socket.send(frame)
                    async with asyncio.timeout(10):
                        while json.loads(await socket.recv())["type"] == "error":
                            pass
                    said.append("taken")
                except ConnectionClosed as error:
                    said.append(error.rcvd.code if error.rcvd else None)
    return said[0], said[1]


async def _sql(limit: int, folder: Path) -> tuple[object, object]:
    answers = SqlAnswers(AnalyticsSettings(path=folder))
    said: list[object] = []
    for size in (limit, limit + 1):
        try:
            await answers.sql(Asker("acme"), "SELECT 1".ljust(size), None)
            said.append("taken")
        except BadStatement as error:
            said.append(422 if "at most" in error.message else "taken")
        except ConvmineError:
            said.append("taken")  # nothing was exported here
    return said[0], said[1]


async def _told(limit: int, _: Path) -> tuple[object, object]:
    """An answer of so many characters of JSON, and of one more; what is cut is rows."""
    rows = ["y" * 3_900] * 15
    rest = limit - len(json.dumps({"items": [*rows, ""]}))
    return _cut(*[quoted({"items": [*rows, "x" * size]}) for size in (rest, rest + 1)])


async def _text(limit: int, _: Path) -> tuple[object, object]:
    return _cut(*[quoted({"text": "x" * size}) for size in (limit, limit + 1)])


def _cut(*answers: tuple[Any, tuple[str, ...]]) -> tuple[object, object]:
    at, over = ("cut, and said so" if cuts else "taken" for _, cuts in answers)
    return at, over


async def _key(limit: int, folder: Path) -> tuple[object, object]:
    async with gateway(folder, listens=False) as on:
        headers = [{"Idempotency-Key": "x" * size} for size in (limit, limit + 1)]
        return _statuses([await on.post("/v1/calls", {"agent": "ann"}, headers=one) for one in headers])


def _facts(count: int) -> dict[str, object]:
    """So many of what may be said of a call, and what may not be said beyond that."""
    given = {
        **dict.fromkeys(("agent", "team", "queue", "campaign", "customer_id", "scenario"), "x"),
        "language": "en",
        "direction": "inbound",
        "consent": True,
        "started_at": "2026-03-02T09:30:00Z",
    }
    assert set(given) == set(CallFacts.model_fields)
    return dict([*given.items(), *((f"more-{number}", "x") for number in range(99))][:count])


def _where(conditions: int = 1, values: int = 1, length: int = 1) -> Search:
    named = [{"field": "agent", "values": ["x" * length] * values}] * conditions
    return Search.model_validate({"text": "x", "where": named})


REQUESTS: Final[dict[str, Check]] = {
    "Head of a request: its line and its headers": _head,
    "Body of a request": _body,
    "Recording that is uploaded": _upload,
    "Key or token": _token,
    "`Idempotency-Key`": _key,
    "Id of a call": _posted("/v1/calls", lambda size: {"call_id": "x" * size}),
    "Each fact of a call: agent, team, queue, campaign, customer, scenario": _posted(
        "/v1/calls",
        lambda size: dict.fromkeys(("agent", "team", "queue", "campaign", "customer_id", "scenario"), "x" * size),
    ),
    "Facts of a call": _posted("/v1/calls", _facts),
    "Channels of a call": _posted(
        "/v1/calls", lambda size: {"channels": [{"index": number % 32, "role": "agent"} for number in range(size)]}
    ),
    "Time within a call": _posted(f"{CALL}/end", lambda size: {"duration_ms": size}),
    "Message of a chat": _posted(f"{CALL}/messages", lambda size: {"role": "agent", "text": "x" * size}),
    "Address of a recording elsewhere": _posted(
        f"{CALL}/recordings", lambda size: {"uri": "https://calls.example/".ljust(size, "x")}
    ),
    "Places to cut a recording at": _posted(
        f"{CALL}/recordings",
        lambda size: {"uri": "s3://calls/1", "split": "markers", "markers_ms": list(range(1, size + 1))},
    ),
    "Frame of a WebSocket": _frame,
    "Control frame of a WebSocket": _control,
    "Mark from which a stream goes on": _built(lambda size: Sought(last_event_id="x" * size)),
    "Words that are searched for": _built(lambda size: Search(text="x" * size)),
    "Question in plain words": _built(lambda size: Words(text="x" * size)),
    "Conditions of a question": _built(lambda size: _where(conditions=size)),
    "Values of a condition": _built(lambda size: _where(values=size)),
    "Value of a condition": _built(lambda size: _where(length=size)),
    "Rows of a page": _built(lambda size: Query(limit=size)),
    "SQL statement": _sql,
    "Answer to an assistant (MCP)": _told,
    "One text in it": _text,
}
